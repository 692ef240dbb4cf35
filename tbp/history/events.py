"""One event, once: the changes of many series that one commit made, wherever they were seen.

Takes histories and the line of the branch, gives events. Machines measure different commits, so the same event has
another range in each series: changes whose ranges have a commit in common are one event, and the range of the event is
what they have in common. What the machines say for or against the code is in ``witnesses``.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.history.ranges import Line, Range, place_of
from tbp.history.series import ChangeEvidence, ChangeKind, History
from tbp.history.witnesses import Cell, Witnesses, cell_of, witnesses

_KINDS = tuple(ChangeKind)
MOST_SIZE = 1e3  # of a change as a weight: a step from zero, which has no ratio, weighs as much as × 1,000
WEIGHTS = 1e6  # sizes are counted in millionths, as whole numbers: their sums do not depend on the order


class SeriesChange(Struct, frozen=True):
    """One change, and whose it is."""

    history: History
    evidence: ChangeEvidence
    range: Range | None = None  # by its own runs alone; None where its commit is not on the line

    @property
    def worsening(self) -> float:
        """Size of the effect relative to the level before: positive for the worse; infinite from a level of zero."""
        change = self.evidence.change
        size = abs(change.after - change.before) / abs(change.before) if change.before else math.inf
        return size if change.is_worse(self.history.better) else -size


class Touching(Struct, frozen=True):
    """A commit of an event's range that touches the benchmark or what it is measured with."""

    commit: str  # hash
    files: tuple[str, ...]  # paths in the repository


class Event(Struct, frozen=True):
    """Changes that one commit may have made: one of the commits of ``range``."""

    range: Range
    kind: ChangeKind
    cause: str  # what else changed, or on which machine, where ``kind`` is not the code's: see ``_cause``
    changes: tuple[SeriesChange, ...]  # confirmed, worst first; empty where all are suspect
    suspects: tuple[SeriesChange, ...]  # worst first
    witnesses: Witnesses = Witnesses()
    touching: tuple[Touching, ...] = ()  # oldest first

    @property
    def members(self) -> tuple[SeriesChange, ...]:
        return self.changes + self.suspects

    @property
    def worst(self) -> float:
        """The largest worsening; negative where everything became better."""
        return self.members[0].worsening

    @property
    def is_verdict(self) -> bool:
        """Whether it says something of the code."""
        return bool(self.changes) and self.kind is ChangeKind.CODE


class _Seen(Struct, frozen=True):
    """A change, or several that are one event, with the places on the line that all of them leave possible."""

    changes: tuple[SeriesChange, ...]
    start: int
    end: int

    @property
    def votes(self) -> NDArray[np.int64]:
        """How many changes they are, and how large."""
        sizes = [min(abs(one.worsening), MOST_SIZE) for one in self.changes]
        return np.array([[len(sizes)], [round(WEIGHTS * sum(map(math.log1p, sizes)))]])


def events(histories: Sequence[History], line: Line) -> tuple[Event, ...]:
    """Every event, the newest first; counters' changes that are certain and too small to matter are in none.

    Confirmed changes of one kind are one event where their ranges have a commit in common. Of a chain (A and B overlap,
    B and C, but not A and C) the commit that most series agree on is one event, then the next. A suspect joins an event
    that it overlaps, and moves nothing of it; those that are left make events of their own.
    """
    of_cell: dict[Cell, list[History]] = {}
    for history in histories:
        of_cell.setdefault(cell_of(history), []).append(history)
    by_cause: dict[tuple[ChangeKind, str], tuple[list[_Seen], list[_Seen]]] = {}
    for one in _seen(histories, line):
        sure, unsure = by_cause.setdefault(_cause(one.changes[0]), ([], []))
        (sure if one.changes[0].evidence.change.confirmed else unsure).append(one)
    found = []
    for (kind, cause), (sure, unsure) in by_cause.items():
        joined = sorted(_joined(sure), key=lambda one: one.start)
        followers, alone = _followers(unsure, joined)
        for own, more in zip(joined, followers, strict=True):
            moved = [(change.history, change.evidence.change) for change in own.changes]
            at = _range(own, line)
            seen_by = witnesses(moved, [change.history for change in more], of_cell, at, line)
            found.append(Event(at, kind, cause, _worst_first(own.changes), _worst_first(more), seen_by))
        found += [Event(_range(own, line), kind, cause, (), _worst_first(own.changes)) for own in _joined(alone)]
    return tuple(sorted(found, key=lambda event: (-event.range.end, _KINDS.index(event.kind), event.cause)))


def _cause(one: SeriesChange) -> tuple[ChangeKind, str]:
    """What changes must share beside commits to be one event.

    Another torch is the same on all machines, another processor is one machine's, and how the harness changed may be
    told differently of each benchmark.
    """
    change = one.evidence.change
    match change.kind:
        case ChangeKind.DEPENDENCY:
            return change.kind, change.what
        case ChangeKind.HARDWARE:
            return change.kind, one.history.key.machine
    return change.kind, ""


