"""Rows of a store → result files, as their reader gives them.

Takes an open database, gives the files of the project in the order of their paths: what ``tbp.dataset.rows`` was given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tbp.asv.result_cache import ReadFiles
from tbp.asv.result_file import Facts, RecordedBenchmark, ResultFile, ResultHead
from tbp.dataset.database import Database
from tbp.system.arrays import Floats, Indices

if TYPE_CHECKING:
    import pyarrow as pa

_HEAD = (
    "file_key, folder, path, commit, environment, machine, epoch_ms(date) AS date_ms, python, requirements, facts, "
    "problems"
)
_VALUES = (
    "file_key, position, recorded, outcome = 'failed' AS is_failed, value, q25, q75, number, "
    "epoch_ms(started) AS started_ms"
)


def result_files(database: Database, problems: tuple[str, ...]) -> ReadFiles:
    """The result files that the database is opened for; ``problems`` are those of the store."""
    condition, values = database.wanted.condition
    machine = "WHERE machine = $1" if database.wanted.machine else ""
    heads = database.rows(f"SELECT {_HEAD} FROM runs {machine}", [database.wanted.machine] if machine else ())
    rows = database.rows(f"SELECT {_VALUES} FROM points WHERE {condition}", values)
    runs = sorted(heads.to_pylist(), key=lambda run: (*run["path"].split("/"), run["commit"]))
    files = _files(rows, runs, _turns(database, runs), _grids(database))
    of_files = [f"{Path(run['folder'], run['path'])}: {each}" for run in runs for each in _texts(run["problems"])]
    return ReadFiles(files, [*problems, *of_files], len(problems))


def _texts(content: str) -> list[str]:
    return msgspec.json.decode(content, type=list[str])


def _turns(database: Database, runs: list[dict[str, Any]]) -> dict[int, tuple[int, int]]:
    """By the key of each stored file: which of ``runs`` it belongs to, and its turn among the versions of that run."""
    run_of = {run["file_key"]: number for number, run in enumerate(runs)}
    turns = {key: (number, 0) for key, number in run_of.items()}
    if database.has_versions:
        versions = database.rows("SELECT file_key, turn, run FROM versions").to_pylist()
        newest = {row["run"]: run_of[row["file_key"]] for row in versions if row["file_key"] in run_of}
        turns |= {row["file_key"]: (newest[row["run"]], row["turn"]) for row in versions if row["run"] in newest}
    return turns


def _grids(database: Database) -> dict[int, RecordedBenchmark]:
    rows = database.rows("SELECT DISTINCT ON (recorded) recorded, benchmark, version, grid FROM grids").to_pylist()
    return {
        row["recorded"]: RecordedBenchmark(
            row["benchmark"], row["version"], msgspec.json.decode(row["grid"], type=tuple[tuple[str, ...], ...])
        )
        for row in rows
    }


def _files(
    rows: pa.Table, runs: list[dict[str, Any]], turns: dict[int, tuple[int, int]], grids: dict[int, RecordedBenchmark]
) -> list[ResultFile]:
    """The result files of ``runs``: the rows of each in the order of the file."""
    keys = np.array(sorted(turns), np.uint64)
    run_of_key = np.array([turns[int(key)] for key in keys], np.int64).reshape(-1, 2)
    file_key = _whole(rows, "file_key")
    at = np.searchsorted(keys, file_key)
    if not np.array_equal(keys[at], file_key):
        raise ValueError("there are values of no run")
    run, turn = run_of_key[at, 0], run_of_key[at, 1]
    order = np.lexsort((_whole(rows, "position"), turn, run))
    run, recorded = run[order], _whole(rows, "recorded")[order]
    value = _floats(rows, "value")[order]
    value[_whole(rows, "is_failed")[order]] = np.inf
    started = _floats(rows, "started_ms")[order]
    columns = [_floats(rows, name)[order] for name in ("q25", "q75", "number")]
    is_new = np.ones(len(run), bool)
    is_new[1:] = (run[1:] != run[:-1]) | (recorded[1:] != recorded[:-1])
    starts = np.flatnonzero(is_new)
    counts = np.diff(np.append(starts, len(run)))
    first_row = np.searchsorted(run, np.arange(len(runs) + 1))
    first_block = np.searchsorted(run[starts], np.arange(len(runs) + 1))
    names = [grids[int(key)] for key in recorded[starts]]
    return [
        _file(
            runs[number],
            tuple(names[first_block[number] : first_block[number + 1]]),
            counts[first_block[number] : first_block[number + 1]],
            started[starts[first_block[number] : first_block[number + 1]]],
            [column[first_row[number] : first_row[number + 1]] for column in (value, *columns)],
        )
        for number in range(len(runs))
    ]


def _file(
    run: dict[str, Any],
    benchmarks: tuple[RecordedBenchmark, ...],
    counts: Indices,
    started_ms: Floats,
    values: list[Floats],
) -> ResultFile:
    head = ResultHead(
        run["commit"],
        run["environment"],
        run["machine"],
        run["date_ms"],
        run["python"],
        run["requirements"],
        msgspec.json.decode(run["facts"], type=Facts),
    )
    value, q25, q75, number = values
    return ResultFile(head, benchmarks, counts, started_ms, value, q25, q75, number, tuple(_texts(run["problems"])))


def _whole(rows: pa.Table, name: str) -> NDArray[Any]:
    array: NDArray[Any] = rows[name].to_numpy()
    return array


def _floats(rows: pa.Table, name: str) -> Floats:
    """A column of numbers; NaN where there is none."""
    return np.array(rows[name].to_numpy(), np.float64)
