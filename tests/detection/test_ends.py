"""The newest and the oldest runs of a long series, on both sides of each limit."""

from collections.abc import Sequence

import numpy as np
import pytest

from tbp.detection.ends import with_ends
from tbp.detection.measured import measured
from tbp.detection.selection import LevelStep, Selection, residuals_of


def ends(deviations: Sequence[float], steps: Sequence[int] = ()) -> list[tuple[int, bool]]:
    """(index, confirmed) of all steps of runs that deviate from 1 by so much in logarithms, and step inside."""
    series = measured(np.exp(deviations).tolist())
    inside = tuple(LevelStep(index, 1e-9, confirmed=True) for index in steps)
    residuals = residuals_of(series.scaled, (0, *steps, len(deviations)))
    return [(step.index, step.confirmed) for step in with_ends(series, Selection(inside, residuals))]


def quiet(size: float, runs: int = 36, outlier: float = 0.0) -> list[float]:
    """Runs that deviate by ``size`` in turns, so that sigma is 1.4826 times that, and four that do not."""
    deviations = [size, -size] * (runs // 2 - 2)
    return [*deviations[:10], outlier or size, *deviations[11:], *[0.0] * 4]


@pytest.mark.parametrize("sign", [1, -1])
def test_one_newest_run_is_suspect_from_five_sigmas_on(sign: int):
    # Five sigmas are 0.0741. The chance of one so far out is 1 / 37 · (0.01 / 0.0741)², 5e-4.
    assert ends([*quiet(0.01), sign * 0.0735]) == []
    assert ends([*quiet(0.01), sign * 0.0748]) == [(36, False)]


def test_several_newest_runs_are_suspect_from_three_sigmas_on():
    assert ends([*quiet(0.02), 0.088, 0.088]) == []
    assert ends([*quiet(0.02), 0.0905, 0.0905]) == [(36, False)]
    assert ends([*quiet(0.02), 0.0905, 0.088]) == []  # each of them


def test_a_newest_run_must_be_further_out_than_an_earlier_outlier_by_far():
    # 1 / 37 · (0.03 / 0.105)² is 0.0022, of which 0.002 is asked.
    assert ends([*quiet(0.01, outlier=0.03), 0.105]) == []
    assert ends([*quiet(0.01, outlier=0.03), 0.12]) == [(36, False)]


def test_two_newest_runs_must_be_further_out_than_an_earlier_outlier():
    # 2 / (38 · 37) · (0.05 / 0.095)² is 3.9e-4, of which 3e-4 is asked.
    assert ends([*quiet(0.02, outlier=0.05), 0.095, 0.095]) == []
    assert ends([*quiet(0.02, outlier=0.05), 0.115, 0.115]) == [(36, False)]


def test_newest_runs_on_both_sides_of_the_level_are_no_step():
    assert ends([*quiet(0.01), 0.5, -0.5]) == [(37, False)]  # the very newest alone
    assert ends([*quiet(0.01), 0.5, 0.0]) == []


def test_three_newest_runs_are_confirmed_by_themselves_and_two_are_not():
    assert ends([*quiet(0.01), 0.5, 0.5, 0.5]) == [(36, True)]
    assert ends([*quiet(0.01), 0.5, 0.5, 0.5, 0.5]) == [(36, True)]
    assert ends([*quiet(0.01), 0.5, 0.5]) == [(36, False)]
    assert ends([*quiet(0.01, 100), 0.5, 0.5]) == [(100, False)]  # where the tests alone would be sure


def test_newest_runs_are_compared_with_all_of_their_level_the_first_run_too():
    assert ends([0.6, *quiet(0.01), 0.5, 0.5, 0.5]) == []
    assert ends([*quiet(0.01), 0.01, 0.5, 0.5, 0.5]) == [(37, True)]


def test_a_level_of_three_runs_tells_of_the_newest_and_one_of_two_does_not():
    level = [*quiet(0.01, 34), 1.0, 1.01, 0.99]
    assert ends([*level, 2.0], [34]) == [(34, True), (37, False)]
    assert ends([*level[:-1], 2.0], [34]) == [(34, True)]


@pytest.mark.parametrize("oldest", [1, 2])
def test_the_oldest_runs_are_suspect_from_half_as_much_again_on(oldest: int):
    assert ends([0.40] * oldest + quiet(0.01)) == []
    assert ends([0.41] * oldest + quiet(0.01)) == [(oldest, False)]
    assert ends([-0.41] * oldest + quiet(0.01)) == [(oldest, False)]


def test_three_oldest_runs_are_left_to_the_tests_of_the_others():
    assert ends([1.0] * 3 + quiet(0.01)) == []


def test_an_oldest_run_must_be_twice_as_far_out_as_any_later_one():
    assert ends([0.59, *quiet(0.01, outlier=0.3)]) == []
    assert ends([0.61, *quiet(0.01, outlier=0.3)]) == [(1, False)]


def test_an_oldest_run_must_be_five_sigmas_out():
    assert ends([0.73, *quiet(0.1)]) == []
    assert ends([0.75, *quiet(0.1)]) == [(1, False)]


def test_an_oldest_run_needs_three_runs_behind_it():
    assert ends([1.0, 0.01, -0.01, 0.0, *(3 + run for run in quiet(0.01))], [4]) == [(1, False), (4, True)]
    assert ends([1.0, 0.01, -0.01, *(3 + run for run in quiet(0.01))], [3]) == [(3, True)]
