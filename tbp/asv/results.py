"""asv's result files → one checked frame.

Takes a results folder as ``asv run`` writes it (``<machine>/<commit>-<environment>.json``, ``machine.json`` beside
them, ``benchmarks.json`` above), of format 2 or 1. Gives every value of every run; what could not be used is said in
``problems``, never fatal. Which values form a series, and what moved, is left to ``tbp.history``. asv itself is not
needed: its classes promise no stability, its files do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from tbp.asv.declarations import Benchmark, benchmark_from_name, declarations, parameter_values
from tbp.errors import NothingMeasured
from tbp.history.series import Outcome
from tbp.report.model import Machine

# One row per series × run. Values and quartiles are per call: asv divides by `number` before it writes.
COLUMNS = {
    "benchmark": "object",
    "parameters": "object",  # ((name, value), …) in asv's order
    "machine": "object",
    "environment": "object",
    "commit": "object",  # full hash
    "date": "datetime64[ms, UTC]",  # of the commit
    "outcome": "object",  # an Outcome
    "value": "float64",  # median of the samples, or what a track_ benchmark returned; NaN unless measured
    "q25": "float64",  # quartiles of the samples; NaN where asv kept none
    "q75": "float64",
    "number": "float64",  # calls timed together; NaN where asv kept none
    "version": "object",  # of the benchmark; "" in files too old to have one
    "unit": "object",
    "type": "object",  # asv's: "time", "peakmemory", "track", …
}
RUN = ["benchmark", "parameters", "machine", "environment", "commit"]
NOT_RESULTS = {"machine.json", "benchmarks.json"}
ASV_RUN = "run `asv run` in the project, or pass the folder that asv.conf.json calls results_dir"

# Format 1 named what format 2 keeps in columns.
_V1_COLUMNS = ["result", "params", "version", "stats_q_25", "stats_q_75", "stats_number"]


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


@dataclass(frozen=True)
class Results:
    """What a results folder holds. ``points`` has COLUMNS; ``benchmarks`` is what benchmarks.json declares today."""

    points: pd.DataFrame
    benchmarks: Mapping[str, Benchmark]
    machines: tuple[Machine, ...]
    problems: tuple[str, ...] = ()  # sentences: which file could not be used and what to do

    def __post_init__(self) -> None:
        wrong = {name: kind for name, kind in COLUMNS.items() if str(self.points.dtypes.get(name)) != kind}
        if wrong or len(self.points.columns) != len(COLUMNS):
            raise TypeError(f"results frame: expected {COLUMNS}, got {dict(self.points.dtypes)}")

    def values(self) -> Iterator[Value]:
        """The rows of ``points``, each as a value."""
        return map(Value._make, self.points.itertuples(index=False, name=None))

    @property
    def commits(self) -> dict[str, datetime]:
        """Every commit with a result and its date as asv wrote it."""
        pairs = self.points.drop_duplicates("commit")
        return {str(name): date.to_pydatetime() for name, date in zip(pairs["commit"], pairs["date"], strict=True)}


class _Unusable(Exception):
    """A file that is no result; the message ends a sentence that begins with its path."""


@dataclass(frozen=True)
class _Run:
    """One result file, its format's differences removed."""

    commit: str
    environment: str
    machine: str
    date: datetime
    rows: Mapping[str, Mapping[str, object]]  # benchmark → column → cell values


def read_results(results_dir: Path) -> Results:
    """Everything under ``results_dir``. Raises NothingMeasured when there is no folder or no usable result in it."""
    if not results_dir.is_dir():
        raise NothingMeasured(f"there is no results folder {results_dir}; {ASV_RUN}")
    problems: list[str] = []
    benchmarks = declarations(results_dir / "benchmarks.json", problems)
    rows: list[Value] = []
    for path in sorted(results_dir.glob("*/*.json")):
        if path.name in NOT_RESULTS or not path.is_file():
            continue
        try:
            rows += _rows(_run(path), benchmarks, path, problems)
        except _Unusable as error:
            problems.append(f"{path} was left out: it {error}; delete it and run `asv run` again for its commit")
    if not rows:
        detail = f" ({problems[0]})" if problems else ""
        raise NothingMeasured(f"no asv result under {results_dir}{detail}; {ASV_RUN}")
    points = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    doubles = points.duplicated(RUN, keep="last")
    if doubles.any():
        commits = ", ".join(sorted({str(commit)[:8] for commit in points.loc[doubles, "commit"]})[:3])
        problems.append(
            f"{int(doubles.sum())} values are in two files of one run (commits {commits}); the file that sorts last "
            "was used: delete the other"
        )
        points = points[~doubles].reset_index(drop=True)
    return Results(points, benchmarks, _machines(results_dir, points, problems), tuple(problems))


def _run(path: Path) -> _Run:
    content = read_json(path)
    if not isinstance(content, dict):
        raise _Unusable("is no JSON object" if content is not None else "cannot be read as JSON (half written?)")
    version = content.get("version", 1)
    if version not in (1, 2):
        raise _Unusable(f"has format {version!r}, and tbp reads asv's formats 1 and 2: update tbp")
    params = content.get("params")
    machine = params.get("machine") if isinstance(params, dict) else None
    commit, environment, results = content.get("commit_hash"), content.get("env_name"), content.get("results")
    if not isinstance(commit, str) or not commit or not isinstance(results, dict):
        raise _Unusable("names no commit_hash or holds no results")
    if not isinstance(environment, str):
        environment = path.stem.partition("-")[2]  # asv names the file <commit>-<environment>.json
    rows = _rows_by_column(results, content.get("result_columns")) if version == 2 else _rows_of_v1(content, results)
    machine = machine if isinstance(machine, str) and machine else path.parent.name
    return _Run(commit, environment, machine, _date(content.get("date")), rows)


