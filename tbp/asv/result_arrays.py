"""What result files say → arrays of all their numbers.

Takes ``Part``s that ``tbp.asv.result_files`` read, or ``ResultFile``s, which are what ``tbp.asv.result_cache`` keeps;
gives ``Files``, of which ``tbp.asv.result_table`` makes the table.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from tbp.asv.result_content import INFINITE, SKIPPED
from tbp.asv.result_files import Part, Run

# The year 9999: what lies beyond is no time, and no date could hold it.
LATEST_MS = 253_402_300_799_999.0


class ResultFile(msgspec.Struct, frozen=True, array_like=True):
    """One file. The arrays are kept as bytes, as they are stored."""

    run: Run
    grid: bytes  # int32: place of each benchmark's grid in ``Grids``
    count: bytes  # int32: how many of the grid's cells, from the first, have a result
    start: bytes  # float64: when each benchmark's measuring began, ms since 1970; NaN where the file does not say
    cell: bytes  # float64, four rows: result (infinite: failed, NaN: skipped), quartiles, number
    problems: tuple[str, ...]  # what could not be used and what to do

    @property
    def grids(self) -> npt.NDArray[np.int32]:
        return np.frombuffer(self.grid, np.int32)

    @property
    def counts(self) -> npt.NDArray[np.int32]:
        return np.frombuffer(self.count, np.int32)

    @property
    def started_ms(self) -> npt.NDArray[np.float64]:
        return np.frombuffer(self.start, np.float64)

    @property
    def cells(self) -> npt.NDArray[np.float64]:
        """Shape (4, cells): result, first and third quartile, number."""
        return np.frombuffer(self.cell, np.float64).reshape(4, -1)


class Files(msgspec.Struct, frozen=True, eq=False):
    """Several files, their numbers joined."""

    runs: list[Run]
    problems: list[tuple[str, ...]]  # of each file
    sizes: npt.NDArray[np.int64]  # of each file: benchmarks that it says something of
    grids: npt.NDArray[np.int32]  # place of each benchmark's grid in ``Grids``
    counts: npt.NDArray[np.int32]  # how many of the grid's cells, from the first, have a result
    started_ms: npt.NDArray[np.float64]  # of each benchmark of each file; NaN where unknown
    cells: npt.NDArray[np.float64]  # shape (4, cells): result, quartiles, number

    @property
    def cell_counts(self) -> npt.NDArray[np.int64]:
        """Of each file."""
        return np.diff(self._first_cells[self._first_grids])

    @property
    def _first_grids(self) -> npt.NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.sizes)])

    @property
    def _first_cells(self) -> npt.NDArray[np.int64]:
        """Of each benchmark of each file, and the end."""
        return np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])

    def apart(self) -> list[ResultFile]:
        """Each by itself, as it is stored."""
        edges = self._first_grids
        first_cells = self._first_cells[edges].tolist()
        places = zip(pairwise(edges.tolist()), pairwise(first_cells), strict=True)
        return [
            ResultFile(
                run,
                self.grids[start:end].tobytes(),
                self.counts[start:end].tobytes(),
                self.started_ms[start:end].tobytes(),
                self.cells[:, first:last].tobytes(),
                problems,
            )
            for run, problems, ((start, end), (first, last)) in zip(self.runs, self.problems, places, strict=True)
        ]


def files_read(parts: Sequence[Part], places: Sequence[Sequence[int]]) -> Files:
    """The files of ``parts`` in their order; grid i of part k is at ``places[k][i]``."""
    grids = [
        np.array(own, np.int32)[np.frombuffer(part.grids, np.intc)] for part, own in zip(parts, places, strict=True)
    ]
    return _joined(
        runs=[run for part in parts for run in part.runs],
        problems=[problems for part in parts for problems in part.problems],
        sizes=[size for part in parts for size in part.sizes],
        grids=grids,
        counts=[np.frombuffer(part.counts, np.intc) for part in parts],
        started_ms=[_started_ms(part.started_ms) for part in parts],
        cells=[_cells(part.columns) for part in parts],
    )


def files_kept(several: Sequence[ResultFile]) -> Files:
    """Stored files in their order."""
    return _joined(
        runs=[file.run for file in several],
        problems=[file.problems for file in several],
        sizes=[len(file.grids) for file in several],
        grids=[file.grids for file in several],
        counts=[file.counts for file in several],
        started_ms=[file.started_ms for file in several],
        cells=[file.cells for file in several],
    )


def _joined(
    runs: list[Run],
    problems: list[tuple[str, ...]],
    sizes: Sequence[int],
    grids: Sequence[npt.NDArray[np.int32]],
    counts: Sequence[npt.NDArray[np.int32]],
    started_ms: Sequence[npt.NDArray[np.float64]],
    cells: Sequence[npt.NDArray[np.float64]],
) -> Files:
    """Of any number of arrays, also of none."""
    nothing = np.empty(0, np.int32)
    return Files(
        runs=runs,
        problems=problems,
        sizes=np.array(sizes, np.int64),
        grids=np.concatenate([nothing, *grids]),
        counts=np.concatenate([nothing, *counts]),
        started_ms=np.concatenate([np.empty(0), *started_ms]),
        cells=np.concatenate([np.empty((4, 0)), *cells], axis=1),
    )


def _started_ms(column: array[float]) -> npt.NDArray[np.float64]:
    started_ms = np.frombuffer(column).copy()
    started_ms[~((started_ms > 0) & (started_ms <= LATEST_MS))] = math.nan
    return started_ms


def _cells(columns: Iterable[array[float]]) -> npt.NDArray[np.float64]:
    cells = np.stack([np.frombuffer(column, np.float64) for column in columns])
    result, stats = cells[0], cells[1:]
    # asv stores null for what failed and NaN for what was skipped. An infinite value is no measurement either.
    result[~(np.abs(result) < INFINITE)] = math.inf
    result[result == SKIPPED] = math.nan
    stats[~(np.abs(stats) < -SKIPPED)] = math.nan
    return cells
