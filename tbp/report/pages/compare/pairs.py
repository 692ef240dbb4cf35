"""Which two commits the comparison's page begins with, so that it begins with something to say.

Takes histories, the order of commits and what the project names (its base, its tags), gives pairs, the
likeliest first. Judging them is ``comparison``'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.model.changes import History, State
from tbp.model.points import levels
from tbp.model.series import Commit, Setup, Tag
from tbp.report.data.run_grid import GridColumns
from tbp.wording import words

MOST_LACKING = 0.5
"""Share of a place's series that its newest commit may lack: a run of one benchmark says nothing of others."""

MOST_CHANGES = 3
"""Standing changes of a place that are looked behind, the newest ones."""

BASE = "the base"
"""The name of a baseline that the project chose; it is compared against whatever its runs are."""

_SILENT = (State.STALE, State.VANISHED)
# States whose standing change is looked behind, in this order, and what that is called.
_CHANGED = {State.REGRESSION: "regression", State.CHANGED: "change", State.IMPROVEMENT: "improvement"}


class CommitPair(Struct, frozen=True):
    """Two commits measured with one setup."""

    baseline: Commit
    contender: Commit
    setup: Setup
    why: str = ""  # what the baseline is: "the base main", "the tag v1.2"


class _Runs(Struct, frozen=True, dict=True):
    """One series on the columns of the grid."""

    history: History
    at: NDArray[np.int64]  # the column of each point, -1 where it has none or no comparable value

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """The columns with a value, ascending."""
        return tuple(np.flatnonzero(np.bincount(self.at[self.at >= 0])).tolist())

    @property
    def before_change(self) -> int:
        """The last column before its standing change; -1 without one."""
        standing = self.history.standing
        if standing is None or self.history.state not in _CHANGED:
            return -1
        return int(self.at[: standing.change.index].max(initial=-1))


def pairs(
    histories: Sequence[History], order: Sequence[Commit], base: str = "", tags: Sequence[Tag] = ()
) -> Iterator[CommitPair]:
    """Pairs that may have something to say, the likeliest first; places that have most to say come first.

    Of each place its newest commit, against the base and nothing else; without one against the newest tag, the commits
    before the newest standing changes, the one before. ``base`` is a hash. Only commits that can be chosen on the page
    are taken, and of base and tags those that the place has values of.
    """
    columns = GridColumns.of(order)
    place_of = {commit.hash: column for column, commit in enumerate(columns.commits)}
    by_setup: dict[Setup, list[_Runs]] = {}
    for history in histories:
        at = np.where(np.isfinite(levels(history.points)), columns.places(history.points), -1)
        if len((series := _Runs(history, at)).columns) > 1:
            by_setup.setdefault(history.key.setup, []).append(series)
    base_at = place_of.get(base, -1)
    named = [(base_at, BASE)] if base_at >= 0 else []
    tagged = [(place_of[tag.commit], f"the tag {words.cut(tag.name, 40)}") for tag in tags if tag.commit in place_of]
    named += sorted(tagged, reverse=True)
    for setup, runs in sorted(by_setup.items(), key=lambda item: _worth(item[1], named), reverse=True):
        contender = _contender(runs)
        present = [series for series in runs if contender in series.columns]
        for baseline, why in _baselines(present, contender, named):
            yield CommitPair(columns.commits[baseline], columns.commits[contender], setup, why)


def _worth(runs: Sequence[_Runs], named: Sequence[tuple[int, str]]) -> tuple[object, ...]:
    """How much a place has to say: the base or else a tag before its newest commit, regressions, series that still
    run, runs, the newest of them.
    """
    contender = _contender(runs)
    return (
        next((-rank for rank, (column, _) in enumerate(named) if _has(runs, column, contender)), -len(named)),
        sum(series.history.state is State.REGRESSION for series in runs),
        sum(series.history.state not in _SILENT for series in runs),
        sum(len(series.columns) for series in runs),
        max(series.columns[-1] for series in runs),
    )


def _contender(runs: Sequence[_Runs]) -> int:
    """The newest column that is not of a few series alone, and has a value before it."""
    newest = Counter(series.columns[-1] for series in runs)
    least = max(newest.values()) * MOST_LACKING
    return max(column for column, count in newest.items() if count >= least)


def _has(runs: Sequence[_Runs], column: int, contender: int) -> bool:
    """True where the setup has values of a column before its contender."""
    return 0 <= column < contender and any(column in series.columns for series in runs)


def _baselines(runs: Sequence[_Runs], contender: int, named: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Their columns, and what they are."""
    first = next(((column, why) for column, why in named if _has(runs, column, contender)), None)
    if first is not None:
        yield first
        if first[1] == BASE:
            return
    for state, noun in _CHANGED.items():
        before = {series.before_change for series in runs if series.history.state is state}
        newest = sorted((column for column in before if 0 <= column < contender), reverse=True)[:MOST_CHANGES]
        yield from ((column, f"the last run before a standing {noun}") for column in newest)
    last = Counter(
        series.columns[series.columns.index(contender) - 1] for series in runs if series.columns[0] != contender
    )
    yield max((count, column) for column, count in last.items())[1], "the run before"