def _seen(histories: Sequence[History], line: Line) -> Iterator[_Seen]:
    for history in histories:
        for evidence in history.changes:
            place = place_of(history, evidence.change, line) if evidence.change.matters else None
            if place is not None:
                yield _Seen((SeriesChange(history, evidence, place.range),), place.start, place.end)


def _joined(members: Sequence[_Seen]) -> Sequence[_Seen]:
    """Those that are one event as one: first of a benchmark with its parameters, then of a benchmark, then of all.

    So a wide range goes to where the same benchmark moved on another machine, before it goes to anything else.
    """
    for what_is_shared in (_cell, _benchmark, _anything):
        groups: dict[Hashable, list[_Seen]] = {}
        for one in members:
            groups.setdefault(what_is_shared(one), []).append(one)
        members = [joined for own in groups.values() for chain in _chains(own) for joined in _cliques(chain)]
    return members


def _cell(one: _Seen) -> Hashable:
    return cell_of(one.changes[0].history)


def _benchmark(one: _Seen) -> Hashable:
    return one.changes[0].history.key.benchmark


def _anything(one: _Seen) -> Hashable:
    return None


def _chains(members: Sequence[_Seen]) -> Iterator[list[_Seen]]:
    """Parts of which no range overlaps one of another part, oldest first."""
    chain: list[_Seen] = []
    end = -1
    for one in sorted(members, key=lambda one: (one.start, one.end)):
        if chain and one.start > end:
            yield chain
            chain = []
        chain.append(one)
        end = max(end, one.end)
    if chain:
        yield chain


def _cliques(chain: Sequence[_Seen]) -> Iterator[_Seen]:
    """The ranges that hold the commit which most changes agree on, as one; then the same of the others.

    Of as many changes the larger ones count: a wide range on another machine holds the largest step rather than a small
    one. After that the oldest commit. The ranges that come out have no commit in common.
    """
    if len(chain) == 1:
        yield chain[0]
        return
    starts = np.unique([one.start for one in chain])  # where most ranges overlap, one of them begins
    spans = [(int(np.searchsorted(starts, one.start)), int(np.searchsorted(starts, one.end, "right"))) for one in chain]
    votes = np.zeros((2, len(starts)), np.int64)
    for one, (low, high) in zip(chain, spans, strict=True):
        votes[:, low:high] += one.votes
    left = list(range(len(chain)))
    while left:
        most = np.flatnonzero(votes[0] == votes[0].max())
        at = int(most[votes[1][most].argmax()])
        inside = [place for place in left if spans[place][0] <= at < spans[place][1]]
        left = [place for place in left if not spans[place][0] <= at < spans[place][1]]
        for place in inside:
            votes[:, spans[place][0] : spans[place][1]] -= chain[place].votes
        yield _merged([chain[place] for place in inside])


def _merged(members: Sequence[_Seen]) -> _Seen:
    changes = tuple(change for one in members for change in one.changes)
    return _Seen(changes, max(one.start for one in members), min(one.end for one in members))


def _followers(suspects: Sequence[_Seen], joined: Sequence[_Seen]) -> tuple[list[list[SeriesChange]], list[_Seen]]:
    """The suspects of each event, whose ranges are in order and apart; and those that overlap none.

    Of several a suspect goes to the one with its benchmark and parameters, else its benchmark, else most changes.
    """
    ends, starts = [one.end for one in joined], [one.start for one in joined]
    followers: list[list[SeriesChange]] = [[] for _ in joined]
    alone = []
    cells = [{cell_of(change.history) for change in one.changes} for one in joined]
    names = [{change.history.key.benchmark for change in one.changes} for one in joined]
    for one in suspects:
        history = one.changes[0].history
        possible = range(bisect_left(ends, one.start), bisect_right(starts, one.end))
        if not possible:
            alone.append(one)
            continue
        best = max(
            possible,
            key=lambda at: (cell_of(history) in cells[at], history.key.benchmark in names[at], len(joined[at].changes)),
        )
        followers[best] += one.changes
    return followers, alone


def _range(own: _Seen, line: Line) -> Range:
    """What the ranges of all members have in common; where noise parts them, what it leaves possible."""
    ranges = [change.range for change in own.changes if change.range is not None]
    start, end = max(one.start for one in ranges), min(one.end for one in ranges)
    return line.range(start, end) if start <= end else line.range(own.start, own.end)


def _worst_first(changes: Sequence[SeriesChange]) -> tuple[SeriesChange, ...]:
    return tuple(sorted(changes, key=lambda one: (-one.worsening, one.history.key)))
