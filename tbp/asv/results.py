"""asv's results folder → one tidy pandas frame, a row for each value.

Takes a results folder as ``asv run`` writes it (``<machine>/<commit>-<environment>.json``, ``machine.json`` beside
them, ``benchmarks.json`` above). What could not be used is named in ``problems``, and never fatal. Which values form a
series, and what moved, is left to ``tbp.history``. asv itself is not needed: its classes promise no stability, its
files do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.asv.declarations import Benchmark, benchmark_from_name, declarations, read_json
from tbp.asv.empty_bodies import never_runs
from tbp.asv.parameter_remarks import parameter_remarks
from tbp.asv.parameters import NamedCells, named
from tbp.asv.result_cache import ReadFiles, read_files
from tbp.asv.result_file import Facts, RecordedBenchmark, ResultFile, ResultHead, facts_of, memory
from tbp.errors import NothingMeasured, UsageError
from tbp.model.runs import Machine, fact_name
from tbp.model.series import Outcome, short_hash
from tbp.system.arrays import Indices
from tbp.wording import words

MOST_REMARKS = 3  # on parameters, repeated among the problems; each stands on its benchmark's page too
# Of a folder. A series takes 9 kB of a report's memory (90,000 series of three runs: 0.8 GB), a value 0.1 kB, so both
# fill about 2 GB. The largest project seen has 10,600 series and 1.7 million values.
MOST_SERIES = 200_000
MOST_VALUES = 20_000_000
ASV_RUN = "run `asv run` in the project, or pass the folder that asv.conf.json calls results_dir"

# Columns of the frame, whose meanings ``tbp.load`` has. Texts are categories, sorted, with none that is not used.
MOMENT = "datetime64[ms, UTC]"
COLUMNS = {
    "benchmark": "category",
    "parameters": "category",
    "machine": "category",
    "environment": "category",
    "commit": "category",
    "date": MOMENT,
    "outcome": "category",
    "value": "float64",
    "q25": "float64",
    "q75": "float64",
    "number": "float64",
    "version": "category",
    "unit": "category",
    "type": "category",
    "python": "category",
    "requirements": "category",
    "hardware": "category",
    "started": MOMENT,
}
MOST_NAMED = 5  # machines or environments that a message names
SERIES = ["benchmark", "parameters", "machine", "environment"]
RUN = ["machine", "environment", "commit"]
_OUTCOMES = (Outcome.MEASURED, Outcome.FAILED, Outcome.SKIPPED)


class Results(Struct, frozen=True, eq=False):
    """The content of a results folder."""

    frame: pd.DataFrame  # COLUMNS
    benchmarks: Mapping[str, Benchmark]  # as benchmarks.json declares them today
    machines: tuple[Machine, ...]
    problems: tuple[str, ...] = ()  # sentences: a file that could not be used, and the remedy
    left_out: int = 0  # files that could not be used
    remarks: Mapping[str, str] = {}  # by benchmark: how its parameters changed

    @property
    def commits(self) -> dict[str, datetime]:
        """Every commit with a result and its date as asv wrote it."""
        first = self.frame.drop_duplicates("commit").sort_values("commit")
        return dict(zip(first["commit"], first["date"].dt.to_pydatetime(), strict=True))


def of_machine(results: Results, machine: str, names: Set[str]) -> Results:
    """``results`` of one machine alone, which has ``names`` in them; all of them where ``machine`` is empty.

    Raises:
        UsageError: it has none; the message names the machines that have.
    """
    if not machine:
        return results
    rows = results.frame[results.frame["machine"].isin(names)]
    if rows.empty:
        raise nothing_of("--machine", machine, results.frame["machine"].unique())
    frame = rows.assign(machine=rows["machine"].cat.remove_unused_categories())
    return replace(results, frame=frame, machines=tuple(each for each in results.machines if each.name in names))


def nothing_of(option: str, name: str, known: Iterable[str], kind: str = "result") -> UsageError:
    """The refusal of a machine or an environment of which nothing is stored; it names those that there are."""
    names = words.named(sorted(map(str, known)), MOST_NAMED)
    return UsageError(f"{option} {name}: no {kind} is of it; there are {kind}s of {names}")


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame``. Raises TypeError unless it has exactly COLUMNS, in their order."""
    dtypes = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    if list(dtypes.items()) != list(COLUMNS.items()):
        raise TypeError(f"results: columns are {dtypes}, expected {COLUMNS}")
    return frame


