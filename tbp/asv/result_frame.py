"""The frame of results: one row per series × run, and how it is made of result files.

Takes what ``tbp.asv.result_files`` read and what benchmarks.json declares. Rows are built column by column, since a
large project has millions: texts are categories (one to four bytes a row), sorted, with none that is not used.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from tbp.asv.declarations import Benchmark, benchmark_from_name
from tbp.asv.result_files import Grid, ResultFile
from tbp.history.series import Outcome

# Values and quartiles are per call: asv divides by `number` before it writes.
COLUMNS = {
    "benchmark": "category",
    "parameters": "category",  # ((name, value), …) in asv's order
    "machine": "category",
    "environment": "category",
    "commit": "category",  # full hash
    "date": "datetime64[ms, UTC]",  # of the commit
    "outcome": "category",  # an Outcome
    "value": "float64",  # median of the samples, or what a track_ benchmark returned; NaN unless measured
    "q25": "float64",  # quartiles of the samples; NaN where asv kept none
    "q75": "float64",
    "number": "float64",  # calls timed together; NaN where asv kept none
    "version": "category",  # of the benchmark; "" in files too old to have one
    "unit": "category",
    "type": "category",  # asv's: "time", "peakmemory", "track", …
    "python": "category",  # "3.11"; "" where the file says none
    "requirements": "category",  # "numpy=1.26;torch=" as asv was asked for them, sorted by name
    "hardware": "category",  # "cpu=…;num_cpu=…;ram=…;arch=…;os=…" of this run; "" where the file says nothing
}
# What there can be only one row of.
ROW = ["benchmark", "parameters", "machine", "environment", "commit"]

# Rows that are turned into values at a time.
_CHUNK = 50_000

_Item = TypeVar("_Item", bound=Hashable)
_Codes = npt.NDArray[np.integer]


class Value(NamedTuple):
    """One row of the frame: COLUMNS, in order."""

    benchmark: str
    parameters: tuple[tuple[str, str], ...]
    machine: str
    environment: str
    commit: str
    date: datetime
    outcome: Outcome
    value: float
    q25: float
    q75: float
    number: float
    version: str
    unit: str
    type: str
    python: str = ""
    requirements: str = ""
    hardware: str = ""


def frame(values: Iterable[Value]) -> pd.DataFrame:
    """The frame of these rows."""
    columns = dict(zip(COLUMNS, zip(*values, strict=True), strict=False))
    return pd.DataFrame({name: _column(columns.get(name, ()), dtype) for name, dtype in COLUMNS.items()})


def frame_of_files(
    files: Sequence[ResultFile], grids: Sequence[Grid], benchmarks: Mapping[str, Benchmark]
) -> pd.DataFrame:
    """The rows of ``files`` in their order."""
    declared = [benchmarks.get(grid.benchmark) or benchmark_from_name(grid.benchmark) for grid in grids]
    counts = np.concatenate([file.counts for file in files])
    grid = np.repeat(np.concatenate([file.grids for file in files]), counts)
    run = np.repeat(np.arange(len(files)), [int(file.counts.sum()) for file in files])
    result, q25, q75, number = np.concatenate([file.cells for file in files], axis=1)
    runs = [file.run for file in files]
    columns = {
        "benchmark": _categories(grid, [own.benchmark for own in grids]),
        "parameters": _parameters(grid, counts, grids, declared),
        "machine": _categories(run, [own.machine for own in runs]),
        "environment": _categories(run, [own.environment for own in runs]),
        "commit": _categories(run, [own.commit for own in runs]),
        "date": _dates(np.array([own.date_ms for own in runs], np.int64)[run]),
        "outcome": _outcomes(result),
        "value": np.where(np.isinf(result), np.nan, result),
        "q25": q25,
        "q75": q75,
        "number": number,
        "version": _categories(grid, [own.version for own in grids]),
        "unit": _categories(grid, [own.unit for own in declared]),
        "type": _categories(grid, [own.type for own in declared]),
        "python": _categories(run, [own.python for own in runs]),
        "requirements": _categories(run, [own.requirements for own in runs]),
        "hardware": _categories(run, [own.hardware.label for own in runs]),
    }
    return pd.DataFrame(columns, copy=False)


def rows_of_frame(points: pd.DataFrame) -> Iterator[Value]:
    """The rows of a frame, each as a value."""
    for start in range(0, len(points), _CHUNK):
        part = points.iloc[start : start + _CHUNK]
        yield from map(Value._make, zip(*(_items(part[name]) for name in COLUMNS), strict=True))


def repeated_rows(points: pd.DataFrame, files: Sequence[ResultFile], grids: Sequence[Grid]) -> npt.NDArray[np.bool_]:
    """Which rows a later one replaces: of a run that is in two files, or of a benchmark that repeats a parameter."""
    runs = {(file.run.machine, file.run.environment, file.run.commit) for file in files}
    is_plain = all(len(set(values)) == len(values) for grid in grids for values in grid.parameters)
    if is_plain and len(runs) == len(files):
        return np.zeros(len(points), bool)
    return points.duplicated(ROW, keep="last").to_numpy()


def _parameters(grid: _Codes, counts: _Codes, grids: Sequence[Grid], declared: Sequence[Benchmark]) -> pd.Categorical:
    cells: list[tuple[tuple[str, str], ...]] = []
    first = []  # of each grid, in cells
    is_used = np.bincount(grid, minlength=len(grids)) > 0  # the cache knows those of files that are gone, too
    for own, benchmark, used in zip(grids, declared, is_used, strict=True):
        names = benchmark.names(len(own.parameters))
        first.append(len(cells))
        cells += (tuple(zip(names, cell, strict=True)) for cell in (product(*own.parameters) if used else ()))
    # The rows of one benchmark in one file are the first cells of its grid, in order.
    place = np.arange(len(grid)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _categories(np.array(first, np.int64)[grid] + place, cells)


def _outcomes(result: npt.NDArray[np.float64]) -> pd.Categorical:
    codes = np.where(np.isinf(result), 1, np.where(np.isnan(result), 2, 0))
    return _categories(codes, [Outcome.MEASURED, Outcome.FAILED, Outcome.SKIPPED])


def _categories(codes: _Codes, items: Sequence[_Item]) -> pd.Categorical:
    """A column of ``items[code]``; of equal items one category is made, of unused ones none."""
    is_used = np.bincount(codes, minlength=len(items)) > 0
    categories = sorted({item for item, used in zip(items, is_used, strict=True) if used})  # type: ignore[type-var]
    place = {item: i for i, item in enumerate(categories)}
    smallest = np.min_scalar_type(-max(1, len(categories)))
    own_place = np.array([place.get(item, -1) for item in items], smallest)
    index = pd.Index(categories, dtype=object, tupleize_cols=False)
    return pd.Categorical.from_codes(own_place[codes], index)


def _column(items: Sequence[_Item], dtype: str) -> object:
    if dtype == "category":
        unique = {item: i for i, item in enumerate(dict.fromkeys(items))}
        return _categories(np.array([unique[item] for item in items], np.int64), list(unique))
    return pd.Series(list(items), dtype=dtype)


def _dates(dates_ms: npt.NDArray[np.int64]) -> pd.Series:
    return pd.Series(dates_ms.astype("datetime64[ms]")).dt.tz_localize("UTC")


def _items(column: pd.Series) -> list[object]:
    """The items of a column. One object per distinct date: the dates of millions of rows are those of a few runs."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.astype("category")
    if isinstance(column.dtype, pd.CategoricalDtype):
        items: list[object] = np.asarray(column.cat.categories, object)[column.cat.codes.to_numpy()].tolist()
        return items
    return list(column.tolist())
