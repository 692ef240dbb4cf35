"""Two stored runs against the noise of the others."""

import math

import numpy as np
import pytest

from tbp.comparison.two_runs import MIN_OTHER_RUNS, RunsDifference, difference, repeats_exactly, sigma

# Neighbours 1 % apart.
STEADY = [1.00, 1.01] * 10
STEP = [*STEADY[:10], *(1.3 * value for value in STEADY[10:])]


def claimed(values: list[float], first: int, second: int) -> bool:
    found = difference(values, first, second)
    return found.is_shared and found.p_value < 0.01


def test_a_step_is_found_between_its_neighbours():
    found = difference(STEP, 9, 10)
    assert found.effect == pytest.approx(math.log(1.3 * 1.00 / 1.01))
    assert found.error == pytest.approx(math.log(1.01) / 0.6745)  # the median of the others says most
    assert found.is_shared
    assert found.p_value < 0.001


def test_the_older_one_may_come_second():
    forwards, backwards = difference(STEP, 5, 15), difference(STEP, 15, 5)
    assert backwards.effect == -forwards.effect
    assert (backwards.error, backwards.is_shared) == (forwards.error, forwards.is_shared)


@pytest.mark.parametrize(("first", "second"), [(9, 10), (10, 11), (5, 10), (10, 15)])
def test_one_odd_run_is_no_change(first: int, second: int):
    spike = [*STEADY[:10], 1.5, *STEADY[11:]]
    assert not claimed(spike, first, second)


def test_the_newest_run_must_exceed_many_other_differences():
    long = [*STEADY, *STEADY]
    assert claimed([*long, 1.2], 39, 40)
    assert not claimed([*long[:25], 1.25, *long[26:], 1.2], 39, 40)
    assert not claimed([*STEADY, 1.2], 19, 20)


def test_too_few_other_runs_say_nothing():
    assert difference(STEP[: MIN_OTHER_RUNS + 1], 0, 1) is None
    assert difference(STEP[: MIN_OTHER_RUNS + 2], 0, 1) is not None


def test_sessions_that_disagree_make_it_less_sure_and_never_surer():
    agreeing = difference(STEP, 9, 10, ([1.01] * 3, [1.3] * 3))
    disagreeing = difference(STEP, 9, 10, ([0.8, 1.01, 1.2], [1.0, 1.3, 1.6]))
    alone = difference(STEP, 9, 10)
    assert agreeing == alone
    assert disagreeing.error > 5 * alone.error


def test_sigma_is_that_of_normal_noise_and_more_for_heavy_tails():
    rng = np.random.default_rng(0)
    normal = rng.normal(0, 0.05, 10_000)
    assert sigma(normal) == pytest.approx(0.05, rel=0.05)
    tailed = np.where(rng.random(10_000) < 0.1, 10 * normal, normal)
    assert sigma(tailed) > 0.1


def test_the_interval_is_of_the_ratio():
    low, high = RunsDifference(math.log(1.1), 0.01, 4, True).interval(0.99)
    assert (1 + low) * (1 + high) == pytest.approx(1.1**2)
    assert low == pytest.approx(1.1 * math.exp(-0.01 * 4.604) - 1, abs=1e-4)  # Student's t, 4 degrees of freedom


@pytest.mark.parametrize(
    ("values", "is_exact"),
    [
        ([24, 24, 24, 24, 48], True),
        ([24, 48, 48, 48, 48], True),
        ([24, 24, 48, 48, 48], True),
        ([24, 24, 48, 48], False),  # two other runs
        ([1.0, 1.1, 1.3, 1.2, 1.1], False),
    ],
)
def test_a_counter_repeats_exactly(values: list[float], is_exact: bool):
    second = next((place for place in range(1, len(values)) if values[place] != values[place - 1]), 2)
    assert repeats_exactly(values, second - 1, second) is is_exact
