"""Commits at which most series of one machine and environment moved together: rather the machine than the code?

Takes histories, gives the commits in question with their counts, and one sentence on each. It is a question to the
reader; no verdict is changed by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import numpy as np
from msgspec import Struct

from tbp.history.points import levels
from tbp.history.series import ChangeKind, Commit, History

LEAST_SERIES = 5
"""Series that moved, below which a commit that touched what they share is as likely."""

LEAST_BENCHMARKS = 3
"""Of how many benchmarks: the series of one share their code."""

LEAST_SHARE = 0.5
"""Of the series measured there on both sides: a commit that moves half of everything is rare, a host that does not."""

QUESTION = "was it the machine rather than the code?"

Place: TypeAlias = tuple[str, str]  # machine and environment


class AtOnce(Struct, frozen=True):
    """Most series of a place moved at one commit."""

    commit: Commit
    machine: str
    environment: str
    moved: int
    of: int  # series with a value on both sides
    up: int  # of those that moved, with the higher value after

    @property
    def where(self) -> str:
        return " · ".join(filter(None, [self.machine, self.environment]))


def at_once(histories: Sequence[History]) -> tuple[AtOnce, ...]:
    """The commits at which most series of a machine and environment moved, the newest first by date.

    Suspects count, as a host that changes makes many of them; what is put down to dependencies, hardware or the
    harness does not, as it is explained, nor do counters that repeat exactly: no machine moves them.
    """
    by_place: dict[Place, list[History]] = defaultdict(list)
    for history in histories:
        by_place[history.key.machine, history.key.environment].append(history)
    found = [one for place, own in sorted(by_place.items()) for one in _of_place(place, own)]
    return tuple(sorted(found, key=lambda one: one.commit.date, reverse=True))


def brief(one: AtOnce) -> str:
    """``10 of 16 series of ci · py3.9 moved at c16dcb72: was it the machine rather than the code?``"""
    return f"{_counted(one)}: {QUESTION}"


def sentence(one: AtOnce) -> str:
    """The same with their directions: ``…, 1 up and 9 down: was it …``."""
    down = one.moved - one.up
    ways = f"{one.up:,} up and {down:,} down" if one.up and down else "all up" if one.up else "all down"
    return f"{_counted(one)}, {ways}: {QUESTION}"


def _counted(one: AtOnce) -> str:
    return f"{one.moved:,} of {one.of:,} series of {one.where} moved at {one.commit.short}"


def _of_place(place: Place, histories: Sequence[History]) -> list[AtOnce]:
    moved: dict[str, dict[int, tuple[History, bool]]] = defaultdict(dict)
    known: dict[str, Commit] = {}
    for number, history in enumerate(histories):
        for what in history.changes:
            change = what.change
            is_asked = change.kind is ChangeKind.CODE and change.p_value > 0
            if is_asked and 0 <= change.index < len(history.points):
                commit = history.points[change.index].commit
                known[commit.hash] = commit
                moved[commit.hash][number] = (history, change.after > change.before)
    asked = [(known[name], own) for name, own in moved.items() if _is_much(own)]
    spans = [_span(history) for history in histories] if asked else []
    found = []
    for commit, own in asked:
        others = sum(_holds(span, commit) for number, span in enumerate(spans) if number not in own)
        of = len(own) + others
        if len(own) >= LEAST_SHARE * of:
            found.append(AtOnce(commit, *place, len(own), of, sum(is_up for _, is_up in own.values())))
    return found


def _is_much(own: Mapping[int, tuple[History, bool]]) -> bool:
    benchmarks = {history.key.benchmark for history, _ in own.values()}
    return len(own) >= LEAST_SERIES and len(benchmarks) >= LEAST_BENCHMARKS


def _span(history: History) -> tuple[datetime, datetime] | None:
    """The commit dates of its oldest and of its newest value; None without any."""
    known = np.flatnonzero(np.isfinite(levels(history.points))).tolist()
    if not known:
        return None
    return history.points[known[0]].commit.date, history.points[known[-1]].commit.date


def _holds(span: tuple[datetime, datetime] | None, commit: Commit) -> bool:
    """Whether there are values before ``commit`` and from it on; by date, as a series may not have been run there."""
    return span is not None and span[0] < commit.date <= span[1]


def of_benchmark(found: Sequence[AtOnce], histories: Sequence[History]) -> tuple[AtOnce, ...]:
    """Those that moved one of ``histories``, which are of one benchmark."""
    own = {
        (history.key.machine, history.key.environment, history.points[what.change.index].commit.hash)
        for history in histories
        for what in history.changes
        if 0 <= what.change.index < len(history.points)
    }
    return tuple(one for one in found if (one.machine, one.environment, one.commit.hash) in own)


def by_commit(found: Sequence[AtOnce]) -> Mapping[str, tuple[AtOnce, ...]]:
    """The same by hash; of several places the one with most series first."""
    grouped: dict[str, list[AtOnce]] = defaultdict(list)
    for one in found:
        grouped[one.commit.hash].append(one)
    return {name: tuple(sorted(own, key=lambda one: -one.moved)) for name, own in grouped.items()}
