"""The range of a change: the commits of which one moved the level. Every page and file takes it from here.

Takes the points of a series and the commits of the branch in order. Gives the commits after the last run at the old
level and up to the first run at the new one, measured or not. Which ranges are one event is decided in ``events``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from itertools import islice, takewhile

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.detection.credible import credible_runs
from tbp.model.changes import Change, History
from tbp.model.points import columns, levels
from tbp.model.series import Commit, Point


class CommitOrder:
    """The commits of a branch, oldest first, measured or not.

    A measured commit that the branch lacks (a shallow clone, no repository) stands behind the one that was measured
    before it.
    """

    def __init__(self, branch: Sequence[str], measured: Sequence[Commit]) -> None:
        """``branch`` has all its hashes, ``measured`` every commit with a result; both oldest first."""
        self.hashes = _merged(branch, [commit.hash for commit in measured])
        self._measured = {commit.hash: commit for commit in measured}
        self._place_of = {commit_hash: index for index, commit_hash in enumerate(self.hashes)}
        # By the identity of a tuple of commits, which most series share; the tuple is kept so that no other takes it.
        self._places: dict[int, tuple[Sequence[Commit], NDArray[np.int64]]] = {}

    def number(self, prefix: str) -> int:
        """The place of the commit whose hash begins with ``prefix``; −1 where there is none."""
        if prefix not in self._place_of:
            start = bisect_left(self._by_hash, prefix)
            known = takewhile(lambda name: name.startswith(prefix), islice(self._by_hash, start, None))
            self._place_of[prefix] = min((self._place_of[name] for name in known), default=-1)
        return self._place_of[prefix]

    @cached_property
    def _by_hash(self) -> list[str]:
        return sorted(self.hashes)

    def range(self, start: int, end: int) -> Range:
        """The commits from place ``start`` to ``end``, which is one with a result."""
        before = self._measured.get(self.hashes[start - 1]) if start else None
        return Range(before, self._measured[self.hashes[end]], start, end)

    def places(self, points: Sequence[Point]) -> NDArray[np.int64]:
        """The place of each point's commit; −1 for one that is not in this order."""
        runs = columns(points)
        if id(runs.order) not in self._places:
            places = [self._place_of.get(commit.hash, -1) for commit in runs.order]
            self._places[id(runs.order)] = runs.order, np.array(places, np.int64)
        places_of_runs: NDArray[np.int64] = self._places[id(runs.order)][1][runs.commit_index]
        return places_of_runs


def _merged(branch: Sequence[str], measured: Sequence[str]) -> tuple[str, ...]:
    on_branch = set(branch)
    behind: dict[str, list[str]] = {}  # measured commits that the branch lacks, by the one they follow
    last = ""
    for commit_hash in dict.fromkeys(measured):
        if commit_hash in on_branch:
            last = commit_hash
        else:
            behind.setdefault(last, []).append(commit_hash)
    merged = list(behind.get("", ()))
    for commit_hash in dict.fromkeys(branch):
        merged += [commit_hash, *behind.get(commit_hash, ())]
    return tuple(merged)


class Range(Struct, frozen=True):
    """The commits of which one moved the level: all after ``last_before``, up to and with ``first``."""

    last_before: Commit | None  # None: every earlier commit may be the cause
    first: Commit
    start: int  # places of the oldest and the newest of them in the order of commits
    end: int

    @property
    def commits(self) -> int:
        """Their number: where it is 1, the commit is the cause."""
        return self.end - self.start + 1


class Location(Struct, frozen=True):
    """The places in the order of commits where a series may have moved."""

    range: Range
    start: int  # of the places that hold the cause with ``credible.MASS``: ``range`` or more
    end: int


def range_of(points: Sequence[Point], index: int, order: CommitOrder) -> Range | None:
    """The range of a change at ``index``; None where that is no point of the series, or not in ``order``.

    A run without a value that may be compared tells nothing, so its commit may be the cause as well.
    """
    if not 0 <= index < len(points):
        return None
    places = order.places(points)
    end = int(places[index])
    if end < 0:
        return None
    before = np.flatnonzero(np.isfinite(levels(points)[:index]) & (places[:index] >= 0))
    return order.range(min(int(places[before[-1]]) + 1, end) if len(before) else 0, end)


def location(history: History, change: Change, order: CommitOrder) -> Location | None:
    """The range of the change with how far noise lets it reach; None as in ``range_of``.

    The step may be at any run of ``credible_runs``, between the neighbouring changes of the series. A counter's is
    exact, and one that was measured in turns has been compared with the commits around it.
    """
    between = range_of(history.points, change.index, order)
    if between is None or change.is_exact or change.in_turns:
        return Location(between, between.start, between.end) if between is not None else None
    places = order.places(history.points)
    neighbours = [evidence.change.index for evidence in history.changes if evidence.change.matters]
    earlier = max((index for index in neighbours if index < change.index), default=0)
    later = min((index for index in neighbours if index > change.index), default=len(places))
    value = levels(history.points)
    runs = earlier + np.flatnonzero((np.isfinite(value) & (places >= 0))[earlier:later])
    split = int(np.searchsorted(runs, change.index))
    if not 0 < split < len(runs):
        return Location(between, between.start, between.end)
    first, last = credible_runs(value[runs], split)
    return Location(between, int(places[runs[first - 1]]) + 1, int(places[runs[last]]))
