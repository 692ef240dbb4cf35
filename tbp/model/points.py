"""The points of a series as columns: a large project has millions, and an object for each would fill the memory.

A ``Points`` is a sequence of ``Point`` like any other; the objects are made on first use. Code that needs numbers only
takes ``columns`` or ``levels``, which accept any sequence of points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.model.measured_with import MeasuredWith
from tbp.model.series import Commit, Outcome, Point
from tbp.system.arrays import Floats

OUTCOMES = tuple(Outcome)
MEASURED = OUTCOMES.index(Outcome.MEASURED)


class PointColumns(Struct, frozen=True, eq=False):
    """One entry for each run, in order of history."""

    order: tuple[Commit, ...]  # commits of all series, which share it
    commit_index: NDArray[np.int32]  # in ``order``
    outcome: NDArray[np.int8]  # index in OUTCOMES
    value: Floats  # NaN unless measured
    low: Floats  # quartiles, NaN where unknown
    high: Floats
    comparable: NDArray[np.bool_]
    sessions: Mapping[int, tuple[float, ...]]  # by index of the run; only those that have some
    reasons: Mapping[int, str]  # by index of the run, of runs without a value
    measured_with: MeasuredWith | None = None  # None: not known of any

    def __len__(self) -> int:
        return len(self.commit_index)


class Points(Sequence[Point]):
    """A tuple of ``Point`` that is made on demand. Pickled, it is its columns."""

    def __init__(self, columns: PointColumns) -> None:
        self.columns = columns
        self._made: tuple[Point, ...] | None = None

    @cached_property
    def levels(self) -> Floats:
        """Each point's value, NaN where it has none that may be compared with the newest."""
        values = _levels(self.columns)
        values.flags.writeable = False  # it is shared by all callers
        return values

    def part(self, start: int, stop: int) -> Points:
        """The points from ``start`` on that are before ``stop``."""
        whole = self.columns
        arrays = ("commit_index", "outcome", "value", "low", "high", "comparable")
        columns = replace(
            whole,
            **{name: getattr(whole, name)[start:stop] for name in arrays},
            sessions={index - start: known for index, known in whole.sessions.items() if start <= index < stop},
            reasons={index - start: reason for index, reason in whole.reasons.items() if start <= index < stop},
            measured_with=whole.measured_with.part(start, stop) if whole.measured_with is not None else None,
        )
        return Points(columns)

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
        table = self.columns
        return Point(
            table.order[table.commit_index[index]],
            OUTCOMES[table.outcome[index]],
            float(table.value[index]),
            float(table.low[index]),
            float(table.high[index]),
            table.sessions.get(index, ()),
            table.reasons.get(index, ""),
            bool(table.comparable[index]),
        )

    def __iter__(self) -> Iterator[Point]:
        return iter(self._all)

    def __eq__(self, other: object) -> bool:
        return self._all == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all)

    def __repr__(self) -> str:
        return f"Points({self._all!r})"

    def __reduce__(self) -> tuple[type[Points], tuple[PointColumns]]:
        return Points, (self.columns,)

    @property
    def _all(self) -> tuple[Point, ...]:
        if self._made is None:
            self._made = tuple(self._points())
        return self._made

    def _points(self) -> Iterator[Point]:
        table = self.columns
        columns = (table.commit_index, table.outcome, table.value, table.low, table.high, table.comparable)
        rows = enumerate(zip(*(column.tolist() for column in columns), strict=True))
        sessions, reasons, order = table.sessions, table.reasons, table.order
        for index, (commit, outcome, value, low, high, comparable) in rows:
            rest = (sessions.get(index, ()), reasons.get(index, ""), comparable)
            yield Point(order[commit], OUTCOMES[outcome], value, low, high, *rest)


def columns(points: Sequence[Point]) -> PointColumns:
    """The points as columns: of ``Points`` those it is made of, else new ones."""
    if isinstance(points, Points):
        return points.columns
    numbers = [(point.value, point.low, point.high) for point in points]
    value, low, high = np.array(numbers, dtype=np.float64).reshape(-1, 3).T
    return PointColumns(
        order=tuple(point.commit for point in points),
        commit_index=np.arange(len(points), dtype=np.int32),
        outcome=np.array([OUTCOMES.index(point.outcome) for point in points], dtype=np.int8),
        value=value,
        low=low,
        high=high,
        comparable=np.array([point.comparable for point in points], dtype=np.bool_),
        sessions={index: point.sessions for index, point in enumerate(points) if point.sessions},
        reasons={index: point.reason for index, point in enumerate(points) if point.reason},
    )


def levels(points: Sequence[Point]) -> Floats:
    """Each point's value, NaN where it has none that may be compared with the newest."""
    return points.levels if isinstance(points, Points) else _levels(columns(points))


def _levels(table: PointColumns) -> Floats:
    return np.where(table.comparable & np.isfinite(table.value), table.value, np.nan)


def last_with_level(points: Sequence[Point], end: int | None = None) -> Point | None:
    """The last of the points, or of the first ``end``, that has a value which may be compared with the newest."""
    known = np.flatnonzero(np.isfinite(levels(points)[:end]))
    return points[int(known[-1])] if len(known) else None


def measured_values(points: Sequence[Point]) -> Floats:
    """Each point's value, NaN where it was not measured; also of those that may not be compared with the newest."""
    table = columns(points)
    return np.where((table.outcome == MEASURED) & np.isfinite(table.value), table.value, np.nan)


def index_of(points: Sequence[Point], commit_hash: str) -> int | None:
    """The index of the commit's last point."""
    table = columns(points)
    at = table.commit_index.tolist()
    return next((index for index in reversed(range(len(at))) if table.order[at[index]].hash == commit_hash), None)


def commits(points: Sequence[Point]) -> list[Commit]:
    """Each point's commit."""
    table = columns(points)
    return [table.order[index] for index in table.commit_index.tolist()]


def known_commits(several: Iterable[Sequence[Point]]) -> tuple[Commit, ...]:
    """Every commit that one of several series was run at, or shares its order with, by date, then by hash."""
    orders = {id(order): order for order in (columns(points).order for points in several)}  # which series share
    known = {commit.hash: commit for order in orders.values() for commit in order}
    return tuple(sorted(known.values(), key=lambda commit: (commit.date, commit.hash)))


def compared(points: Points, comparable: NDArray[np.bool_]) -> Points:
    """These points with other flags ``comparable``."""
    return Points(replace(points.columns, comparable=comparable))
