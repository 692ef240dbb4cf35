"""The points of a series as columns: a large project has millions, and an object for each would fill the memory.

A ``Points`` is a sequence of ``Point`` like any other; the objects are made when somebody looks at them, and kept from
then on. ``levels`` is for those who want the numbers only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from tbp.history.series import Commit, Outcome, Point

Floats: TypeAlias = NDArray[np.float64]

OUTCOMES = tuple(Outcome)
MEASURED = OUTCOMES.index(Outcome.MEASURED)


@dataclass(frozen=True, eq=False)
class Columns:
    """One entry for each run, in order of history."""

    order: tuple[Commit, ...]  # commits of all series, which share it
    place: NDArray[np.int32]  # of the run's commit in ``order``
    outcome: NDArray[np.int8]  # place in OUTCOMES
    value: Floats  # NaN unless measured
    low: Floats  # quartiles, NaN where unknown
    high: Floats
    comparable: NDArray[np.bool_]
    sessions: Mapping[int, tuple[float, ...]]  # by index of the run; only those that have some
    reasons: Mapping[int, str]  # the same, of runs without a value

    def __len__(self) -> int:
        return len(self.place)


class Points(Sequence[Point]):
    """A tuple of ``Point`` that is made on demand. Pickled, it is its columns."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._made: tuple[Point, ...] | None = None

    def __len__(self) -> int:
        return len(self.columns)

    @overload
    def __getitem__(self, at: int) -> Point: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Point, ...]: ...
    def __getitem__(self, at: int | slice) -> Point | tuple[Point, ...]:
        if isinstance(at, slice):
            return self._all[at]
        if self._made is not None:
            return self._made[at]
        index = at + len(self) if at < 0 else at
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} points, and none at {at}")
        own = self.columns
        return Point(
            own.order[own.place[index]],
            OUTCOMES[own.outcome[index]],
            float(own.value[index]),
            float(own.low[index]),
            float(own.high[index]),
            own.sessions.get(index, ()),
            own.reasons.get(index, ""),
            bool(own.comparable[index]),
        )

    def __iter__(self) -> Iterator[Point]:
        return iter(self._all)

    def __eq__(self, other: object) -> bool:
        return self._all == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all)

    def __repr__(self) -> str:
        return f"Points({self._all!r})"

    def __reduce__(self) -> tuple[type[Points], tuple[Columns]]:
        return Points, (self.columns,)

    def commits(self) -> list[Commit]:
        """The commit of each."""
        order = self.columns.order
        return [order[place] for place in self.columns.place.tolist()]

    @property
    def _all(self) -> tuple[Point, ...]:
        if self._made is None:
            self._made = tuple(self._points())
        return self._made

    def _points(self) -> Iterator[Point]:
        own = self.columns
        columns = (own.place, own.outcome, own.value, own.low, own.high, own.comparable)
        rows = enumerate(zip(*(column.tolist() for column in columns), strict=True))
        sessions, reasons, order = own.sessions, own.reasons, own.order
        for index, (place, outcome, value, low, high, comparable) in rows:
            said = (sessions.get(index, ()), reasons.get(index, ""), comparable)
            yield Point(order[place], OUTCOMES[outcome], value, low, high, *said)


def levels(points: Sequence[Point]) -> Floats:
    """Each point's value, NaN where it has none that may be compared with the newest."""
    if isinstance(points, Points):
        own = points.columns
        return np.where(own.comparable & np.isfinite(own.value), own.value, np.nan)
    return np.array([point.value if point.has_level else np.nan for point in points], dtype=np.float64)


def measured_values(points: Sequence[Point]) -> Floats:
    """Each point's value, NaN where it was not measured; also of those that may not be compared with the newest."""
    if isinstance(points, Points):
        own = points.columns
        return np.where((own.outcome == MEASURED) & np.isfinite(own.value), own.value, np.nan)
    known = [point.value if point.outcome is Outcome.MEASURED else np.nan for point in points]
    values = np.array(known, dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def are_comparable(points: Sequence[Point]) -> list[bool]:
    """Whether each may be compared with the newest."""
    if isinstance(points, Points):
        known: list[bool] = points.columns.comparable.tolist()
        return known
    return [point.comparable for point in points]


def places(points: Sequence[Point]) -> dict[str, int]:
    """The index of each commit's point, by the commit's hash."""
    commits = points.commits() if isinstance(points, Points) else [point.commit for point in points]
    return {commit.hash: index for index, commit in enumerate(commits)}


def sessions_at(points: Sequence[Point], index: int) -> tuple[float, ...]:
    """The medians of the processes of one run, without making it a point."""
    return points.columns.sessions.get(index, ()) if isinstance(points, Points) else points[index].sessions


def quartiles(points: Sequence[Point]) -> tuple[Floats, Floats]:
    """Each point's first and third quartile, NaN where it has none."""
    if isinstance(points, Points):
        return points.columns.low, points.columns.high
    low, high = ([point.low for point in points], [point.high for point in points])
    return np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)


def commits(points: Sequence[Point]) -> list[Commit]:
    """Each point's commit."""
    return points.commits() if isinstance(points, Points) else [point.commit for point in points]


def outcomes(points: Sequence[Point]) -> list[Outcome]:
    """What became of each run."""
    if isinstance(points, Points):
        return [OUTCOMES[place] for place in points.columns.outcome.tolist()]
    return [point.outcome for point in points]


def compared(points: Points, comparable: NDArray[np.bool_]) -> Points:
    """The same points, with ``comparable`` said of each."""
    return Points(replace(points.columns, comparable=comparable))