def read_results(results_dir: Path, cache: bool = True) -> Results:
    """Everything under ``results_dir``; files that were read before are taken from the cache (``result_cache``).

    Raises:
        NothingMeasured: there is no folder or no usable result in it.
    """
    if not results_dir.is_dir():
        raise NothingMeasured(f"there is no results folder {results_dir}; {ASV_RUN}")
    problems: list[str] = []
    benchmarks = declarations(results_dir / "benchmarks.json", problems)
    machines, unread = _described_machines(results_dir)
    read = read_files(results_dir, cache)
    read = replace(read, problems=[*problems, *read.problems])
    return results_of_files(read, benchmarks, machines, unread, results_dir)


def results_of_files(
    read: ReadFiles,
    benchmarks: Mapping[str, Benchmark],
    machines: Mapping[str, Facts],
    problems_of_machines: Sequence[str],
    origin: object,
) -> Results:
    """The results in files that were read; ``machines`` has the facts of machine.json by the machine's name.

    ``origin`` is named where nothing can be used. Raises NothingMeasured then.
    """
    problems = list(read.problems)
    files = _within_bounds(read.files, problems)
    if not any(len(file.value) for file in files):
        detail = f" ({problems[0]})" if problems else ""
        raise NothingMeasured(f"no asv result under {origin}{detail}; {ASV_RUN}")
    recorded = list(dict.fromkeys(benchmark for file in files for benchmark in file.benchmarks))
    declared = [benchmarks.get(benchmark.name) or benchmark_from_name(benchmark.name) for benchmark in recorded]
    problems += _first(list(filter(None, map(never_runs, dict.fromkeys(declared)))), "no body runs of")
    cells = [named(benchmark.parameters, today) for benchmark, today in zip(recorded, declared, strict=True)]
    remarks = parameter_remarks(files, dict(zip(recorded, zip(declared, cells, strict=True), strict=True)))
    problems += _first([f"{name}: {remark}" for name, remark in remarks.items()], "parameters changed of")
    heads = [file.head for file in files]
    left_out = read.left_out + len(read.files) - len(files)
    frame = _without_repeated(_frame(files, recorded, declared, cells), heads, problems)
    problems += problems_of_machines
    return Results(frame, benchmarks, _machines(machines, heads), tuple(problems), left_out, remarks)


def _within_bounds(files: Sequence[ResultFile], problems: list[str]) -> list[ResultFile]:
    """``files`` up to MOST_SERIES and MOST_VALUES together, in their order."""
    within: list[ResultFile] = []
    series: set[tuple[RecordedBenchmark, str, str]] = set()
    cells = values = 0
    for file in files:
        of_file = {(benchmark, file.head.machine, file.head.environment) for benchmark in file.benchmarks} - series
        more = sum(benchmark.size for benchmark, _, _ in of_file)
        if cells + more <= MOST_SERIES and values + len(file.value) <= MOST_VALUES:
            series |= of_file
            cells, values = cells + more, values + len(file.value)
            within.append(file)
    if beyond := len(files) - len(within):
        problems.append(
            f"{beyond} result files were left out: together they have more than {MOST_SERIES:,} series or "
            f"{MOST_VALUES:,} values; split the folder, or move out of it what was not meant"
        )
    return within


def _frame(
    files: Sequence[ResultFile],
    recorded: Sequence[RecordedBenchmark],
    declared: Sequence[Benchmark],
    cells: Sequence[NamedCells],
) -> pd.DataFrame:
    """The values of ``files`` in their order; of each recorded benchmark its declaration of today and its cells."""
    index_of = {benchmark: index for index, benchmark in enumerate(recorded)}
    counts = np.concatenate([file.counts for file in files])
    of_row = np.array([index_of[benchmark] for file in files for benchmark in file.benchmarks], np.int64)
    first_cells = np.cumsum([0, *(len(several.cells) for several in cells)])[of_row]
    # The rows of one benchmark in one file are the first of its cells, in order.
    cell = np.arange(counts.sum()) + np.repeat(first_cells - (np.cumsum(counts) - counts), counts)
    benchmark = np.repeat(of_row, counts)
    run = np.repeat(np.arange(len(files)), [len(file.value) for file in files])
    value = np.concatenate([file.value for file in files])
    heads = [file.head for file in files]
    columns = {
        "benchmark": category(benchmark, [known.name for known in recorded]),
        "parameters": category(cell, [parameters for several in cells for parameters in several.cells]),
        "machine": category(run, [head.machine for head in heads]),
        "environment": category(run, [head.environment for head in heads]),
        "commit": category(run, [head.commit for head in heads]),
        "date": _moments(np.array([head.date_ms for head in heads], np.float64))[run],
        "outcome": category(np.where(np.isinf(value), 1, np.where(np.isnan(value), 2, 0)), _OUTCOMES),
        "value": np.where(np.isinf(value), np.nan, value),
        "q25": np.concatenate([file.q25 for file in files]),
        "q75": np.concatenate([file.q75 for file in files]),
        "number": np.concatenate([file.number for file in files]),
        "version": category(benchmark, [known.version for known in recorded]),
        "unit": category(benchmark, [today.unit for today in declared]),
        "type": category(benchmark, [today.type for today in declared]),
        "python": category(run, [head.python for head in heads]),
        "requirements": category(run, [head.requirements for head in heads]),
        "hardware": category(run, [head.hardware for head in heads]),
        "started": _moments(np.concatenate([file.started_ms for file in files])).repeat(counts),
    }
    return checked(pd.DataFrame(columns, copy=False))


