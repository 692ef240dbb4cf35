"""asv's results folder → one table.

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
from operator import attrgetter
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

import numpy as np

from tbp.asv.declarations import Benchmark, declarations, read_json
from tbp.asv.result_cache import WORTH_BYTES, Cached, Entry, Identity, cache_file, load, save
from tbp.asv.result_content import UnusableFile
from tbp.asv.result_files import Grids, Hardware, Read, Reader, ResultFile, memory, result_files
from tbp.asv.result_table import Table, Value, chosen_rows, moment, repeated_rows, table_of_files
from tbp.errors import NothingMeasured
from tbp.report.model import Machine

NOT_RESULTS = {"machine.json", "benchmarks.json"}
LARGE_BYTES = 1_000_000  # some 10,000 values, a third of a second of one core
BATCH_BYTES = 50_000_000  # of JSON: some 200 MB while they are being read
ASV_RUN = "run `asv run` in the project, or pass the folder that asv.conf.json calls results_dir"


@dataclass(frozen=True)
class Results:
    """What a results folder holds. ``benchmarks`` is what benchmarks.json declares today."""

    points: Table
    benchmarks: Mapping[str, Benchmark]
    machines: tuple[Machine, ...]
    problems: tuple[str, ...] = ()  # sentences: which file could not be used and what to do
    left_out: int = 0  # files that could not be used

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
    if not results_dir.is_dir():
        raise NothingMeasured(f"there is no results folder {results_dir}; {ASV_RUN}")
    problems: list[str] = []
    benchmarks = declarations(results_dir / "benchmarks.json", problems)
    files, grids, left_out = _files(results_dir, cache, problems)
    if not any(file.cell for file in files):
        detail = f" ({problems[0]})" if problems else ""
        raise NothingMeasured(f"no asv result under {results_dir}{detail}; {ASV_RUN}")
    points = table_of_files(files, grids.all, benchmarks)
    repeated = repeated_rows(points, files, grids.all)
    if repeated.any():
        commits = ", ".join(sorted({commit[:8] for commit in chosen_rows(points, repeated).commit.items})[:3])
        problems.append(
            f"{int(repeated.sum())} values are in two files of one run (commits {commits}); the file that sorts last "
            "was used: delete the other"
        )
        points = chosen_rows(points, ~repeated)
    return Results(points, benchmarks, _machines(results_dir, files, problems), tuple(problems), left_out)


class _Found(NamedTuple):
    """A file that should be a result."""

    folder: str  # of its machine, below the results folder
    name: str
    path: str
    identity: Identity
    key: bytes  # in the cache


def _files(results_dir: Path, cache: bool, problems: list[str]) -> tuple[list[ResultFile], Grids, int]:
    """What every usable file says, in order of their paths, and how many were not."""
    seen_ns = time.time_ns()
    found = _found(results_dir)
    is_worth = sum(own.identity.size for own in found) >= WORTH_BYTES
    kept_in = cache_file(results_dir) if cache and is_worth else None
    cached = load(kept_in, results_dir) if kept_in is not None else Cached(b"")
    reader = Reader(cached.grids)
    entries: dict[bytes, Entry] = {own.key: entry for own in found if (entry := _known(cached, own)) is not None}
    left_out = 0
    for batch in _batches([own for own in found if own.key not in entries]):
        read: dict[_Found, Read] = {}
        for own in batch:
            try:
                read[own] = reader.read(own.name, own.folder, _content(own.path))
            except UnusableFile as error:
                problems.append(
                    f"{own.path} was left out: it {error}; delete it and run `asv run` again for its commit"
                )
                left_out += 1
        for own, file in zip(read, result_files(list(read.values())), strict=True):
            entries[own.key] = Entry(own.identity, file)
    files = [entries[own.key].file for own in found if own.key in entries]
    problems += [f"{own.path}: {problem}" for own in found for problem in _problems(entries.get(own.key))]
    settled = {name: entry for name, entry in entries.items() if entry.identity.is_settled(seen_ns)}
    if kept_in is not None and settled != cached.entries:
        save(kept_in, results_dir, reader.grids, settled)
    return files, reader.grids, left_out


def _known(cached: Cached, own: _Found) -> Entry | None:
    entry = cached.entries.get(own.key)
    return entry if entry is not None and entry.identity == own.identity else None


def _problems(entry: Entry | None) -> tuple[str, ...]:
    return entry.file.problems if entry is not None else ()


def _batches(found: Sequence[_Found]) -> Iterator[list[_Found]]:
    """Files read at a time: the lists of numbers of more would fill the memory."""
    batch: list[_Found] = []
    size = 0
    for own in found:
        batch.append(own)
        size += own.identity.size
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _found(results_dir: Path) -> list[_Found]:
    """The files that should be results, sorted. One that vanishes meanwhile was replaced by asv: it is not there."""
    found = []
    for folder in _entries(str(results_dir)):
        for file in _entries(folder.path) if folder.is_dir() else ():
            if file.name.endswith(".json") and file.name not in NOT_RESULTS:
                with contextlib.suppress(OSError):
                    stat = file.stat()
                    if S_ISREG(stat.st_mode):
                        found.append(
                            _Found(folder.name, file.name, file.path, Identity.of(stat), _key(folder.name, file.name))
                        )
    return found


def _key(folder: str, name: str) -> bytes:
    return os.fsencode(f"{folder}{os.sep}{name}")


def is_large(results_dir: Path) -> bool:
    """Whether it will take long enough to read and to judge that other processes are worth their start.

    Told by the number of files and the size of one of them.
    """
    for folder in _entries(str(results_dir)):
        files = _entries(folder.path) if folder.is_dir() else []
        with contextlib.suppress(OSError):
            if files and len(files) * files[0].stat().st_size > LARGE_BYTES:
                return True
    return False


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=attrgetter("name"))
    except OSError:
        return []


def _content(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - thousands of files: a Path of each takes as long
            return file.read()
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
