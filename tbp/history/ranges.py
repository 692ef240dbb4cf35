"""The range of a change: the commits of which one moved the level. Every page and file takes it from here.

Takes the points of a series and the line of the branch, gives the commits after the last run at the old level and up to
the first run at the new one, measured or not. Which ranges are one event is decided in ``events``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.history.circumstances import MOST_REACH, REACH
from tbp.history.points import columns, levels
from tbp.history.series import Change, Commit, History, Point


class Line:
    """The commits of a branch in order, oldest first, measured or not.

    A measured commit that ``order`` lacks (a shallow clone, no repository) stands behind the one that was measured
    before it.
    """

    def __init__(self, order: Sequence[str], measured: Sequence[Commit]) -> None:
        """``order`` has the hashes of the branch, ``measured`` every commit with a result; both oldest first."""
        self.hashes = _merged(order, [commit.hash for commit in measured])
        self._measured = {commit.hash: commit for commit in measured}
        self._place = {name: place for place, name in enumerate(self.hashes)}
        self._placed: dict[int, tuple[Sequence[Commit], NDArray[np.int64]]] = {}  # most series share their commits

    def place(self, commit: Commit) -> int:
        """How many commits of the line are older; KeyError for a commit that is not on it."""
        return self._place[commit.hash]

    def range(self, start: int, end: int) -> Range:
        """The commits from place ``start`` to ``end``, which is one with a result; without one before, none is told."""
        before = self._measured.get(self.hashes[start - 1]) if start else None
        return Range(before, self._measured[self.hashes[end]], start, end)

    def places(self, points: Sequence[Point]) -> NDArray[np.int64]:
        """The place of each point's commit; −1 for one that is not on the line."""
        own = columns(points)
        if id(own.order) not in self._placed:
            found = [self._place.get(commit.hash, -1) for commit in own.order]
            self._placed[id(own.order)] = own.order, np.array(found, np.int64)
        placed: NDArray[np.int64] = self._placed[id(own.order)][1][own.place]
        return placed


def _merged(order: Sequence[str], measured: Sequence[str]) -> tuple[str, ...]:
    known = set(order)
    behind: dict[str, list[str]] = {}  # measured commits that ``order`` lacks, by the one they follow
    last = ""
    for name in dict.fromkeys(measured):
        if name in known:
            last = name
        else:
            behind.setdefault(last, []).append(name)
    merged = list(behind.get("", ()))
    for name in dict.fromkeys(order):
        merged += [name, *behind.get(name, ())]
    return tuple(merged)


class Range(Struct, frozen=True):
    """The commits of which one moved the level: all after ``last_before``, up to and with ``first``."""

    last_before: Commit | None  # None: every earlier commit may be the cause
    first: Commit
    start: int  # places on the line of the oldest and the newest of them
    end: int

    @property
    def commits(self) -> int:
        """How many they are: with one, it is the cause."""
        return self.end - self.start + 1


class Place(Struct, frozen=True):
    """Where on the line a series moved."""

    range: Range
    start: int  # of the places that noise leaves possible: ``range`` or more
    end: int


def range_of(points: Sequence[Point], index: int, line: Line) -> Range | None:
    """The range of a change at ``index``; None where that is no point of the series, or not on the line.

    A run without a value that may be compared tells nothing, so its commit may be the cause as well.
    """
    if not 0 <= index < len(points):
        return None
    places = line.places(points)
    end = int(places[index])
    if end < 0:
        return None
    before = np.flatnonzero(np.isfinite(levels(points)[:index]) & (places[:index] >= 0))
    return line.range(min(int(places[before[-1]]) + 1, end) if len(before) else 0, end)


def place_of(history: History, change: Change, line: Line) -> Place | None:
    """The range of the change, and how far noise lets it reach: for deciding which changes are one, not for showing.

    A step of Δ in noise of σ is found within some (σ / Δ)² runs of its place (``circumstances.REACH``). It never
    reaches the neighbouring changes of the series. None as in ``range_of``.
    """
    found = range_of(history.points, change.index, line)
    if found is None:
        return None
    far = reach(change, history.noise_between)
    return _widened(history, change, found, far, line) if far else Place(found, found.start, found.end)


def _widened(history: History, change: Change, found: Range, far: int, line: Line) -> Place:
    places = line.places(history.points)
    runs = np.flatnonzero(np.isfinite(levels(history.points)) & (places >= 0))
    split = int(np.searchsorted(runs, change.index))
    cuts = [other.change.index for other in history.changes if other.change.matters]
    earlier = max((cut for cut in cuts if cut < change.index), default=-1)
    later = min((cut for cut in cuts if cut > change.index), default=len(places))
    # The runs that may be the last one at the old level, and those that may be the first at the new one.
    before = [at for at in runs[max(0, split - 1 - far) : split].tolist() if at >= earlier]
    after = [at for at in runs[split : split + 1 + far].tolist() if at < later]
    start = min(found.start, int(places[before[0]]) + 1) if before else found.start
    end = max(found.end, int(places[after[-1]])) if after else found.end
    return Place(found, start, end)


def reach(change: Change, noise: float) -> int:
    """Within how many runs of its place a change is found; ``noise`` is that between runs, NaN where unknown."""
    shift = abs(change.effect)
    share = noise / shift if shift > 0 else math.nan
    return min(MOST_REACH, int(REACH * share**2)) if math.isfinite(share) else 0