def category(codes: Indices, items: Sequence[object]) -> pd.Categorical:
    """The column of ``items[code]``. Equal items become one category, unused ones none; categories are sorted."""
    is_used = np.bincount(codes, minlength=len(items)) > 0
    categories: list[object] = sorted({item for item, used in zip(items, is_used.tolist(), strict=True) if used})  # type: ignore[type-var]  # texts, or tuples of texts
    code_of = {item: code for code, item in enumerate(categories)}
    of_item = np.array([code_of.get(item, -1) for item in items], np.int32)
    return pd.Categorical.from_codes(of_item[codes], pd.Index(categories, dtype=object, tupleize_cols=False))


def _moments(milliseconds: NDArray[np.float64]) -> pd.DatetimeIndex:
    """Milliseconds since 1970 in UTC; NaN becomes NaT."""
    is_known = np.isfinite(milliseconds)
    moments = np.where(is_known, milliseconds, 0).astype("datetime64[ms]")
    moments[~is_known] = np.datetime64("NaT")
    return pd.DatetimeIndex(moments, tz="UTC")


def _without_repeated(frame: pd.DataFrame, heads: Sequence[ResultHead], problems: list[str]) -> pd.DataFrame:
    """``frame`` with one row for each value of a run that is in two files: that of the file that sorts last."""
    if len({(head.machine, head.environment, head.commit) for head in heads}) == len(heads):
        return frame
    is_repeated = frame.duplicated([*SERIES, "commit"], keep="last")
    if not is_repeated.any():
        return frame
    commits = ", ".join(sorted({short_hash(commit) for commit in frame["commit"][is_repeated].unique()})[:3])
    problems.append(
        f"{is_repeated.sum()} values are in two files of one run (commits {commits}); the file that sorts last "
        "was used: move the one that is not wanted out of the folder"
    )
    return with_used_categories(frame[~is_repeated].reset_index(drop=True))


def with_used_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` without the categories that no row has."""
    texts = [name for name, dtype in COLUMNS.items() if dtype == "category"]
    return frame.assign(**{name: frame[name].cat.remove_unused_categories() for name in texts})


def _first(sentences: Sequence[str], rest: str) -> list[str]:
    more = len(sentences) - MOST_REMARKS
    return [*sentences[:MOST_REMARKS], *([f"{rest} {more} more benchmarks"] if more > 0 else [])]


def _machines(described: Mapping[str, Facts], heads: Sequence[ResultHead]) -> tuple[Machine, ...]:
    """Every machine with results: as asv's machine.json describes it, or else its newest run."""
    newest: dict[str, ResultHead] = {}
    for head in heads:
        if head.machine not in newest or head.date_ms >= newest[head.machine].date_ms:
            newest[head.machine] = head
    return tuple(_machine(name, described.get(name) or newest[name].facts) for name in sorted(newest))


def _described_machines(results_dir: Path) -> tuple[Mapping[str, Facts], Sequence[str]]:
    """The facts of each machine.json by the machine's name, and a sentence on each that cannot be read."""
    described: dict[str, Facts] = {}
    problems = []
    for path in sorted(folder / "machine.json" for folder in results_dir.iterdir()):
        if not os.path.lexists(path):
            continue
        content = read_json(path)
        if isinstance(content, dict):
            described |= machine_described(content, path.parent.name)
        else:
            problems.append(f"{path} cannot be read; run `asv machine` on that machine again")
    return described, problems


def machine_described(content: Mapping[str, object], folder: str) -> dict[str, Facts]:
    """The facts in a machine.json by the machine's name; empty where it has none."""
    facts = facts_of(content)
    return {str(content.get("machine") or folder): facts} if facts else {}


def _machine(name: str, facts: Facts) -> Machine:
    shown = ((fact_name(key), memory(value) if key == "ram" else value) for key, value in facts)
    return Machine(name, tuple(shown))
