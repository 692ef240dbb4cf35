"""asv's results folder → one checked frame.

Takes a results folder as ``asv run`` writes it (``<machine>/<commit>-<environment>.json``, ``machine.json`` beside
them, ``benchmarks.json`` above). Gives every value of every run; what could not be used is said in ``problems``, never
fatal. Which values form a series, and what moved, is left to ``tbp.history``. asv itself is not needed: its classes
promise no stability, its files do.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_ISREG

import pandas as pd

from tbp.asv.declarations import Benchmark, declarations, read_json
from tbp.asv.result_cache import WORTH_BYTES, Cached, Entry, Identity, cache_file, load, save
from tbp.asv.result_content import UnusableFile
from tbp.asv.result_files import Grids, Hardware, ResultFile, memory, read_result_file
from tbp.asv.result_frame import COLUMNS, Value, frame_of_files, repeated_rows, rows_of_frame
from tbp.errors import NothingMeasured
from tbp.report.model import Machine

NOT_RESULTS = {"machine.json", "benchmarks.json"}
ASV_RUN = "run `asv run` in the project, or pass the folder that asv.conf.json calls results_dir"


@dataclass(frozen=True)
class Results:
    """What a results folder holds. ``points`` has COLUMNS; ``benchmarks`` is what benchmarks.json declares today."""

    points: pd.DataFrame
    benchmarks: Mapping[str, Benchmark]
    machines: tuple[Machine, ...]
    problems: tuple[str, ...] = ()  # sentences: which file could not be used and what to do
    left_out: int = 0  # files that could not be used

    def __post_init__(self) -> None:
        wrong = {name: kind for name, kind in COLUMNS.items() if str(self.points.dtypes.get(name)) != kind}
        if wrong or len(self.points.columns) != len(COLUMNS):
            raise TypeError(f"results frame: expected {COLUMNS}, got {dict(self.points.dtypes)}")

    def values(self) -> Iterator[Value]:
        """The rows of ``points``, each as a value."""
        return rows_of_frame(self.points)

    @property
    def commits(self) -> dict[str, datetime]:
        """Every commit with a result and its date as asv wrote it."""
        pairs = self.points.drop_duplicates("commit")
        return {str(name): date.to_pydatetime() for name, date in zip(pairs["commit"], pairs["date"], strict=True)}


def read_results(results_dir: Path, cache: bool = True) -> Results:
    """Everything under ``results_dir``, with what was read before taken from the cache (see ``result_cache``).

    Raises:
        NothingMeasured: there is no folder or no usable result in it.
    """
    if not results_dir.is_dir():
        raise NothingMeasured(f"there is no results folder {results_dir}; {ASV_RUN}")
    problems: list[str] = []
    benchmarks = declarations(results_dir / "benchmarks.json", problems)
    files, grids, left_out = _files(results_dir, cache, problems)
    if not any(file.cell for file in files):
        detail = f" ({problems[0]})" if problems else ""
        raise NothingMeasured(f"no asv result under {results_dir}{detail}; {ASV_RUN}")
    points = frame_of_files(files, grids.all, benchmarks)
    repeated = repeated_rows(points, files, grids.all)
    if repeated.any():
        commits = ", ".join(sorted({str(commit)[:8] for commit in points.loc[repeated, "commit"]})[:3])
        problems.append(
            f"{int(repeated.sum())} values are in two files of one run (commits {commits}); the file that sorts last "
            "was used: delete the other"
        )
        points = points[~repeated].reset_index(drop=True)
    return Results(points, benchmarks, _machines(results_dir, files, problems), tuple(problems), left_out)


def _files(results_dir: Path, cache: bool, problems: list[str]) -> tuple[list[ResultFile], Grids, int]:
    """What every usable file says, in order of their paths, and how many were not."""
    seen_ns = time.time_ns()
    found = _result_paths(results_dir)
    is_worth = sum(identity.size for _, identity in found) >= WORTH_BYTES
    kept_in = cache_file(results_dir) if cache and is_worth else None
    cached = load(kept_in, results_dir) if kept_in is not None else Cached(b"")
    grids = Grids(cached.grids)
    entries: dict[bytes, Entry] = {}
    left_out = 0
    for path, identity in found:
        name = os.fsencode(path.relative_to(results_dir))
        entry = cached.entries.get(name)
        try:
            if entry is None or entry.identity != identity:
                entry = Entry(identity, read_result_file(path, _content(path), grids))
        except UnusableFile as error:
            problems.append(f"{path} was left out: it {error}; delete it and run `asv run` again for its commit")
            left_out += 1
            continue
        entries[name] = entry
        problems += [f"{path}: {problem}" for problem in entry.file.problems]
    settled = {name: entry for name, entry in entries.items() if entry.identity.is_settled(seen_ns)}
    if kept_in is not None and settled != cached.entries:
        save(kept_in, results_dir, grids, settled)
    return [entry.file for entry in entries.values()], grids, left_out


def _result_paths(results_dir: Path) -> list[tuple[Path, Identity]]:
    """The files that should be results, sorted. One that vanishes meanwhile was replaced by asv: it is not there."""
    found = []
    for path in sorted(results_dir.glob("*/*.json")):
        if path.name not in NOT_RESULTS:
            with contextlib.suppress(OSError):
                stat = path.stat()
                if S_ISREG(stat.st_mode):
                    found.append((path, Identity.of(stat)))
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableFile(f"cannot be opened ({error.strerror})") from None


def _machines(results_dir: Path, files: Sequence[ResultFile], problems: list[str]) -> tuple[Machine, ...]:
    """One entry per machine with results: what asv's machine.json says of it, or else its newest run."""
    newest = sorted((file.run for file in files), key=lambda run: run.date_ms)
    details = {run.machine: _machine(run.machine, run.hardware) for run in newest}
    for path in sorted(results_dir.glob("*/machine.json")):
        content = read_json(path)
        if not isinstance(content, dict):
            problems.append(f"{path} cannot be read; run `asv machine` on that machine again")
            continue
        name = str(content.get("machine") or path.parent.name)
        hardware = Hardware(*(str(content.get(key) or "") for key in Hardware.__struct_fields__))
        if name in details and hardware != Hardware():
            details[name] = _machine(name, hardware)
    return tuple(details[name] for name in sorted(details))


def _machine(name: str, hardware: Hardware) -> Machine:
    return Machine(name, hardware.cpu, hardware.num_cpu, memory(hardware.ram), hardware.os)
