"""The table of results: one row per series × run, and how it is made of result files.

Takes what ``tbp.asv.result_files`` read and what benchmarks.json declares. Rows are built column by column, since a
large project has millions: texts are labels (one to four bytes a row), sorted, with none that is not used. The frame
that users are given is made of it in ``tbp.asv.result_frame``; no report needs pandas for it, which takes longer to
import than a small report to build.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tbp.asv.declarations import Benchmark
from tbp.asv.parameters import Cell, Named
from tbp.asv.result_arrays import Files
from tbp.asv.result_files import Grid
from tbp.model.series import Outcome

# What there can be only one row of.
ROW = ("benchmark", "parameters", "machine", "environment", "commit")
NUMBERS = ("value", "q25", "q75", "number")
MOMENTS = ("date", "started")

# Rows that are turned into values at a time.
_CHUNK = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OUTCOMES = (Outcome.MEASURED, Outcome.FAILED, Outcome.SKIPPED)

Codes = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]
_Item = TypeVar("_Item", str, Cell, Outcome)


class Value(NamedTuple):
    """One row of the table. Values and quartiles are per call: asv divides by ``number`` before it writes."""

    benchmark: str
    parameters: Cell
    machine: str
    environment: str
    commit: str  # full hash
    date: datetime  # of the commit, UTC
    outcome: Outcome
    value: float  # median of the samples, or what a track_ benchmark returned; NaN unless measured
    q25: float  # quartiles of the samples; NaN where asv kept none
    q75: float
    number: float  # calls timed together; NaN where asv kept none
    version: str  # of the benchmark; "" in files too old to have one
    unit: str
    type: str  # asv's: "time", "peakmemory", "track", …
    python: str = ""  # "3.11"; "" where the file says none
    requirements: str = ""  # "numpy=1.26;torch=" as asv was asked for them, sorted by name
    hardware: str = (
        ""  # "cpu=…;num_cpu=…;…;gpu=…" of this run: all that it says of its machine; "" where it says nothing
    )
    started: datetime | None = None  # when this benchmark's measuring began, UTC; None where the file does not say


class Labels(Struct, Generic[_Item], frozen=True, eq=False):
    """A column of few distinct items: row i has ``items[codes[i]]``. Sorted; no item twice, none unused."""

    codes: Codes
    items: tuple[_Item, ...]

    def at(self, rows: slice | npt.NDArray[np.intp]) -> list[_Item]:
        """The items of these rows."""
        items = self.items
        return [items[code] for code in self.codes[rows].tolist()]


class Table(Struct, frozen=True, eq=False):
    """The columns of ``Value``, all of one length."""

    benchmark: Labels[str]
    parameters: Labels[Cell]
    machine: Labels[str]
    environment: Labels[str]
    commit: Labels[str]
    date_ms: npt.NDArray[np.int64]  # since 1970 in UTC
    outcome: Labels[Outcome]
    value: Floats
    q25: Floats
    q75: Floats
    number: Floats
    version: Labels[str]
    unit: Labels[str]
    type: Labels[str]
    python: Labels[str]
    requirements: Labels[str]
    hardware: Labels[str]
    started_ms: Floats  # since 1970 in UTC; NaN where unknown

    def __len__(self) -> int:
        return len(self.value)

    def labels(self, name: str) -> Labels[str]:
        """One of the columns that hold texts; ``parameters`` sorts like one."""
        own: Labels[str] = getattr(self, name)
        return own

    def values(self) -> Iterator[Value]:
        """The rows, each as a value."""
        # One object per distinct date: the dates of millions of rows are those of a few runs.
        dates = {date_ms: moment(date_ms) for date_ms in np.unique(self.date_ms).tolist()}
        known = np.unique(self.started_ms[np.isfinite(self.started_ms)]).tolist()
        starts = {started_ms: moment(started_ms) for started_ms in known}
        for start in range(0, len(self), _CHUNK):
            rows = slice(start, start + _CHUNK)
            columns = [_items(getattr(self, name), rows, dates) for name in self.__struct_fields__[:-1]]
            columns.append(map(starts.get, self.started_ms[rows].tolist()))
            yield from map(Value._make, zip(*columns, strict=True))


def moment(date_ms: float) -> datetime:
    """Milliseconds since 1970, in UTC."""
    return _EPOCH + timedelta(milliseconds=date_ms)


def keys(columns: Sequence[Labels[str] | Labels[Cell] | Labels[Outcome]]) -> npt.NDArray[np.int64]:
    """A number for each row that is equal for equal items and sorts as they do, the first column before the next."""
    key = np.zeros(len(columns[0].codes), np.int64)
    for column in columns:
        key = key * max(1, len(column.items)) + column.codes
    return key


def table(values: Iterable[Value]) -> Table:
    """The table of these rows."""
    columns = dict(zip(Value._fields, zip(*values, strict=True), strict=False))

    def labels(name: str) -> Labels:  # type: ignore[type-arg]
        items = columns.get(name, ())
        unique = {item: i for i, item in enumerate(dict.fromkeys(items))}
        return _labels(np.array([unique[item] for item in items], np.int64), list(unique))

    dates_ms = [(date - _EPOCH) // timedelta(milliseconds=1) for date in columns.get("date", ())]
    own: dict[str, Any] = {"date_ms": np.array(dates_ms, np.int64)}
    own["started_ms"] = np.array([_milliseconds(one) for one in columns.get("started", ())], np.float64)
    own |= {name: np.array(columns.get(name, ()), np.float64) for name in NUMBERS}
    own |= {name: labels(name) for name in Value._fields if name not in (*NUMBERS, *MOMENTS)}
    return Table(**own)


def _milliseconds(moment: datetime | None) -> float:
    return np.nan if moment is None else (moment - _EPOCH) / timedelta(milliseconds=1)


def table_of_files(
    files: Files, grids: Sequence[Grid], declared: Sequence[Benchmark], names: Sequence[Named | None]
) -> Table:
    """The rows of ``files`` in their order. Of each grid, what declares it today and its parameters' names."""
    counts, runs = files.counts, files.runs
    grid = np.repeat(files.grids, counts)
    run = np.repeat(np.arange(len(runs)), files.cell_counts)
    result, q25, q75, number = files.cells
    return Table(
        benchmark=_labels(grid, [own.benchmark for own in grids]),
        parameters=_parameters(grid, counts, names),
        machine=_labels(run, [own.machine for own in runs]),
        environment=_labels(run, [own.environment for own in runs]),
        commit=_labels(run, [own.commit for own in runs]),
        date_ms=np.array([own.date_ms for own in runs], np.int64)[run],
        outcome=_labels(np.where(np.isinf(result), 1, np.where(np.isnan(result), 2, 0)), _OUTCOMES),
        value=np.where(np.isinf(result), np.nan, result),
        q25=q25,
        q75=q75,
        number=number,
        version=_labels(grid, [own.version for own in grids]),
        unit=_labels(grid, [own.unit for own in declared]),
        type=_labels(grid, [own.type for own in declared]),
        python=_labels(run, [own.python for own in runs]),
        requirements=_labels(run, [own.requirements for own in runs]),
        hardware=_labels(run, [own.hardware_label for own in runs]),
        started_ms=np.repeat(files.started_ms, counts),
    )


