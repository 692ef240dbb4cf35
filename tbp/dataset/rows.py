"""The content of a results folder → rows of a store's tables.

Takes result files, sessions and recordings as their readers give them, gives Arrow tables. Nothing is lost: the way
back is ``tbp.dataset.back``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from msgspec import Struct

from tbp.asv.declarations import Benchmark, benchmark_from_name
from tbp.asv.parameters import named
from tbp.asv.result_file import RecordedBenchmark, ResultFile
from tbp.asv.sessions import Session
from tbp.dataset.files import library
from tbp.dataset.parts import table_of
from tbp.model.series import Outcome, SeriesKey, parameter_label
from tbp.system.arrays import Floats, Indices
from tbp.system.store import key_of
from tbp.traces.operators.operators import OPERATOR_COLUMNS
from tbp.traces.recording import Recording

if TYPE_CHECKING:
    import pyarrow as pa

_OUTCOMES = (Outcome.MEASURED, Outcome.FAILED, Outcome.SKIPPED)


class Origin(Struct, frozen=True):
    """The place and the moment of one ingest, and the project that it is for."""

    project: str
    folder: str  # the results folder, as an absolute path
    at: int  # of this ingest, ms since 1970


class StoredFile(Struct, frozen=True):
    """One file of a results folder: its path below the folder, and its content as the table has it."""

    path: str
    file_key: int
    content: bytes = b""
    machine: str = ""
    kind: str = ""


def file_key(digest: bytes) -> int:
    """The key of a file from a digest of its path in the results folder and its bytes: the first 64 bits.

    Of a million files, two share one with a probability of 3e-8.
    """
    return int.from_bytes(digest[:8], "little")


def _origin(origin: Origin, files: Sequence[StoredFile]) -> dict[str, object]:
    count = len(files)
    return {
        "project": [origin.project] * count,
        "file_key": [file.file_key for file in files],
        "ingested": [origin.at] * count,
        "folder": [origin.folder] * count,
        "path": [file.path for file in files],
    }


def record_rows(table: str, origin: Origin, files: Sequence[StoredFile]) -> pa.Table:
    """Rows of ``records`` or ``recordings``: files as they are."""
    texts = {name: [getattr(file, name) for file in files] for name in ("machine", "kind", "content")}
    return table_of(table, _origin(origin, files) | texts)


def run_rows(origin: Origin, files: Sequence[tuple[StoredFile, ResultFile]]) -> pa.Table:
    """Rows of ``runs``."""
    heads = [result.head for _, result in files]
    values = [result.value for _, result in files]
    begun = [_latest(result.started_ms) for _, result in files]
    columns = {
        "commit": [head.commit for head in heads],
        "environment": [head.environment for head in heads],
        "machine": [head.machine for head in heads],
        "date": [head.date_ms for head in heads],
        "begun": begun,
        "python": [head.python for head in heads],
        "requirements": [head.requirements for head in heads],
        "hardware": [head.hardware for head in heads],
        "facts": [_json(head.facts) for head in heads],
        "problems": [_json(result.problems) for _, result in files],
        "measured": [int(np.isfinite(value).sum()) for value in values],
        "failed": [int(np.isinf(value).sum()) for value in values],
        "skipped": [int(np.isnan(value).sum()) for value in values],
    }
    return table_of("runs", _origin(origin, [file for file, _ in files]) | columns)


def _latest(started_ms: Floats) -> int | None:
    known = started_ms[np.isfinite(started_ms)]
    return int(known.max()) if len(known) else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def grid_key(benchmark: RecordedBenchmark) -> int:
    """The key of a benchmark as a result file had it."""
    return file_key(key_of(benchmark))


def grid_rows(benchmarks: Iterable[RecordedBenchmark]) -> pa.Table:
    """Rows of ``grids``."""
    known = sorted({grid_key(benchmark): benchmark for benchmark in benchmarks}.items())
    return table_of(
        "grids",
        {
            "recorded": [key for key, _ in known],
            "benchmark": [benchmark.name for _, benchmark in known],
            "version": [benchmark.version for _, benchmark in known],
            "grid": [_json(benchmark.parameters) for _, benchmark in known],
        },
    )


def point_rows(
    origin: Origin, files: Sequence[tuple[StoredFile, ResultFile]], declared: Mapping[str, Benchmark]
) -> pa.Table:
    """Rows of ``points``; ``declared`` are the benchmarks of today, which name the parameters."""
    results = [result for _, result in files]
    recorded = list(dict.fromkeys(benchmark for result in results for benchmark in result.benchmarks))
    index_of = {benchmark: index for index, benchmark in enumerate(recorded)}
    labels = [_labels(benchmark, declared.get(benchmark.name)) for benchmark in recorded]
    counts = np.concatenate([result.counts for result in results])
    of_row = np.array([index_of[each] for result in results for each in result.benchmarks], np.int64)
    block = np.repeat(of_row, counts)
    cell = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    first_label = np.cumsum([0, *map(len, labels)])
    run = np.repeat(np.arange(len(results)), [len(result.value) for result in results])
    position = np.arange(len(run)) - np.searchsorted(run, run)
    value = np.concatenate([result.value for result in results])
    outcome = np.where(np.isinf(value), 1, np.where(np.isnan(value), 2, 0))
    heads = [result.head for result in results]
    started = np.concatenate([result.started_ms for result in results]).repeat(counts)
    columns = {
        "benchmark": _texts(block, [each.name for each in recorded]),
        "parameters": _texts(first_label[block] + cell, [label for several in labels for label in several]),
        "machine": _texts(run, [head.machine for head in heads]),
        "environment": _texts(run, [head.environment for head in heads]),
        "commit": _texts(run, [head.commit for head in heads]),
        "date": np.array([head.date_ms for head in heads], np.int64)[run],
        "outcome": _texts(outcome, list(map(str, _OUTCOMES))),
        "value": np.where(outcome == 0, value, np.nan),
        "q25": np.concatenate([result.q25 for result in results]),
        "q75": np.concatenate([result.q75 for result in results]),
        "number": np.concatenate([result.number for result in results]),
        "started": library("pyarrow").array(np.floor(started), from_pandas=True).cast("int64"),
        "version": _texts(block, [each.version for each in recorded]),
        "project": _texts(np.zeros(len(run), np.int64), [origin.project]),
        "file_key": np.array([file.file_key for file, _ in files], np.uint64)[run],
        "recorded": np.array([grid_key(each) for each in recorded], np.uint64)[block],
        "cell": cell.astype(np.int32),
        "position": position.astype(np.int32),
    }
    return table_of("points", columns)


def _texts(codes: Indices, items: Sequence[str]) -> pa.Array:
    """The column of ``items[code]``."""
    pa = library("pyarrow")
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(items, pa.string()))


@lru_cache(1 << 14)  # the benchmarks of one ingest, again in each of its parts
def _labels(benchmark: RecordedBenchmark, today: Benchmark | None) -> list[str]:
    """The parameters of each cell as one text."""
    cells = named(benchmark.parameters, today or benchmark_from_name(benchmark.name)).cells
    return [parameter_label(cell) for cell in cells]


def session_rows(origin: Origin, files: Sequence[tuple[StoredFile, Session]], traces: Sequence[str | None]) -> pa.Table:
    """Rows of ``sessions``; ``traces`` has the path of each one's trace below the results folder."""
    sessions = [session for _, session in files]
    same = ("commit", "run", "session", "threads", "device", "device_name", "torch", "python", "skipped", "median_s")
    columns = {
        **_series(session.key for session in sessions),
        **{name: [getattr(session, name) for session in sessions] for name in same},
        "started": [_ms(session) for session in sessions],
        "wall_s": [session.wall_s for session in sessions],
        "trace": list(traces),
        "content": [file.content for file, _ in files],
    }
    return table_of("sessions", _origin(origin, [file for file, _ in files]) | columns)


def _series(keys: Iterable[SeriesKey]) -> dict[str, object]:
    rows = [(key.benchmark, key.label, key.machine, key.environment) for key in keys]
    names = ("benchmark", "parameters", "machine", "environment")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}


def _ms(session: Session) -> int:
    return int(session.started.timestamp() * 1000)


def operator_rows(origin: Origin, file: StoredFile, session: Session, trace: str, recording: Recording) -> pa.Table:
    """Rows of ``operators``: those of one trace, whose session and path below the results folder these are."""
    frame = recording.session.table.frame
    count = len(frame)
    columns = {
        **{name: values * count for name, values in _series([session.key]).items()},  # type: ignore[operator]  # lists
        "commit": [session.commit] * count,
        "started": [_ms(session)] * count,
        "session": [session.session] * count,
        "trace": [trace] * count,
        "project": [origin.project] * count,
        "file_key": [file.file_key] * count,
        **{name: frame[name].tolist() for name in OPERATOR_COLUMNS if name in frame.columns},
    }
    return table_of("operators", columns)
