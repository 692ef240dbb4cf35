"""Series of fewer than twenty runs, on both sides of each limit."""

import numpy as np
import pytest

from tbp.detection.detector import change_points
from tbp.model.changes import Change

FIVE = [1.0, 1.02, 0.98, 1.01, 0.99]  # of a standard deviation of 1.58 %
SESSIONS = [0.9998, 0.9999, 1.0, 1.0001, 1.0002]


def test_three_runs_are_too_few_even_for_a_suspect():
    assert change_points([1.0, 1.01, 1.5]) == ()
    (change,) = change_points([1.0, 1.01, 1.02, 1.5])
    assert (change.index, change.confirmed, change.doubt) == (3, False, "too few runs to tell")
    assert change.p_value == 1  # three places, of a chance of one half each


def with_a_new_run(sigmas: float) -> tuple[Change, ...]:
    """Five runs and one so far from their median, each of five sessions that agree with each other."""
    sigma = float(np.log(FIVE).std(ddof=1))
    runs = [*FIVE, float(np.exp(sigmas * sigma))]
    return change_points(runs, [[run * session for session in SESSIONS] for run in runs])


@pytest.mark.parametrize(("sigmas", "states"), [(2.9, []), (3.5, [False]), (4.05, [False]), (4.3, [True])])
def test_sessions_of_one_run_are_no_more_sure_than_the_run(sigmas: float, states: list[bool]):
    """Student's t of five runs against one has four degrees of freedom; 0.1 is asked, times five places.

    4.05 σ are a t of 3.70 and 2.1 %, 4.3 σ one of 3.93 and 1.7 %.
    """
    assert [change.confirmed for change in with_a_new_run(sigmas)] == states


def test_four_single_runs_against_six_are_not_sure_and_five_against_five_are():
    """Nine times 2 / C(10, 4) is 0.086, of which 0.05 is asked; five are also held against the runs around levels."""
    (change,) = change_points([1.0, 1.01, 0.99, 1.02, 0.98, 1.0, 1.3, 1.31, 1.29, 1.3])
    assert (change.index, change.confirmed, change.p_value) == (6, False, pytest.approx(9 * 2 / 210))
    (change,) = change_points([1.0, 1.01, 0.99, 1.02, 0.98, 1.3, 1.31, 1.29, 1.3, 1.305])
    assert (change.index, change.confirmed) == (5, True)


QUIET, NOISY = [0.504, 0.505, 0.508], [0.692, 0.631, 0.861, 0.679, 0.832]  # measured; the machine was busy later


def of_equal_sessions(runs: list[float]) -> tuple[Change, ...]:
    return change_points(runs, [[run * session for session in SESSIONS] for run in runs])


STEADY = [1.0, 1.001, 0.999]


@pytest.mark.parametrize(("runs", "index"), [(QUIET + NOISY, 3), (NOISY + QUIET, 5)])
def test_a_step_that_anybody_sees_is_suspect_below_three_noises(runs: list[float], index: int):
    """The logarithms differ by 0.315, three times the noise of all runs is 0.332; Welch's p is 0.65 %, seven times."""
    (change,) = of_equal_sessions(runs)
    assert (change.index, change.confirmed, change.doubt) == (index, False, "less than three times the noise")


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([*STEADY, 1.35, 1.5, 1.4, 0.9995, 1.5, 1.38, 1.55, 1.45], "one run lies on the other side; p is 0.02 %"),
        ([*STEADY, 1.06, 1.16, 1.1, 1.18, 1.07, 1.12, 1.05, 1.13], "11 % are too little; p is 0.02 %"),
        ([*STEADY, 1.3, 1.15, 1.6, 1.18, 1.4], "p is 1.2 %, and there are seven places"),
        ([0.5, *NOISY], "one run has no noise"),
    ],
)
def test_noise_on_one_side_is_no_step(runs: list[float], reason: str):
    assert of_equal_sessions(runs) == (), reason