def repeated_rows(points: Table, files: Files) -> npt.NDArray[np.bool_]:
    """Which rows a later one replaces, of a run that is in two files."""
    repeated = np.zeros(len(points), bool)
    runs = {(run.machine, run.environment, run.commit) for run in files.runs}
    if len(runs) < len(files.runs):
        _, last = np.unique(keys([getattr(points, name) for name in ROW])[::-1], return_index=True)
        repeated[:] = True
        repeated[len(points) - 1 - last] = False
    return repeated


def chosen_rows(points: Table, is_chosen: npt.NDArray[np.bool_]) -> Table:
    """The rows for which ``is_chosen`` is true."""
    columns: dict[str, Any] = {name: getattr(points, name) for name in points.__struct_fields__}
    for name, column in columns.items():
        is_labels = isinstance(column, Labels)
        columns[name] = _labels(column.codes[is_chosen], column.items) if is_labels else column[is_chosen]
    return Table(**columns)


def _parameters(grid: Codes, counts: Codes, names: Sequence[Named | None]) -> Labels[Cell]:
    cells: list[Cell] = []
    first = []  # of each grid, in cells
    for own in names:
        first.append(len(cells))
        cells += own.cells if own is not None else ()
    # The rows of one benchmark in one file are the first cells of its grid, in order.
    place = np.arange(len(grid)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _labels(np.array(first, np.int64)[grid] + place, cells)


def _labels(codes: Codes, items: Sequence[_Item]) -> Labels[_Item]:
    """A column of ``items[code]``; of equal items one label is made, of unused ones none."""
    is_used = np.bincount(codes, minlength=len(items)) > 0
    used = sorted({item for item, own in zip(items, is_used.tolist(), strict=True) if own})
    place = {item: i for i, item in enumerate(used)}
    smallest = np.min_scalar_type(-max(1, len(used)))
    own_place = np.array([place.get(item, -1) for item in items], smallest)
    return Labels(own_place[codes], tuple(used))


def _items(
    column: Labels[str] | Labels[Cell] | Labels[Outcome] | npt.NDArray[np.generic],
    rows: slice,
    dates: Mapping[int, datetime],
) -> Iterable[object]:
    if isinstance(column, Labels):
        return column.at(rows)
    own: list[object] = column[rows].tolist()
    return map(dates.__getitem__, own) if column.dtype == np.int64 else own  # type: ignore[arg-type]  # integers
