"""asv's results folder → one table.

Takes a results folder as ``asv run`` writes it (``<machine>/<commit>-<environment>.json``, ``machine.json`` beside
them, ``benchmarks.json`` above). Gives every value of every run; what could not be used is said in ``problems``, never
fatal. Which values form a series, and what moved, is left to ``tbp.history``. asv itself is not needed: its classes
promise no stability, its files do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from msgspec import Struct

from tbp.asv.declarations import Benchmark, benchmark_from_name, declarations, read_json
from tbp.asv.parameter_remarks import parameter_remarks
from tbp.asv.parameters import named
from tbp.asv.result_files import Facts, Run, facts_of, memory
from tbp.asv.result_folder import Reading
from tbp.asv.result_table import Table, Value, chosen_rows, moment, repeated_rows, table_of_files
from tbp.errors import NothingMeasured
from tbp.model.runs import Machine, fact_name

MOST_REMARKS = 3  # on parameters, told among the problems; each stands on its benchmark's page too
ASV_RUN = "run `asv run` in the project, or pass the folder that asv.conf.json calls results_dir"


class Results(Struct, frozen=True):
    """What a results folder holds. ``benchmarks`` is what benchmarks.json declares today."""

    points: Table
    benchmarks: Mapping[str, Benchmark]
    machines: tuple[Machine, ...]
    problems: tuple[str, ...] = ()  # sentences: which file could not be used and what to do
    left_out: int = 0  # files that could not be used
    remarks: Mapping[str, str] = {}  # by benchmark: how its parameters changed

    def values(self) -> Iterator[Value]:
        """The rows of ``points``, each as a value."""
        return self.points.values()

    @property
    def commits(self) -> dict[str, datetime]:
        """Every commit with a result and its date as asv wrote it."""
        own = self.points.commit
        codes, first = np.unique(own.codes, return_index=True)
        dates_ms = self.points.date_ms[first].tolist()
        return {own.items[code]: moment(date_ms) for code, date_ms in zip(codes.tolist(), dates_ms, strict=True)}


def read_results(results_dir: Path, cache: bool = True) -> Results:
    """Everything under ``results_dir``, with what was read before taken from the cache (see ``result_cache``).

    Raises:
        NothingMeasured: there is no folder or no usable result in it.
    """
    return results_of(Reading(results_dir, cache=cache))


def results_of(reading: Reading) -> Results:
    """Everything in a folder that is being read. Raises as ``read_results``."""
    results_dir = reading.results_dir
    if not results_dir.is_dir():
        raise NothingMeasured(f"there is no results folder {results_dir}; {ASV_RUN}")
    problems: list[str] = []
    benchmarks = declarations(results_dir / "benchmarks.json", problems)
    files, grids, said, left_out = reading.files
    problems += said
    if not files.cells.size:
        detail = f" ({problems[0]})" if problems else ""
        raise NothingMeasured(f"no asv result under {results_dir}{detail}; {ASV_RUN}")
    declared = [benchmarks.get(grid.benchmark) or benchmark_from_name(grid.benchmark) for grid in grids]
    is_used = np.bincount(files.grids, minlength=len(grids)) > 0  # the cache knows those of files that are gone, too
    names = [
        named(own.parameters, of) if used else None for own, of, used in zip(grids, declared, is_used, strict=True)
    ]
    points = table_of_files(files, grids, declared, names)
    remarks = parameter_remarks(files, declared, names)
    problems += _first([f"{name}: {remark}" for name, remark in remarks.items()])
    repeated = repeated_rows(points, files)
    if repeated.any():
        commits = ", ".join(sorted({commit[:8] for commit in chosen_rows(points, repeated).commit.items})[:3])
        problems.append(
            f"{int(repeated.sum())} values are in two files of one run (commits {commits}); the file that sorts last "
            "was used: move the one that is not wanted out of the folder"
        )
        points = chosen_rows(points, ~repeated)
    machines = _machines(results_dir, files.runs, problems)
    return Results(points, benchmarks, machines, tuple(problems), left_out, remarks)


def _first(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - MOST_REMARKS
    return [*sentences[:MOST_REMARKS], *([f"the parameters of {more} more benchmarks changed"] if more > 0 else [])]


def _machines(results_dir: Path, runs: Sequence[Run], problems: list[str]) -> tuple[Machine, ...]:
    """One entry per machine with results: what asv's machine.json says of it, or else its newest run."""
    newest: dict[str, Run] = {}
    for run in runs:
        if run.machine not in newest or run.date_ms >= newest[run.machine].date_ms:
            newest[run.machine] = run
    details = {name: _machine(name, run.hardware) for name, run in newest.items()}
    for path in sorted(results_dir.glob("*/machine.json")):
        content = read_json(path)
        if not isinstance(content, dict):
            problems.append(f"{path} cannot be read; run `asv machine` on that machine again")
            continue
        name = str(content.get("machine") or path.parent.name)
        if name in details and (facts := facts_of(content)):
            details[name] = _machine(name, facts)
    return tuple(details[name] for name in sorted(details))


def _machine(name: str, facts: Facts) -> Machine:
    known = ((fact_name(key), memory(value) if key == "ram" else value) for key, value in facts)
    return Machine(name, tuple(known))
