"""A store as a database: DuckDB over its Parquet files, in which each stored file counts once.

Takes the files of a store, gives a connection with a view for each table. A file of a results folder may be stored
twice, by two ingests at the same time, or in two versions, as asv adds results to a file. The views have each value
once: of two versions, the benchmark that was started last.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tbp.dataset.files import StoreFiles, library
from tbp.dataset.parts import LiveFiles, StoredTableFile
from tbp.dataset.tables import SQL, TABLES, columns, schema
from tbp.errors import UnreadableInput

if TYPE_CHECKING:
    import pyarrow as pa

INTERNAL = ("file_key", "recorded", "cell", "position")  # columns that are for the way back into result files only
FILE = "in_file"  # the column of ``all_`` views that has the Parquet file of a row
# Of what DuckDB keeps in memory; it goes on on the disk. Half of the 2 GB that an ingest may take.
MEMORY = "1GB"
_SETTINGS = {
    "autoinstall_known_extensions": False, "autoload_known_extensions": False, "memory_limit": MEMORY,
}  # fmt: skip


class Wanted(Struct, frozen=True):
    """The part of a store that is read; empty: all of it. Files and row groups without it are not opened."""

    project: str = ""
    benchmarks: tuple[str, ...] = ()  # full names
    machine: str = ""  # asv's identifier
    environment: str = ""
    parameters: str | None = None  # of one series, as ``tbp.model.series.parameter_label`` has them
    months: tuple[str, str] | None = None  # the first and the last, of the commits' dates: ("2026-01", "2026-11")

    @property
    def condition(self) -> tuple[str, list[object]]:
        """The condition in SQL on rows of a series, and its values."""
        terms: list[str] = []
        values: list[object] = []
        for column, value in (
            ("project", self.project), ("machine", self.machine), ("environment", self.environment),
        ):  # fmt: skip
            if value:
                terms.append(f"{column} = ?")
                values.append(value)
        if self.parameters is not None:
            terms.append("parameters = ?")
            values.append(self.parameters)
        if self.benchmarks:
            terms.append(f"benchmark IN ({', '.join('?' * len(self.benchmarks))})")
            values += self.benchmarks
        return " AND ".join(terms) or "true", values


EVERYTHING = Wanted()


@cache
def _process() -> Any:
    """DuckDB in this process, of which each reader has a cursor with its views: to start it takes 25 ms."""
    spilled = str(Path(tempfile.gettempdir(), f"tbp-duckdb-{os.getpid()}"))  # made where it is needed, and removed
    connection = library("duckdb").connect(config={**_SETTINGS, "temp_directory": spilled})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


class Database:
    """A store, opened for one reader."""

    def __init__(
        self, store: StoreFiles, live: LiveFiles, wanted: Wanted, tables: Sequence[str], is_asked: bool
    ) -> None:
        self.store, self.live, self.wanted = store, live, wanted
        self.has_versions = False  # result files of which there are several, or that are stored twice
        self._tables, self._is_asked = tables, is_asked
        self._failure: type[Exception] = library("duckdb").Error
        self.connection = _process().cursor()
        if not (store.is_local or self.connection.filesystem_is_registered(store.protocol)):
            self.connection.register_filesystem(store.system)
        for table in tables:
            self._view(table)

    def rows(self, query: str, values: Sequence[object] = ()) -> pa.Table:
        """The answer to a query. Raises UnreadableInput where a file of the store is damaged."""
        with self._reading():
            return self.connection.sql(query, params=list(values)).to_arrow_table()

    def run(self, statement: str) -> None:
        """Makes a view or a table. Raises UnreadableInput as ``rows``."""
        with self._reading():
            self.connection.execute(statement)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except self._failure as error:
            first = str(error).partition("\n")[0]
            raise UnreadableInput(
                f"the store {self.store} cannot be read ({first}); remove the part of parts/ that names the file, "
                "and ingest its results again"
            ) from None

    def _view(self, table: str) -> None:
        """Makes the view of a table, of its live files; null in columns that are newer than a file."""
        wanted = self.wanted
        files = self.live.of(table, wanted.project, wanted.machine, wanted.months)
        if table == "changes":
            files = _newest_of_each_project(self.live, files)
        if not files:
            self.connection.register(f"empty_{table}", schema(table).empty_table())
            source, known = f"(SELECT *, '' AS {FILE} FROM empty_{table})", set(columns(table))
        else:
            source = f"read_parquet({_listed(map(self.store.address, (file.path for file in files)))}"
            source += f", filename = '{FILE}', union_by_name = {self.live.is_older})"
            known = self._columns(source) if self.live.is_older else set(columns(table))
        selected = ", ".join(
            _quoted(name) if name in known else f"CAST(NULL AS {SQL[kind]}) AS {_quoted(name)}"
            for name, kind in columns(table).items()
        )
        self.run(f"CREATE TEMP VIEW all_{table} AS SELECT {selected}, {FILE} FROM {source}")
        self._replace(table, f"all_{table}")

    def _columns(self, source: str) -> set[str]:
        return set(self.rows(f"DESCRIBE SELECT * FROM {source}")["column_name"].to_pylist())

    def count_once(self) -> None:
        """Makes the views leave out what is stored twice, and versions of which there are newer ones."""
        for table in {"records", "recordings", "sessions"}.intersection(self._tables):
            self._replace(table, f"all_{table} QUALIFY {_NEWEST_OF_PATH} = 1")
        if "operators" in self._tables and self._is_any(_SEVERAL.format("recordings", "project, path")):
            self.run(f"CREATE TEMP TABLE old_tables AS {_OLD_TABLES}")
            self._settle("operators", "ANTI JOIN old_tables USING (file_key)")
        if "runs" in self._tables and self._is_any(_SEVERAL.format("runs", _RUN)):
            self.has_versions = True
            self.run(f"CREATE TEMP TABLE versions AS {_VERSIONS}")
            self._replace("runs", f"all_runs QUALIFY {_NEWEST_OF_RUN} = 1")
        if self.has_versions and "points" in self._tables:
            self.run(f"CREATE TEMP TABLE old_blocks AS {_OLD_BLOCKS}")
            self._settle("points", "ANTI JOIN old_blocks USING (file_key, benchmark)")

    def _replace(self, table: str, source: str) -> None:
        shown = ", ".join(_quoted(name) for name in columns(table) if not (self._is_asked and name in INTERNAL))
        self.run(f"CREATE OR REPLACE TEMP VIEW {table} AS SELECT {shown} FROM {source}")

    def _is_any(self, query: str) -> bool:
        return bool(self.rows(query).num_rows)

    def _settle(self, table: str, versions: str) -> None:
        """Makes a view leave out what ``versions`` says, and all but one copy of what is in several Parquet files."""
        copied = f"copied_{table}"
        self.run(
            f"CREATE TEMP TABLE {copied} AS SELECT file_key, max({FILE}) AS {FILE} FROM "
            f"(SELECT DISTINCT file_key, {FILE} FROM all_{table}) GROUP BY file_key HAVING count(*) > 1"
        )
        self._replace(
            table,
            f"all_{table} {versions} WHERE NOT EXISTS (SELECT 1 FROM {copied} WHERE "
            f"{copied}.file_key = all_{table}.file_key AND {copied}.{FILE} <> all_{table}.{FILE})",
        )


_RUN = "project, path, commit, machine, environment"
_SEVERAL = "SELECT 1 FROM all_{} GROUP BY {} HAVING count(*) > 1 LIMIT 1"
_NEWEST_OF_PATH = "row_number() OVER (PARTITION BY project, path ORDER BY ingested DESC, file_key)"
_NEWEST_OF_RUN = f"row_number() OVER (PARTITION BY {_RUN} ORDER BY begun DESC NULLS LAST, ingested DESC, file_key)"
_OLD_TABLES = (
    "SELECT DISTINCT file_key FROM all_recordings EXCEPT "
    f"SELECT file_key FROM (SELECT file_key FROM all_recordings QUALIFY {_NEWEST_OF_PATH} = 1)"
)
# The versions of each result file, the newest with the turn 1, and each once however often it is stored.
_VERSIONS = (
    f"SELECT file_key, dense_rank() OVER (ORDER BY {_RUN}) AS run, {_NEWEST_OF_RUN} AS turn FROM "
    f"(SELECT DISTINCT ON ({_RUN}, file_key) * FROM all_runs ORDER BY ingested DESC)"
)
# The benchmarks of a version that another version has too, started later.
_OLD_BLOCKS = (
    "SELECT file_key, benchmark FROM (SELECT file_key, benchmark, row_number() OVER "
    "(PARTITION BY run, benchmark ORDER BY max(started) DESC NULLS LAST, turn) AS turn FROM all_points JOIN "
    "(SELECT * FROM versions WHERE run IN (SELECT run FROM versions WHERE turn > 1)) USING (file_key) "
    "GROUP BY file_key, benchmark, run, turn) WHERE turn > 1"
)


def _newest_of_each_project(live: LiveFiles, files: Iterable[StoredTableFile]) -> list[StoredTableFile]:
    """The file of each project that was written last: a judgement replaces the one before."""
    written = {file.path: part.written for part in live.parts.values() for file in part.files}
    newest = {file.project: file for file in sorted(files, key=lambda file: (written[file.path], file.path))}
    return list(newest.values())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _listed(addresses: Iterable[str]) -> str:
    """A list of texts in SQL."""
    quoted = ("'" + address.replace("'", "''") + "'" for address in addresses)
    return f"[{', '.join(quoted)}]"


@contextmanager
def opened(
    store: StoreFiles,
    live: LiveFiles,
    wanted: Wanted = EVERYTHING,
    tables: Sequence[str] = tuple(TABLES),
    is_asked: bool = False,
) -> Iterator[Database]:
    """A block with the database of ``store``, in which each stored file counts once.

    Only ``tables`` can be asked for: each takes some milliseconds to open. ``points`` need ``runs``, and ``operators``
    need ``recordings``, to know what counts. With ``is_asked``, for a person, INTERNAL columns are left out.
    """
    database = Database(store, live, wanted, tables, is_asked)
    try:
        database.count_once()
        yield database
    finally:
        database.connection.close()
