"""Trends and steps of long series, on both sides of each limit."""

import numpy as np
import pytest

from tbp.detection.detector import change_points
from tbp.detection.long_series import long_steps
from tbp.detection.measured import measured

WOBBLE = np.tile([0.01, -0.01, 0.004, -0.006, 0.0, 0.007, -0.009, 0.002, -0.003, 0.005], 6)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_trend_must_gain_six_tenths_of_a_boundary_s_logarithm(sign: int):
    """0.6 · ln 60 is 2.5 nats, which a slope of 1.7e-4 a run gains in this noise; the gain grows as its square."""
    runs = np.arange(60)
    faint, clear = long_steps([measured(np.exp(WOBBLE + sign * slope * runs).tolist()) for slope in (1.4e-4, 1.8e-4)])
    assert (faint.slope, faint.selection.steps) == (0.0, ())
    assert (clear.slope, clear.selection.steps) == (pytest.approx(sign * 1.8e-4, rel=0.1), ())


def test_outliers_do_not_bend_a_trend():
    """A run far above the trend and one far below it would hide the trend if they counted as other runs do."""
    logs = WOBBLE + 2.5e-4 * np.arange(60)
    logs[[3, 56]] += [0.1, -0.1]
    (steps,) = long_steps([measured(np.exp(logs).tolist())])
    assert steps.slope == pytest.approx(2.5e-4, rel=0.25)


def test_a_trend_is_that_inside_the_segments_of_steps():
    logs = WOBBLE + 5e-4 * np.arange(60) + np.repeat([0.0, 0.4, 0.1], 20)
    (steps,) = long_steps([measured(np.exp(logs).tolist())])
    assert steps.slope == pytest.approx(5e-4, rel=0.1)
    assert [(step.index, step.confirmed) for step in steps.selection.steps] == [(20, True), (40, True)]


def test_equal_values_have_neither_steps_nor_a_trend():
    (steps,) = long_steps([measured([3.0] * 30)])
    assert (steps.slope, steps.selection.steps, steps.selection.residuals.tolist()) == (0.0, (), [0.0] * 30)


@pytest.mark.parametrize(
    ("before", "after", "shift", "found"),
    [
        (50, 10, 0.009, []),  # less than 1 % is no news
        (50, 10, 0.012, [(50, True)]),
        (30, 30, 0.012, [(30, True)]),
        (12, 12, 0.018, []),
        (12, 12, 0.021, [(12, True)]),
    ],
)
def test_the_smallest_step_that_is_worth_a_boundary(
    before: int, after: int, shift: float, found: list[tuple[int, bool]]
):
    """In noise of 0.9 %: the more runs, the smaller."""
    logs = WOBBLE[: before + after] + np.repeat([0.0, shift], [before, after])
    assert [(c.index, c.confirmed) for c in change_points(np.exp(logs).tolist())] == found
