import math
from itertools import pairwise

from tbp.history.two_sides import MOST_VALUES, RUNS_PER_SIDE, sides
from tbp.model.changes import Change
from tbp.model.series import Commit

from ..histories import numbered, points


def change(index: int) -> Change:
    return Change(index, 1.0, 2.0, 0.01, True)


def none(_: Commit) -> tuple[tuple[float, ...], ...]:
    return ()


def test_without_samples_a_side_is_the_medians_of_its_runs():
    (found,) = sides(points([1.0, 3.0, 2.0, 9.0, 8.0]), [change(3)], none)
    assert (found.of, found.before.values, found.after.values) == ("run medians", (1.0, 2.0, 3.0), (8.0, 9.0))
    assert (found.before.low, found.before.median, found.before.high) == (1.5, 2.0, 2.5)
    assert (found.before.measured, found.before.runs, found.before.processes) == (3, 3, 0)


def test_a_side_ends_where_the_next_change_is():
    first, second = sides(points([1.0, 2.0, 3.0, 4.0]), [change(1), change(3)], none)
    assert (first.before.values, first.after.values) == ((1.0,), (2.0, 3.0))
    assert (second.before.values, second.after.values) == ((2.0, 3.0), (4.0,))


def test_samples_are_those_of_the_nearest_runs_and_say_how_many_processes_took_them():
    def samples(commit: Commit) -> list[list[float]]:
        return [[float(commit.hash), 0.5], [0.25]]

    (found,) = sides(points(range(1, 9)), [change(7)], samples)
    assert (found.of, found.before.runs, found.before.processes) == ("samples", RUNS_PER_SIDE, 2 * RUNS_PER_SIDE)
    assert [value for value in found.before.values if value >= 1] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert found.after.values == (0.25, 0.5, 7.0)


def test_samples_on_one_side_only_are_not_set_against_medians():
    after = {numbered(1): [[7.0]]}
    (found,) = sides(points([1.0, 2.0], sessions=3), [change(1)], lambda commit: after.get(commit, []))
    assert (found.of, found.before.values, found.after.values) == ("run medians", (1.0,), (2.0,))
    assert found.before.processes == 3


def test_many_values_are_thinned_evenly_and_counted_whole():
    (found,) = sides(points([0.0, 1.0]), [change(1)], lambda _: [[float(i) for i in range(1000)]])
    shown = found.before.values
    assert (len(shown), shown[0], shown[-1], found.before.measured) == (MOST_VALUES, 0.0, 999.0, 1000)
    assert max(b - a for a, b in pairwise(shown)) <= 11
    assert found.before.median == 499.5


def test_a_side_without_a_value_is_none():
    assert sides(points([math.nan, 1.0]), [change(1)], none) == (None,)
    assert sides(points([1.0]), [], none) == ()
