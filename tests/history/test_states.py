"""Series that are no longer measured."""

from tbp.detection.detector import change_points
from tbp.history.states import freshness, is_enough
from tbp.model.changes import State
from tbp.model.series import Outcome, Point, SeriesKey

from ..histories import numbered, points


def key(benchmark: str = "b", value: str = "1", machine: str = "m") -> SeriesKey:
    return SeriesKey(benchmark, (("p", value),), machine, "e")


def until(day: int) -> list[Point]:
    return [Point(numbered(day), Outcome.MEASURED, 1.0)]


def gone(own: SeriesKey, day: int, declared: tuple[str, ...] = ("b",), stale_days: float = 30) -> State | None:
    series = [(own, until(day)), (key(value="2"), until(100)), (key(machine="other"), until(100))]
    return freshness(series, declared).gone(own, stale_days)


def test_what_is_measured_is_not_gone():
    assert gone(key(), 100) is None
    assert gone(key(), 100, declared=()) is None


def test_a_benchmark_that_is_no_longer_declared_vanished():
    assert gone(key("old"), 100) is State.VANISHED


def test_parameters_that_are_no_longer_measured_vanished():
    assert gone(key(), 99) is State.VANISHED


def test_a_machine_that_fell_silent_is_stale():
    assert gone(key(machine="silent"), 60) is State.STALE
    assert gone(key(machine="silent"), 75) is None
    assert gone(key(machine="silent"), 60, stale_days=50) is None
    assert gone(key(machine="silent"), 60, stale_days=float("inf")) is None


def test_ten_single_values_are_the_first_that_could_have_told_a_change():
    assert (is_enough(points([1.0, 1.01, 0.99] * 3)), is_enough(points([1.0, 1.01] * 5))) == (False, True)
    steady = [1.0, 1.01, 0.99, 1.0, 1.02]
    assert change_points([*steady, *steady]) == ()
    assert [change.confirmed for change in change_points([*steady, *(1 + value for value in steady)])] == [True]
