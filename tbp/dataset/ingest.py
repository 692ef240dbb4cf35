"""A results folder → rows of a store: what the store does not have yet, and nothing twice.

Takes a folder as asv and the ruler write it and a store, adds parts. A file is known by a digest of its path and its
bytes, so whoever ingests a folder again adds only what is new in it. Parts are added as soon as there is enough for
one, so that memory is bounded; whoever is killed loses the part that was not written yet, and the next ingest adds it.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.declarations import MOST_BYTES as MOST_RECORD_BYTES
from tbp.asv.declarations import declared_in, json_in
from tbp.asv.ratios import END as RATIOS_END
from tbp.asv.reasons import END as REASONS_END
from tbp.asv.result_cache import MOST_BYTES, parsed_files, result_key, result_sizes
from tbp.asv.result_file import ResultFile
from tbp.asv.results import ASV_RUN
from tbp.asv.session_files import SESSION_END, UnusableSession, named_trace, session_content, session_in
from tbp.asv.sessions import Session
from tbp.dataset.database import Wanted, opened
from tbp.dataset.files import StoreFiles, library
from tbp.dataset.parts import live_files, put_part
from tbp.dataset.rows import (
    Origin,
    StoredFile,
    file_key,
    grid_rows,
    operator_rows,
    point_rows,
    record_rows,
    run_rows,
    session_rows,
)  # fmt: skip
from tbp.errors import NothingMeasured, UnreadableTrace
from tbp.system.bounded import read_plain
from tbp.system.parallel import batched, mapped
from tbp.system.python_text import encodable
from tbp.system.store import key_of
from tbp.traces.calls.names import NameRule
from tbp.traces.known_traces import known_recording
from tbp.traces.operator_files import operator_bytes
from tbp.traces.recording import Recording, operators_path

if TYPE_CHECKING:
    import pyarrow as pa

# Values of one part. One of 500,000 takes some 150 MB while it is made, and is 15 MB on the disk; smaller parts make
# more files, which each reader has to open.
PART_POINTS = 500_000
PART_SESSIONS = 500  # of one part, with the operators of their traces: some 100 kB each
CHUNK_BYTES = 50_000_000  # of result files that are parsed together: half a second, and 200 MB
TRACE_S = 0.5  # to read one trace of usual size
# Files beside results by their kind. Sessions and traces have tables for themselves.
RECORDS = {
    "benchmarks": "benchmarks.json", "machine": "*/machine.json", "reasons": f"*/*{REASONS_END}",
    "ratios": f"*/*{RATIOS_END}",
}  # fmt: skip


class Ingested(Struct, frozen=True):
    """The account of one ingest of one folder."""

    project: str
    runs: int = 0
    points: int = 0
    sessions: int = 0
    recordings: int = 0
    known: int = 0  # files that the store had already
    problems: tuple[str, ...] = ()  # sentences: a file that could not be used, and the remedy


def ingest(store: StoreFiles, folder: Path, project: str, rules: tuple[NameRule, ...], now_ms: int) -> Ingested:
    """Adds what ``folder`` has and ``project`` in the store has not; ``rules`` are the project's, for operators.

    Raises:
        NothingMeasured: there is no such folder.
        UsageError: the extra is not installed, the address cannot be meant, or a newer tbp wrote the store.
        UnreadableInput: the store cannot be reached; the parts that were added before are whole.
    """
    if not folder.is_dir():
        raise NothingMeasured(f"there is no results folder {folder}; {ASV_RUN}")
    origin = Origin(project, encodable(str(folder.absolute())), now_ms)
    work = _Work(store, folder, origin, _known(store, project))
    work.add_results()
    work.add_records()
    work.add_sessions(rules)
    return work.ingested


class _Known(Struct, frozen=True):
    """The files that a store has of one project."""

    files: frozenset[int]  # keys of result files and sessions, in any version
    newest: Mapping[str, int]  # of other files: the key of the newest version, by path
    recordings: frozenset[str]  # paths of operator tables


def _known(store: StoreFiles, project: str) -> _Known:
    live = live_files(store)
    if project not in live.projects:
        return _Known(frozenset(), {}, frozenset())
    with opened(store, live, Wanted(project), ("runs", "sessions", "records", "recordings")) as database:
        keys = database.rows("SELECT file_key FROM all_runs UNION SELECT file_key FROM all_sessions")
        newest = database.rows("SELECT path, file_key FROM records").to_pylist()
        recordings = database.rows("SELECT path FROM recordings")["path"].to_pylist()
    return _Known(
        frozenset(keys["file_key"].to_pylist()),
        {row["path"]: row["file_key"] for row in newest},
        frozenset(recordings),
    )


class _Work:
    """One folder on its way into a store."""

    def __init__(self, store: StoreFiles, folder: Path, origin: Origin, known: _Known) -> None:
        self.store, self.folder, self.origin, self.known = store, folder, origin, known
        self.ingested = Ingested(origin.project)
        content = json_in(_read(folder / "benchmarks.json"))
        self._declared = declared_in(content) if isinstance(content, dict) else {}

    def add_results(self) -> None:
        """Adds the result files that are new, some of them at a time."""
        problems: list[str] = []
        sizes = result_sizes(self.folder, problems)
        new: list[tuple[StoredFile, ResultFile]] = []
        points = 0  # in those that are new
        for paths in batched(list(sizes), list(sizes.values()), CHUNK_BYTES):
            unknown = [path for path in paths if self._is_new(path)]
            for path, parsed in zip(unknown, parsed_files(unknown, [sizes[path] for path in unknown]), strict=True):
                if parsed.file is None:
                    problems.append(parsed.problem)
                else:
                    new.append((StoredFile(self._name(path), file_key(parsed.key)), parsed.file))
                    points += len(parsed.file.value)
                if points >= PART_POINTS:
                    self._put_results(new)
                    new, points = [], 0
        self._put_results(new)
        self._note(problems=problems)

    def _is_new(self, path: Path) -> bool:
        try:
            is_known = file_key(result_key(path, read_plain(path, MOST_BYTES))) in self.known.files
        except OSError:  # which is named among the problems when it is parsed
            return True
        self._note(known=int(is_known))
        return not is_known

    def _put_results(self, new: Sequence[tuple[StoredFile, ResultFile]]) -> None:
        if not new:
            return
        recorded = dict.fromkeys(benchmark for _, file in new for benchmark in file.benchmarks)
        points = point_rows(self.origin, new, self._declared)
        self._put({"runs": run_rows(self.origin, new), "grids": grid_rows(recorded), "points": points})
        self._note(runs=len(new), points=points.num_rows)

    def add_records(self) -> None:
        """Adds the files beside results, each where it is not as the store has it."""
        new: list[StoredFile] = []
        for kind, pattern in RECORDS.items():
            for path in sorted(self.folder.glob(pattern)):
                name, content = self._name(path), _read(path)
                key = file_key(key_of(name, content))
                if self.known.newest.get(name) == key:
                    self._note(known=1)
                elif content:
                    new.append(StoredFile(name, key, content, name.partition("/")[0] if "/" in name else "", kind))
        if new:
            self._put({"records": record_rows("records", self.origin, new)})

    def add_sessions(self, rules: tuple[NameRule, ...]) -> None:
        """Adds the sessions that are new, and the operators of their traces."""
        paths = sorted(self.folder.glob(f"*/*.traces/*/*{SESSION_END}"))
        problems: list[str] = []
        for several in batched(paths, [1] * len(paths), PART_SESSIONS):
            new = [each for path in several if (each := self._session(path, problems)) is not None]
            if new:
                self._put_sessions(new, rules, problems)
        self._note(problems=problems)

    def _session(self, path: Path, problems: list[str]) -> tuple[StoredFile, Session] | None:
        name = self._name(path)
        try:
            content = session_content(path)
            file = StoredFile(name, file_key(key_of(name, content)), content)
            if file.file_key in self.known.files:
                self._note(known=1)
                return None
            return file, session_in(content, path, named_trace)[0]
        except UnusableSession as error:
            problems.append(f"{path} was left out: it {error}")
            return None

    def _put_sessions(
        self, new: Sequence[tuple[StoredFile, Session]], rules: tuple[NameRule, ...], problems: list[str]
    ) -> None:
        traces = [self._name(session.trace) if session.trace is not None else None for _, session in new]
        session_of = {trace: session for _, session in new for trace in session.traces}
        wanted = [trace for trace in session_of if self._name(operators_path(trace)) not in self.known.recordings]
        recordings: list[StoredFile] = []
        operators: list[pa.Table] = []
        read = mapped(partial(_recording, rules=rules), wanted, seconds=len(wanted) * TRACE_S)
        for trace, recording in zip(wanted, read, strict=True):
            if isinstance(recording, str):
                problems.append(recording)
                continue
            name = self._name(operators_path(trace))
            content = gzip.decompress(operator_bytes(recording))
            file = StoredFile(name, file_key(key_of(name, content)), content, name.partition("/")[0], "operators")
            recordings.append(file)
            operators.append(operator_rows(self.origin, file, session_of[trace], self._name(trace), recording))
        tables = {"sessions": session_rows(self.origin, new, traces)}
        if recordings:
            tables |= {
                "recordings": record_rows("recordings", self.origin, recordings),
                "operators": library("pyarrow").concat_tables(operators),
            }
        self._put(tables)
        self._note(sessions=len(new), recordings=len(recordings))

    def _put(self, tables: Mapping[str, pa.Table]) -> None:
        project = self.origin.project
        put_part(self.store, ((table, project, rows) for table, rows in tables.items()), self.origin.at)

    def _name(self, path: Path) -> str:
        return encodable(path.relative_to(self.folder).as_posix())

    def _note(self, problems: Sequence[str] = (), **counts: int) -> None:
        more = {name: getattr(self.ingested, name) + count for name, count in counts.items()}
        self.ingested = replace(self.ingested, problems=(*self.ingested.problems, *problems), **more)


def _recording(path: Path, rules: tuple[NameRule, ...]) -> Recording | str:
    """The recording of a trace, or why there is none."""
    try:
        return known_recording(path, rules)
    except UnreadableTrace as error:
        return str(error)


def _read(path: Path) -> bytes:
    """The content of a file; empty where it cannot be read, which whoever reads the folder says."""
    try:
        return read_plain(path, MOST_RECORD_BYTES)
    except OSError:
        return b""
