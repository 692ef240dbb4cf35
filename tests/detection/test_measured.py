"""The measured part of a series: what is left out, and the scale that it is judged on."""

import math

import numpy as np
import pytest

from tbp.detection.measured import measured

NAN, INFINITE = math.nan, math.inf


def test_runs_without_a_value_are_left_out_and_still_counted():
    series = measured([NAN, 1.0, INFINITE, 4.0])
    assert (series.places.tolist(), series.raw.tolist()) == ([1, 3], [1.0, 4.0])
    assert series.scaled.tolist() == pytest.approx([0.0, math.log(4)])
    assert series.change(0, 1, 2, 0.01, confirmed=True).index == 3


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_values_that_are_not_all_positive_are_judged_as_they_are(value: float):
    series = measured([1.0, value, 4.0])
    assert (series.is_log, series.scaled.tolist()) == (False, [1.0, value, 4.0])
    assert not measured([1.0, 4.0], [[1.0, 2.0], [4.0, value]]).is_log
    assert not measured([]).is_log
    assert not measured([], []).is_log


def test_sessions_are_on_the_scale_of_the_runs_and_a_run_without_any_is_one():
    series = measured([2.0, 3.0, NAN, 5.0], [[1.0, NAN, 4.0], [], [9.0], [NAN]])
    assert [session.tolist() for session in series.sessions] == [[0.0, math.log(4)], [math.log(3)], [math.log(5)]]
    negative = measured([-2.0, 3.0], [[-1.0, -3.0], []])
    assert [session.tolist() for session in negative.sessions] == [[-1.0, -3.0], [3.0]]
    assert [session.tolist() for session in measured([1.0, NAN, 1.0]).sessions] == [[0.0], [0.0]]


def test_a_relevant_size_is_a_share_of_the_level_before_on_either_scale():
    assert measured([1.0, 2.0]).relevant(0.05, 2.0) == pytest.approx(math.log(1.05))
    assert measured([-1.0, 2.0]).relevant(0.05, -4.0) == pytest.approx(0.2)


def test_a_change_is_between_the_medians_of_its_segments():
    series = measured([1.0, 2.0, 9.0, 20.0, 30.0, 40.0, 50.0])
    change = series.change(0, 3, 6, 1.5, confirmed=False, doubt="why")
    assert (change.index, change.before, change.after, change.p_value) == (3, 2.0, 30.0, 1.0)
    assert (change.confirmed, change.doubt) == (False, "why")


def test_without_its_trend_a_series_keeps_its_mean_and_sessions_follow():
    series = measured(np.exp([0.0, 0.1, 0.2, 0.3]).tolist(), [[np.exp(0.05)], [], [], [np.exp(0.25), np.exp(0.35)]])
    assert series.without_trend(0.1).tolist() == pytest.approx([0.15] * 4)
    level = series.detrended(0.1)
    assert level.scaled.tolist() == pytest.approx([0.15] * 4)
    assert np.concatenate(level.sessions).tolist() == pytest.approx([0.2, 0.15, 0.15, 0.1, 0.2])
    assert level.raw.tolist() == series.raw.tolist()
    assert series.detrended(0.0) is series
