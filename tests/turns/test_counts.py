"""Benchmarks that give a value by themselves: literal values of both sides, literal judgements."""

from collections.abc import Callable, Iterator
from math import nan

import pytest

from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.model.series import Better
from tbp.turns.cells import Cell, CellFailed, CellSkipped, Side
from tbp.turns.counts import EXACT_VALUES, MOST_VALUES, counted
from tbp.turns.evidence import Limits
from tbp.turns.worker_process import OutOfTime

CELL = Cell("suite.track_x", 0, (), kind="track", unit="calls")
NOISY_OLD, NOISY_NEW = (100.0, 101.0, 102.0, 101.0, 100.0), (120.0, 121.0, 122.0, 121.0, 120.0)


def giving(base: tuple[float, ...], head: tuple[float, ...]) -> Callable[[Cell, Side], float]:
    streams: dict[Side, Iterator[float]] = {"base": iter(base), "head": iter(head)}
    return lambda cell, side: next(streams[side])


def only(value_of: Callable[[Cell, Side], float], better: Better = Better.LOWER) -> Judgement:
    (judgement,) = counted([CELL], value_of, lambda cell: better, Limits(), "the budget ended")
    return judgement


@pytest.mark.parametrize(
    ("base", "head", "better", "state"),
    [
        (100.0, 151.0, Better.LOWER, State.REGRESSION),
        (100.0, 151.0, Better.HIGHER, State.IMPROVEMENT),
        (100.0, 151.0, Better.UNKNOWN, State.CHANGED),
        (151.0, 100.0, Better.LOWER, State.IMPROVEMENT),
        (100.0, 100.0, Better.LOWER, State.NO_CHANGE),
        (1000.0, 1001.0, Better.LOWER, State.NO_CHANGE),  # below what is relevant
        (0.0, 5.0, Better.LOWER, State.REGRESSION),
        (0.0, 0.0, Better.LOWER, State.NO_CHANGE),
    ],
)
def test_an_exact_counter_needs_three_values(base: float, head: float, better: Better, state: State):
    judgement = only(giving((base,) * EXACT_VALUES, (head,) * EXACT_VALUES), better)
    assert (judgement.state, judgement.before, judgement.after) == (state, base, head)
    assert (judgement.unit, judgement.evidence) == ("calls", 3)


@pytest.mark.parametrize(
    ("head", "state"),
    [
        (NOISY_NEW, State.REGRESSION),
        ((103.0, 101.0, 100.0, 102.0, 101.0), State.NO_CHANGE),  # nothing is more than 5 % apart
        ((90.0, 100.0, 110.0, 120.0, 130.0), State.UNDECIDED),
    ],
)
def test_a_value_that_does_not_repeat_needs_five_that_do_not_overlap(head: tuple[float, ...], state: State):
    judgement = only(giving(NOISY_OLD, head))
    assert (judgement.state, judgement.evidence) == (state, MOST_VALUES)


def test_the_chance_is_corrected_for_all_that_was_counted():
    """One of twenty that do not overlap is as likely as not by chance."""
    cells = [Cell(f"suite.track_{number}", 0, (), kind="track") for number in range(20)]
    streams = {(cell, side): iter(NOISY_OLD) for cell in cells for side in ("base", "head")}
    streams[cells[0], "head"] = iter(NOISY_NEW)
    judgements = counted(cells, lambda cell, side: next(streams[cell, side]), lambda _: Better.LOWER, Limits(), "")
    assert {judgement.state for judgement in judgements} == {State.UNDECIDED, State.NO_CHANGE}


def test_failures_skips_and_the_end_of_the_time_are_told_apart():
    def raising(error: Exception) -> Callable[[Cell, Side], float]:
        def value_of(cell: Cell, side: Side) -> float:
            raise error

        return value_of

    assert only(raising(CellFailed("head raised KeyError"))).state is State.FAILED
    assert only(raising(CellSkipped("no GPU"))).state is State.SKIPPED
    assert only(giving((nan,), (nan,))).reason == "base gives no number: nan"
    assert only(raising(OutOfTime())).reason == "not measured: the budget ended"
