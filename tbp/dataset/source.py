"""A store as a source of results: what every verb starts from, made of its tables.

Takes a store and a project in it, gives ``Results``, ``Sessions`` and ``Ratios``, equal to those of the results folder
that was ingested. Nothing after them knows where they came from.
"""

from __future__ import annotations

import atexit
import gzip
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial, reduce
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from msgspec import Struct

from tbp.asv.declarations import Benchmark, declared_in, json_in
from tbp.asv.ratios import Ratios, decoded_ratios, merged_ratios, ratios_in
from tbp.asv.reasons import decoded_reasons, merged_reasons, reasons_in
from tbp.asv.result_file import Facts
from tbp.asv.results import Results, machine_described, results_of_files
from tbp.asv.session_files import UnusableSession, named_trace, session_in
from tbp.asv.sessions import Session, Sessions
from tbp.dataset.back import result_files
from tbp.dataset.database import Database, Wanted, opened
from tbp.dataset.files import StoreFiles
from tbp.dataset.parts import LiveFiles, required
from tbp.errors import UnreadableInput, UsageError
from tbp.traces.operator_files import GZIP_LEVEL
from tbp.traces.recording import operators_path
from tbp.wording import words

MOST_NAMED = 5  # projects that a message names


class StoreSource(Struct, frozen=True, dict=True):
    """One project of a store, or a part of it."""

    store: StoreFiles
    live: LiveFiles
    wanted: Wanted

    @property
    def project(self) -> str:
        return self.wanted.project

    @cached_property
    def folder(self) -> Path:
        """The results folder that was ingested, where it is the only one; else a path that has only a name."""
        with self._opened("runs") as database:
            folders = database.rows("SELECT DISTINCT folder FROM runs")["folder"].to_pylist()
        return Path(folders[0]) if len(folders) == 1 else Path(self.project)

    def results(self) -> Results:
        """The results. Raises NothingMeasured where none is wanted, and UnreadableInput."""
        with self._opened("runs", "points", "grids", "records") as database:
            read = result_files(database, self.live.problems)
            benchmarks = _declared(_newest(database, "benchmarks"))
            machines = _machines(_newest(database, "machine"))
        return results_of_files(read, benchmarks, machines, (), self.store)

    def sessions(self) -> Sessions:
        """The sessions, those of the ruler with asv's reasons."""
        sessions: list[Session] = []
        problems: list[str] = []
        with self._opened("sessions", "recordings", "records") as database:
            condition, values = self.wanted.condition
            rows = database.rows(f"SELECT folder, path, content FROM sessions WHERE {condition}", values).to_pylist()
            find = partial(_trace, tables=_Recordings(database))
            for row in sorted(rows, key=_by_path):
                path = _path(row)
                try:
                    session, missing = session_in(row["content"], path, find)
                except UnusableSession as error:
                    problems.append(f"{path} was left out: it {error}")
                    continue
                sessions.append(session)
                problems += missing
            files = _merged(_all(database, "reasons"), merged_reasons)
        reasons = reasons_in((path, decoded_reasons(content)) for path, content in files)
        return Sessions(tuple(sessions), (*problems, *reasons.problems), reasons)

    def ratios(self) -> Ratios:
        """The ratios that nights measured."""
        with self._opened("records") as database:
            files = _merged(_all(database, "ratios"), merged_ratios)
        return ratios_in((path, decoded_ratios(content)) for path, content in files)

    @contextmanager
    def _opened(self, *tables: str) -> Iterator[Database]:
        """A block with the database. Raises UnreadableInput where a row is none that an ingest writes."""
        try:
            with opened(self.store, self.live, self.wanted, tables) as database:
                yield database
        except (msgspec.DecodeError, LookupError, ValueError, TypeError, OverflowError) as error:
            raise UnreadableInput(
                f"the store {self.store} holds what no ingest writes ({error}); ingest the results into a new one"
            ) from None


