"""Points as columns are the tuple that they stand for."""

import math
from collections.abc import Sequence

import pytest

from tbp.model.points import (
    Points,
    columns,
    commits,
    index_of,
    known_commits,
    last_with_level,
    levels,
    measured_values,
)
from tbp.model.series import Outcome, Point

from ..histories import numbered

NAN = math.nan
RUNS = (
    Point(numbered(1), Outcome.MEASURED, 1.0, 0.9, 1.1, (1.0, 1.01)),
    Point(numbered(2), Outcome.FAILED, reason="it raised"),
    Point(numbered(3), Outcome.MEASURED, 3.0, comparable=False),
    Point(numbered(3), Outcome.MEASURED, 4.0, 3.9, 4.1, (4.0,)),
    Point(numbered(4), Outcome.SKIPPED, reason="no device"),
)


def same(points: Sequence[Point], runs: Sequence[Point]) -> bool:
    """``==`` but for NaN, which a value that was not measured is."""
    return repr(tuple(points)) == repr(tuple(runs))


def fresh() -> Points:
    return Points(columns(RUNS))


def test_points_are_the_tuple_that_they_were_made_of():
    assert same(fresh(), RUNS)
    assert len(fresh()) == 5
    assert same(fresh()[1:4], RUNS[1:4])


@pytest.mark.parametrize("at", [0, 1, 4, -1, -5])
def test_a_single_point_is_that_of_the_tuple(at: int):
    assert same([fresh()[at]], [RUNS[at]])
    whole = fresh()
    assert same(whole, RUNS)  # all are made by now
    assert same([whole[at]], [RUNS[at]])


@pytest.mark.parametrize("at", [5, -6])
def test_there_is_no_point_beyond_the_ends(at: int):
    with pytest.raises(IndexError, match=f"there are 5 points, and none at {at}"):
        fresh()[at]


@pytest.mark.parametrize(("start", "stop"), [(0, 5), (1, 4), (3, 4), (2, 2)])
def test_a_part_has_the_sessions_and_reasons_of_its_runs(start: int, stop: int):
    assert same(fresh().part(start, stop), RUNS[start:stop])


def test_points_of_measured_runs_are_equal_to_their_tuple():
    measured = tuple(Point(numbered(at), Outcome.MEASURED, 1.0, 1.0, 1.0) for at in range(3))
    assert Points(columns(measured)) == measured
    assert Points(columns(measured)) != measured[:2]
    assert hash(Points(columns(measured))) == hash(measured)


@pytest.mark.parametrize("points", [RUNS, fresh()])
def test_levels_are_the_values_that_may_be_compared_with_the_newest(points: Sequence[Point]):
    assert repr(levels(points).tolist()) == repr([1.0, NAN, NAN, 4.0, NAN])
    assert repr(measured_values(points).tolist()) == repr([1.0, NAN, 3.0, 4.0, NAN])


@pytest.mark.parametrize("points", [RUNS, fresh()])
def test_the_last_level_of_all_points_and_of_the_first_three(points: Sequence[Point]):
    last, before = last_with_level(points), last_with_level(points, 3)
    assert last is not None
    assert before is not None
    assert (last.value, before.value) == (4.0, 1.0)
    assert last_with_level(RUNS[1:3]) is None


@pytest.mark.parametrize("points", [RUNS, fresh()])
def test_a_commit_with_two_runs_has_the_index_of_the_last(points: Sequence[Point]):
    assert index_of(points, numbered(3).hash) == 3
    assert index_of(points, numbered(1).hash) == 0
    assert index_of(points, numbered(9).hash) is None
    assert commits(points) == [numbered(1), numbered(2), numbered(3), numbered(3), numbered(4)]


def test_commits_of_several_series_are_in_order_of_time_once():
    late, early = RUNS[3:], RUNS[:2]
    assert known_commits([late, early, late]) == tuple(numbered(at) for at in (1, 2, 3, 4))
