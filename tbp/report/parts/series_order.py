"""The order of series in every list of the report, and how many are in each state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from tbp.model.changes import History, State
from tbp.report.parts.change_sorts import Sort
from tbp.report.parts.shown_change import size
from tbp.wording import verdicts

SOUGHT = (State.REGRESSION, State.IMPROVEMENT)
"""States whose absence says something, too."""


ROW_ORDER = (
    State.REGRESSION, State.CHANGED, State.IMPROVEMENT, State.RECOVERED, State.SUSPECT, State.FAILED, State.STALE,
    State.VANISHED, State.UNDECIDED, State.ACKNOWLEDGED, State.NOT_ENOUGH_DATA, State.NO_CHANGE, State.SKIPPED,
)  # fmt: skip
"""The order in which a reader has to see states: what moved, then what is no longer known, then what is as it was."""


_RANK = {state: order for order, state in enumerate(ROW_ORDER)}


class Tile(Struct, frozen=True):
    """How many series are in one state, or changes of one sort."""

    state: State | Sort
    number: int
    word: str
    glyph: str


def ranked(histories: Sequence[History]) -> list[History]:
    """The states in the order of ``ROW_ORDER``, in each the largest change first, then by name."""
    return sorted(histories, key=lambda history: (_RANK[history.state], -size(history), *_name(history)))


def by_name(histories: Sequence[History]) -> list[History]:
    """Suites together, in them benchmarks, with numbers in their order: ``s64`` before ``s256``."""
    return sorted(histories, key=lambda history: (family_of(history.key.benchmark), *_name(history)))


def tiles(histories: Sequence[History], occurring: bool = False) -> tuple[Tile, ...]:
    """One for each state that occurs; also for those that a reader looks for first, unless only ``occurring``."""
    return tuple(
        Tile(state, number, verdicts.PLURALS[state][number != 1], verdicts.GLYPHS[state])
        for state, number in verdicts.tally(histories).items()
        if number or (state in SOUGHT and not occurring)
    )


def _name(history: History) -> tuple[object, ...]:
    key = history.key
    parameters = [natural(value) for _, value in key.parameters]
    return natural(key.benchmark), parameters, key.machine, key.environment


@lru_cache(4096)  # series share their names and values
def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts ``s64`` before ``s256``."""
    parts = re.split(r"([0-9]{1,18})", text)
    return tuple((1, int(part), "") if index % 2 else (0, 0, part) for index, part in enumerate(parts))


def family_of(benchmark: str) -> str:
    """The suite: asv's name up to its first dot."""
    return benchmark.partition(".")[0]
