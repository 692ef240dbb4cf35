"""Selection of steps: what it asks of the evidence, on both sides of each limit."""

from collections.abc import Sequence

import numpy as np
import pytest

from tbp.detection.boundaries import Boundary
from tbp.detection.detector import change_points
from tbp.detection.selection import correlation_inflation

WOBBLE = [0.01, -0.01, 0.0, -0.004, 0.004, 0.01, -0.01]


def two_levels(before: int, after: int) -> list[float]:
    """Runs around 1.00 and around 1.04, whose noise of 1 % never makes them meet."""
    runs = [*(WOBBLE * 3)[:before], *(0.04 - deviation for deviation in (WOBBLE * 3)[:after])]
    return np.exp(runs).tolist()


def test_six_runs_against_fourteen_are_not_sure_and_seven_against_thirteen_are():
    """Twice 2 / C(20, 6) is 1.03e-4, twice 2 / C(20, 7) 5.2e-5, and 8e-5 is asked."""
    assert change_points(two_levels(14, 6)) == ()
    (change,) = change_points(two_levels(13, 7))
    assert (change.index, change.confirmed) == (13, True)
    assert change.p_value == pytest.approx(20 * 5.16e-5, rel=0.01)


def test_correlation_widens_an_error_by_the_root_of_its_odds():
    # rho is (3 - 1 + 3) / 8, and (1 + 5/8) / (1 - 5/8) is 13 / 3.
    assert correlation_inflation(np.array([1.0] * 4 + [-1.0] * 4)) == pytest.approx((13 / 3) ** 0.5)
    assert correlation_inflation(np.array([1.0, -1.0] * 4)) == 1
    assert correlation_inflation(np.zeros(8)) == 1


def test_no_correlation_counts_as_more_than_nine_tenths():
    assert correlation_inflation(np.repeat([1.0, -1.0], 100)) == pytest.approx(19**0.5)


def test_an_outlier_hides_no_correlation():
    runs = np.repeat([1.0, -1.0, 1.0, -1.0, 1.0, -1.0], 10)
    calm = correlation_inflation(runs)
    runs[35] = -1000.0
    assert correlation_inflation(runs) == pytest.approx(calm, rel=0.25)


def five_among_sixty(outliers: Sequence[int], noise: float = 0.01, factor: float = 1.3) -> list[tuple[int, bool]]:
    """Five runs in the middle of 60 are slower, and so are single others."""
    values = np.exp(np.random.default_rng(2).normal(0, noise, 60))
    values[[*outliers, *range(40, 45)]] *= factor
    return [(change.index, change.confirmed) for change in change_points(values.tolist())]


@pytest.mark.parametrize(
    ("outliers", "found"),
    [
        ([4], [(40, True), (45, True)]),  # 2.6e-5 of 8e-5
        ([4, 17], [(40, False), (45, False)]),  # 9e-5
        ([4, 17, 33, 51], [(40, False), (45, False)]),  # 3.7e-4 of 5e-4
        ([4, 10, 17, 33, 51], []),
    ],
)
def test_runs_as_far_out_elsewhere_make_a_step_less_sure(outliers: list[int], found: list[tuple[int, bool]]):
    assert five_among_sixty(outliers) == found


@pytest.mark.parametrize(("noise", "found"), [(0.02, [(40, False), (45, False)]), (0.025, [])])
def test_a_suspect_is_six_times_its_noise(noise: float, found: list[tuple[int, bool]]):
    """A fifth slower is 7.4 and 5.9 sigmas of this noise."""
    assert five_among_sixty([4, 17, 33, 51], noise, factor=1.2) == found


def test_all_runs_are_looked_through_for_few_of_the_places_that_are_given_up(monkeypatch: pytest.MonkeyPatch):
    """Waves are proposed as 108 steps of 2,000 runs, of which most are given up, one after the other."""
    pooled, looks = Boundary._pooled, []

    def counted(boundary: Boundary, *arguments):
        looks.append(boundary.index)
        return pooled(boundary, *arguments)

    monkeypatch.setattr(Boundary, "_pooled", counted)
    runs = np.arange(2000)
    noise = np.random.default_rng(1).normal(0, 0.01, len(runs))
    steps = change_points(np.exp(0.1 * np.sin(runs / 20) + noise).tolist())
    assert len(steps) == 26
    assert len(looks) < 400  # 5,587 where each place that is given up tests all that are left