def read_json(path: Path) -> object:
    """The file's content; None for one that holds no JSON. NaN and Infinity, which asv writes, are read as such."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, numbers beyond any use
        return None


def _date(milliseconds: object) -> datetime:
    try:
        return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)  # type: ignore[arg-type]  # checked by trying
    except (TypeError, ValueError, OverflowError, OSError):
        raise _Unusable(f"has no usable date ({milliseconds!r:.40})") from None


def _rows_by_column(results: Mapping[str, object], columns: object) -> dict[str, dict[str, object]]:
    if not isinstance(columns, list):
        raise _Unusable("lacks result_columns")
    # asv leaves the empty end of a row out: rows may be shorter than the columns.
    return {name: dict(zip(columns, row, strict=False)) for name, row in results.items() if isinstance(row, list)}


def _rows_of_v1(content: Mapping[str, object], results: Mapping[str, object]) -> dict[str, dict[str, object]]:
    versions = content.get("benchmark_version")
    rows: dict[str, dict[str, object]] = {}
    for name, entry in results.items():
        row: Mapping[str, object] = entry if isinstance(entry, dict) else {"result": entry}
        result, stats = _as_list(row.get("result")), row.get("stats")
        stats = [cell if isinstance(cell, dict) else {} for cell in _as_list(stats) or []]
        version = versions.get(name) if isinstance(versions, dict) else None
        quartiles = [[cell.get(key) for cell in stats] for key in ("q_25", "q_75", "number")]
        rows[name] = dict(zip(_V1_COLUMNS, [result, row.get("params"), version, *quartiles], strict=True))
    return rows


def _as_list(value: object) -> list[object] | None:
    return value if value is None or isinstance(value, list) else [value]


def _rows(run: _Run, benchmarks: Mapping[str, Benchmark], path: Path, problems: list[str]) -> Iterator[Value]:
    """The rows of one file."""
    for name, row in run.rows.items():
        declared = benchmarks.get(name) or benchmark_from_name(name)
        values = parameter_values(row.get("params"))
        names = declared.names(len(values))
        cells = list(product(*values))
        result = row.get("result")
        # No result at all: every cell failed, or the build did.
        outcomes = result if isinstance(result, list) else [None] * len(cells)
        if len(outcomes) != len(cells):
            problems.append(
                f"{path}: {name} has {len(outcomes)} results for {len(cells)} combinations of parameters; the rest "
                "was left out: run it again"
            )
        version = row.get("version")
        for i, (cell, raw) in enumerate(zip(cells, outcomes, strict=False)):
            outcome, value = _outcome(raw)
            yield Value(
                benchmark=name,
                parameters=tuple(zip(names, cell, strict=True)),
                machine=run.machine,
                environment=run.environment,
                commit=run.commit,
                date=run.date,
                outcome=outcome,
                value=value,
                q25=_cell(row, "stats_q_25", i),
                q75=_cell(row, "stats_q_75", i),
                number=_cell(row, "stats_number", i),
                version=version if isinstance(version, str) else "",
                unit=declared.unit,
                type=declared.type,
            )


def _outcome(raw: object) -> tuple[Outcome, float]:
    """asv stores null for what failed and NaN for what was skipped. An infinite value is no measurement either."""
    value = _number(raw)
    if value is None or math.isinf(value):
        return Outcome.FAILED, math.nan
    return (Outcome.SKIPPED if math.isnan(value) else Outcome.MEASURED), value


def _number(raw: object) -> float | None:
    if not isinstance(raw, (int, float)):
        return None
    try:
        return float(raw)
    except OverflowError:
        return math.inf


def _cell(row: Mapping[str, object], column: str, i: int) -> float:
    values = row.get(column)
    value = _number(values[i]) if isinstance(values, list) and i < len(values) else None
    return math.nan if value is None else value


def _memory(ram: str) -> str:
    """asv notes bytes, unless the user typed something else into its machine file."""
    return f"{int(ram) / 2**30:.1f} GiB" if ram.isdecimal() else ram


def _machines(results_dir: Path, points: pd.DataFrame, problems: list[str]) -> tuple[Machine, ...]:
    """One entry per machine with results, its details where asv's machine.json has them."""
    details: dict[str, Machine] = {}
    for path in sorted(results_dir.glob("*/machine.json")):
        content = read_json(path)
        if not isinstance(content, dict):
            problems.append(f"{path} cannot be read; run `asv machine` on that machine again")
            continue
        text = {key: str(content.get(key) or "") for key in ("machine", "cpu", "num_cpu", "ram", "os")}
        name = text["machine"] or path.parent.name
        details[name] = Machine(name, text["cpu"], text["num_cpu"], _memory(text["ram"]), text["os"])
    return tuple(details.get(name, Machine(name)) for name in sorted(set(points["machine"])))
