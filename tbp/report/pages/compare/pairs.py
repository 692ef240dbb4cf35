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
from tbp.model.series import Commit, Tag
from tbp.report.data.run_grid import Columns
from tbp.wording import words

MOST_LACKING = 0.5
"""Share of a place's series that its newest commit may lack: a run of one benchmark says nothing of others."""

MOST_CHANGES = 3
"""Standing changes of a place that are looked behind, the newest ones."""

BASE = "the base"
"""What a baseline is called that the project named; it is compared against whatever that says."""

_SILENT = (State.STALE, State.VANISHED)
# States whose standing change is looked behind, in this order, and what that is called.
_CHANGED = {State.REGRESSION: "regression", State.CHANGED: "change", State.IMPROVEMENT: "improvement"}


class Pair(Struct, frozen=True):
    """Two commits in one place."""

    baseline: Commit
    contender: Commit
    machine: str
    environment: str
    why: str = ""  # what the baseline is: "the base main", "the tag v1.2"


class _Runs(Struct, frozen=True, dict=True):
    """One series on the columns of the grid."""

    history: History
    at: NDArray[np.int64]  # the column of each point, -1 where it has none or no comparable value

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Those with a value, ascending."""
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
) -> Iterator[Pair]:
    """Pairs that may have something to say, the likeliest first; places that have most to say come first.

    Of each place its newest commit, against the base and nothing else; without one against the newest tag, the commits
    before the newest standing changes, the one before. ``base`` is a hash. Only commits that can be chosen on the page
    are taken, and of base and tags those that the place has values of.
    """
    columns = Columns.of(order)
    place_of = {commit.hash: column for column, commit in enumerate(columns.commits)}
    own: dict[tuple[str, str], list[_Runs]] = {}
    for history in histories:
        at = np.where(np.isfinite(levels(history.points)), columns.places(history.points), -1)
        if len((series := _Runs(history, at)).columns) > 1:
            own.setdefault((history.key.machine, history.key.environment), []).append(series)
    base_at = place_of.get(base, -1)
    named = [(base_at, BASE)] if base_at >= 0 else []
    tagged = [(place_of[tag.commit], f"the tag {words.cut(tag.name, 40)}") for tag in tags if tag.commit in place_of]
    named += sorted(tagged, reverse=True)
    for place, runs in sorted(own.items(), key=lambda item: _worth(item[1], named), reverse=True):
        contender = _contender(runs)
        kept = [one for one in runs if contender in one.columns]
        for baseline, why in _baselines(kept, contender, named):
            yield Pair(columns.commits[baseline], columns.commits[contender], *place, why)


def _worth(runs: Sequence[_Runs], named: Sequence[tuple[int, str]]) -> tuple[object, ...]:
    """How much a place has to say: the base or else a tag before its newest commit, regressions, series that still
    run, runs, the newest of them.
    """
    contender = _contender(runs)
    return (
        next((-place for place, (column, _) in enumerate(named) if _has(runs, column, contender)), -len(named)),
        sum(one.history.state is State.REGRESSION for one in runs),
        sum(one.history.state not in _SILENT for one in runs),
        sum(len(one.columns) for one in runs),
        max(one.columns[-1] for one in runs),
    )


def _contender(runs: Sequence[_Runs]) -> int:
    """The newest column that is not of a few series alone, and has a value before it."""
    newest = Counter(one.columns[-1] for one in runs)
    least = max(newest.values()) * MOST_LACKING
    return max(column for column, count in newest.items() if count >= least)


def _has(runs: Sequence[_Runs], column: int, contender: int) -> bool:
    """Whether the place has values of a column before its contender."""
    return 0 <= column < contender and any(column in one.columns for one in runs)


def _baselines(runs: Sequence[_Runs], contender: int, named: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Their columns, and what they are."""
    first = next(((column, why) for column, why in named if _has(runs, column, contender)), None)
    if first is not None:
        yield first
        if first[1] == BASE:
            return
    for state, noun in _CHANGED.items():
        before = {one.before_change for one in runs if one.history.state is state}
        newest = sorted((column for column in before if 0 <= column < contender), reverse=True)[:MOST_CHANGES]
        yield from ((column, f"the last run before a standing {noun}") for column in newest)
    last = Counter(one.columns[one.columns.index(contender) - 1] for one in runs if one.columns[0] != contender)
    yield max((count, column) for column, count in last.items())[1], "the run before"
