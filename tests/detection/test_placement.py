"""A step beside a run out of line, in literal series."""

import numpy as np
import pytest

from tbp.detection.detector import change_points
from tbp.detection.placement import placed

OLD, NEW = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99], [1.4, 1.41, 1.39, 1.4, 1.41, 1.39]


def logs(*runs: float) -> np.ndarray:
    return np.log(np.array(runs))


@pytest.mark.parametrize("spike", [1.5, 2.0, 9.0])
def test_a_step_is_not_where_a_spike_was_two_runs_before_it(spike: float):
    assert placed(logs(*OLD, spike, 1.0, *NEW), [6]) == [8]
    assert placed(logs(*NEW, 1.4 / spike, 1.4, *OLD), [6]) == [8], "and so downwards"


def test_a_step_is_not_where_a_dip_was_two_runs_after_it():
    assert placed(logs(*OLD, 1.4, 0.6, *NEW), [8]) == [6]


def test_each_of_several_steps_is_placed_between_the_others():
    assert placed(logs(*OLD, 2.0, 1.0, *NEW, 0.5, 1.4, *OLD), [6, 14]) == [8, 16]


def test_what_stands_well_is_left():
    assert placed(logs(*OLD, *NEW), [6]) == [6]
    assert placed(logs(*OLD, *NEW), []) == []
    assert placed(logs(*OLD[:2], 2.0, 1.0, *NEW), [2]) == [2], "two runs are no level"
    small = [1.03 * run for run in OLD]
    assert placed(logs(*OLD, 1.2, 1.0, *small), [6]) == [6], "of three noises"
    assert placed(logs(*OLD, 1.2, *NEW), [7]) == [7], "halfway between the levels is of none"
    assert placed(np.zeros(12), [6]) == [6]


def test_runs_that_are_all_alike_have_a_step_too():
    assert placed(np.array([0.0] * 6 + [5.0, 0.0] + [1.0] * 6), [6]) == [8]


@pytest.mark.parametrize("runs", [6, 20])
def test_the_detector_names_the_commit_of_the_step(runs: int):
    """In a short series and in a long one."""
    dice = np.random.default_rng(1)
    values = np.exp(dice.normal(0, 0.01, 2 * runs))
    values[runs:] *= 1.4
    values[runs - 2] *= 1.5
    (change,) = (change for change in change_points(values.tolist()) if change.effect > 0.3)
    assert change.index == runs
