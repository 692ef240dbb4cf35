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