def store_source(uri: str, project: str = "", likely: str = "") -> StoreSource:
    """The results of ``project`` in the store at ``uri``; of ``likely`` or the only one where none is named.

    Raises:
        NothingMeasured: there is no store.
        UsageError: the project is not in it, or there are several.
    """
    store = StoreFiles(uri)
    live = required(store)
    known = live.projects
    listed = words.named(known, MOST_NAMED)
    if project and project not in known:
        raise UsageError(f"--project {project}: the store {store} has results of {listed}; name one of these")
    chosen = project or (likely if likely in known else "") or (known[0] if len(known) == 1 else "")
    if not chosen:
        raise UsageError(f"the store {store} has results of {listed}: say --project NAME")
    return StoreSource(store, live, Wanted(chosen))


def _by_path(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The order of files in a results folder: by folder, then by name."""
    return tuple(row["path"].split("/"))


def _path(row: Mapping[str, Any]) -> Path:
    """The path of a file where it was ingested from; never one outside of that folder, whoever wrote the store."""
    parts = [part for part in PurePosixPath(row["path"].replace("\0", "")).parts if part not in ("/", "..")]
    return Path(row["folder"].replace("\0", ""), *parts)


def _newest(database: Database, kind: str) -> list[dict[str, Any]]:
    rows = database.rows("SELECT folder, path, content FROM records WHERE kind = ?", [kind]).to_pylist()
    return sorted(rows, key=_by_path)


def _all(database: Database, kind: str) -> list[dict[str, Any]]:
    """All versions of the files of a kind, of one content once, those that were ingested last first."""
    query = (
        "SELECT folder, path, content FROM all_records WHERE kind = ? "
        "QUALIFY row_number() OVER (PARTITION BY path, file_key ORDER BY ingested DESC) = 1 "
        "ORDER BY ingested DESC, file_key"
    )
    return sorted(database.rows(query, [kind]).to_pylist(), key=_by_path)


def _merged(rows: Iterable[dict[str, Any]], merge: Any) -> list[tuple[Path, bytes]]:
    """Each file once: what all of its versions have."""
    versions: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        versions.setdefault(row["path"], []).append(row)
    return [(_path(rows[0]), reduce(merge, (row["content"] for row in rows))) for rows in versions.values()]


def _declared(rows: Iterable[dict[str, Any]]) -> dict[str, Benchmark]:
    contents = [json_in(row["content"]) for row in rows]
    return {
        name: each for content in contents if isinstance(content, dict) for name, each in declared_in(content).items()
    }


def _machines(rows: Iterable[dict[str, Any]]) -> dict[str, Facts]:
    described: dict[str, Facts] = {}
    for row in rows:
        content = json_in(row["content"])
        if isinstance(content, dict):
            described |= machine_described(content, row["path"].partition("/")[0])
    return described


class _Recordings:
    """Operator tables of a store as files, each made when it is asked for, for as long as this process lives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._database.rows("SELECT path FROM recordings")["path"].to_pylist())

    @cached_property
    def _folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="tbp-store-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def file(self, path: str) -> Path | None:
        """The table that was ingested for a path below a results folder; None where there is none."""
        if path not in self._known:
            return None
        rows = self._database.rows("SELECT folder, path, content FROM recordings WHERE path = ?", [path]).to_pylist()
        file = _path({**rows[0], "folder": str(self._folder)})
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(rows[0]["content"], GZIP_LEVEL, mtime=0))
        return file


def _trace(name: str | None, note: str, path: Path, tables: _Recordings) -> tuple[Path | None, str]:
    """The trace where it was ingested from; where it is no more, the table of its operators."""
    trace, why = named_trace(name, note, path)
    if trace is not None or name is None:
        return trace, why
    table = tables.file("/".join(operators_path(path.with_name(name)).parts[-4:]))
    return (table, "") if table is not None else (None, why)
