"""One event, once: the changes of many series that one commit made, wherever they were seen.

Takes histories and the commits of the branch in order, gives events. Machines measure different commits, so an event
has another range in each series. Changes whose ranges have a commit in common are one event, and its range is what they
have in common. Which machines speak for or against the code is decided in ``sightings``.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.history.ranges import CommitOrder, Range, location
from tbp.history.sightings import SeriesCell, Sightings, cell_of, sightings
from tbp.model.changes import ChangeEvidence, ChangeKind, History

_KINDS = tuple(ChangeKind)

# A step from zero, which has no ratio, weighs as much as × 1,000.
MOST_SIZE = 1e3
# Sizes are counted in millionths, as whole numbers: their sums do not depend on the order of series.
SIZE_UNITS = 1e6


class SeriesChange(Struct, frozen=True):
    """One change, and whose it is."""

    history: History
    evidence: ChangeEvidence
    range: Range | None = None  # by its own runs alone; None where its commit is not of the branch

    @property
    def worsening(self) -> float:
        """Size of the effect relative to the level before: positive for the worse; infinite from a level of zero."""
        change = self.evidence.change
        size = abs(change.effect) if change.before else math.inf
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
    sightings: Sightings = Sightings()
    touching: tuple[Touching, ...] = ()  # oldest first; empty where no repository was asked
    credible: Range | None = None  # the commits that noise leaves possible, where those are more than ``range``

    @property
    def members(self) -> tuple[SeriesChange, ...]:
        """The confirmed changes, then the suspects."""
        return self.changes + self.suspects

    @property
    def worst(self) -> float:
        """The largest worsening; negative where everything became better."""
        return self.members[0].worsening

    @property
    def is_verdict(self) -> bool:
        """True for one of the code with a confirmed change."""
        return bool(self.changes) and self.kind is ChangeKind.CODE


class _Group(Struct, frozen=True):
    """Changes that are one event so far, with the places that the noise of all of them leaves possible."""

    changes: tuple[SeriesChange, ...]
    start: int
    end: int

    @property
    def votes(self) -> NDArray[np.int64]:
        """The number of changes, and how large they are."""
        sizes = [min(abs(change.worsening), MOST_SIZE) for change in self.changes]
        return np.array([[len(sizes)], [round(SIZE_UNITS * sum(map(math.log1p, sizes)))]])


def events(histories: Sequence[History], order: CommitOrder) -> tuple[Event, ...]:
    """Every event, the newest first; counters' changes that are certain and too small to matter are in none.

    Confirmed changes of one kind are one event where their ranges have a commit in common. Of a chain (A and B overlap,
    B and C, but not A and C) the commit that most series agree on is one event, then the next. A suspect joins an event
    that it overlaps, and moves nothing of it; the suspects that are left make events of their own.
    """
    of_cell: dict[SeriesCell, list[History]] = {}
    for history in histories:
        of_cell.setdefault(cell_of(history), []).append(history)
    by_cause: dict[tuple[ChangeKind, str], tuple[list[_Group], list[_Group]]] = {}
    for group in _single(histories, order):
        sure, unsure = by_cause.setdefault(_cause(group.changes[0]), ([], []))
        (sure if group.changes[0].evidence.change.confirmed else unsure).append(group)
    joined: list[Event] = []
    for (kind, cause), (sure, unsure) in by_cause.items():
        groups = sorted(_joined(sure), key=lambda group: group.start)
        followers, alone = _followers(unsure, groups)
        for group, suspects in zip(groups, followers, strict=True):
            moved = [(change.history, change.evidence.change) for change in group.changes]
            between = _range(group, order)
            seen_by = sightings(moved, [change.history for change in suspects], of_cell, between, order)
            credible = _credible(group, between, order)
            members = _worst_first(group.changes), _worst_first(suspects)
            joined.append(Event(between, kind, cause, *members, seen_by, credible=credible))
        for group in _joined(alone):
            between = _range(group, order)
            credible = _credible(group, between, order)
            joined.append(Event(between, kind, cause, (), _worst_first(group.changes), credible=credible))
    return tuple(sorted(joined, key=lambda event: (-event.range.end, _KINDS.index(event.kind), event.cause)))


def _cause(member: SeriesChange) -> tuple[ChangeKind, str]:
    """The kind and the cause that changes must share beside commits to be one event.

    Another torch is the same on all machines. Another processor, or a night of measuring, is one machine's. How the
    harness changed may be put differently for each benchmark.
    """
    change = member.evidence.change
    if change.kind is ChangeKind.CODE or change.kind is ChangeKind.HARNESS:
        return change.kind, ""
    return change.kind, change.explanation if change.kind is ChangeKind.DEPENDENCY else member.history.key.machine


def _single(histories: Sequence[History], order: CommitOrder) -> Iterator[_Group]:
    for history in histories:
        for evidence in history.changes:
            where = location(history, evidence.change, order) if evidence.change.matters else None
            if where is not None:
                yield _Group((SeriesChange(history, evidence, where.range),), where.start, where.end)


def _joined(groups: Sequence[_Group]) -> Sequence[_Group]:
    """``groups``, those of one event joined: first within a benchmark with its parameters, then a benchmark, then all.

    So a wide range goes to where the same benchmark moved on another machine, before it goes to anything else.
    """
    for fields in (2, 1, 0):  # of a cell: its benchmark with parameters, its benchmark, none
        sharing: dict[tuple[object, ...], list[_Group]] = {}
        for group in groups:
            sharing.setdefault(cell_of(group.changes[0].history)[:fields], []).append(group)
        groups = [clique for several in sharing.values() for chain in _chains(several) for clique in _cliques(chain)]
    return groups


def _chains(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """Parts of which no range overlaps one of another part, oldest first."""
    chain: list[_Group] = []
    end = -1
    for group in sorted(groups, key=lambda group: (group.start, group.end)):
        if chain and group.start > end:
            yield chain
            chain = []
        chain.append(group)
        end = max(end, group.end)
    if chain:
        yield chain


def _cliques(chain: Sequence[_Group]) -> Iterator[_Group]:
    """The ranges that hold the commit which most changes agree on, as one group; then so of the rest.

    Of as many changes the larger ones count: a wide range on another machine holds the largest step rather than a small
    one. After that the oldest commit counts. The ranges that come out have no commit in common.
    """
    if len(chain) == 1:
        yield chain[0]
        return
    starts = np.unique([group.start for group in chain])  # where most ranges overlap, one of them begins
    lows = np.searchsorted(starts, [group.start for group in chain]).tolist()
    highs = np.searchsorted(starts, [group.end for group in chain], "right").tolist()
    votes = np.zeros((2, len(starts)), np.int64)
    for group, low, high in zip(chain, lows, highs, strict=True):
        votes[:, low:high] += group.votes
    left = list(range(len(chain)))
    while left:
        most = np.flatnonzero(votes[0] == votes[0].max())
        best = int(most[votes[1][most].argmax()])
        inside = [number for number in left if lows[number] <= best < highs[number]]
        left = [number for number in left if not lows[number] <= best < highs[number]]
        for number in inside:
            votes[:, lows[number] : highs[number]] -= chain[number].votes
        yield _merged([chain[number] for number in inside])


def _merged(groups: Sequence[_Group]) -> _Group:
    changes = tuple(change for group in groups for change in group.changes)
    return _Group(changes, max(group.start for group in groups), min(group.end for group in groups))


def _followers(suspects: Sequence[_Group], groups: Sequence[_Group]) -> tuple[list[list[SeriesChange]], list[_Group]]:
    """The suspects of each of ``groups``, whose ranges are in order and apart; and the suspects that overlap none.

    Of several groups a suspect goes to one with its benchmark and parameters, else its benchmark, else most changes.
    """
    starts, ends = [group.start for group in groups], [group.end for group in groups]
    cells = [{cell_of(change.history) for change in group.changes} for group in groups]
    benchmarks = [{benchmark for benchmark, _ in known} for known in cells]
    followers: list[list[SeriesChange]] = [[] for _ in groups]
    alone = []
    for suspect in suspects:
        cell = cell_of(suspect.changes[0].history)
        overlapped = range(bisect_left(ends, suspect.start), bisect_right(starts, suspect.end))
        ranked = [
            (cell in cells[number], cell[0] in benchmarks[number], len(groups[number].changes), -number)
            for number in overlapped
        ]
        if ranked:
            followers[-max(ranked)[-1]] += suspect.changes
        else:
            alone.append(suspect)
    return followers, alone


def _range(group: _Group, order: CommitOrder) -> Range:
    """The commits that the ranges of all members have in common; where noise parts them, what it leaves possible."""
    ranges = [change.range for change in group.changes if change.range is not None]
    start, end = max(between.start for between in ranges), min(between.end for between in ranges)
    return order.range(start, end) if start <= end else order.range(group.start, group.end)


def _credible(group: _Group, between: Range, order: CommitOrder) -> Range | None:
    """The commits that the noise of all members leaves possible; None where those are no more than ``between``."""
    return order.range(group.start, group.end) if group.end - group.start + 1 > between.commits else None


def _worst_first(changes: Sequence[SeriesChange]) -> tuple[SeriesChange, ...]:
    return tuple(sorted(changes, key=lambda change: (-change.worsening, change.history.key)))
