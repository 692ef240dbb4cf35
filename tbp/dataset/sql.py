"""A question in SQL → its answer, from the tables of a store.

Takes a store and a query, gives an Arrow table. docs/reference/store.md explains the tables to those who ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbp.asv.declarations import declared_in, json_in
from tbp.dataset.database import EVERYTHING, Database, Wanted, opened
from tbp.dataset.files import StoreFiles, library
from tbp.dataset.parts import LiveFiles
from tbp.errors import UsageError
from tbp.wording.words import shortened

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = ("series", "points", "runs", "sessions", "operators", "changes", "benchmarks", "machines")

RECENT = 30  # values of a series in its row, newest first: as many as a line in a table can show

# Tables that are made of others when they are asked for.
_VIEWS = {
    "series": "SELECT project, benchmark, parameters, machine, environment, count(value)::INTEGER AS measured, "
    "min(date) AS first, max(date) AS newest, arg_max(value, date) AS value, arg_max(commit, date) AS commit, "
    f"arg_max(value, date, {RECENT}) AS recent FROM points GROUP BY ALL",
    "machines": "SELECT project, machine, count(*)::INTEGER AS runs, count(DISTINCT commit)::INTEGER AS commits, "
    "min(date) AS first, max(date) AS newest, arg_max(hardware, date) AS hardware, max(begun) AS measured "
    "FROM runs GROUP BY ALL",
}


MOST_MESSAGE = 500  # characters
_LIKELY = ("Did you mean", "Candidate ")  # beginnings of DuckDB's lines on names that may be meant


def answer(store: StoreFiles, live: LiveFiles, query: str, wanted: Wanted = EVERYTHING) -> pa.Table:
    """The answer to ``query``, which only reads.

    Raises:
        UsageError: the query cannot be meant, or would change something.
        UnreadableInput: the store cannot be read.
    """
    duckdb = library("duckdb")
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise UsageError(f"this is no SQL: {_message(error)}") from None
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise UsageError("one SELECT is asked at a time, and nothing else: a store changes by `tbp ingest` only")
    with opened(store, live, wanted, is_asked=True) as database:
        for name, view in _VIEWS.items():
            database.connection.execute(f"CREATE TEMP VIEW {name} AS {view}")
        database.connection.register("benchmarks", _benchmarks(database))
        try:
            return database.connection.sql(query).to_arrow_table()
        except duckdb.Error as error:
            known = f"; the tables are {', '.join(TABLES)}" if isinstance(error, duckdb.CatalogException) else ""
            raise UsageError(f"the store {store} has no answer: {_message(error)}{known}") from None


def _benchmarks(database: Database) -> pa.Table:
    """The benchmarks as the newest benchmarks.json of each project declares them."""
    pa = library("pyarrow")
    rows = [
        (row["project"], each.name, each.type, each.unit, each.version, list(each.parameter_names), each.code)
        for row in database.rows("SELECT project, content FROM records WHERE kind = 'benchmarks'").to_pylist()
        if isinstance(content := json_in(row["content"]), dict)
        for each in declared_in(content).values()
    ]
    texts = ("project", "benchmark", "type", "unit", "version")
    fields = [
        *((name, pa.string()) for name in texts),
        ("parameter_names", pa.list_(pa.string())),
        ("code", pa.string()),
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields)
    arrays = [pa.array(column, kind) for column, (_, kind) in zip(columns, fields, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields))


def _message(error: Exception) -> str:
    """The error, and the names that DuckDB takes for meant; without the lines that show the place in the query."""
    first, *rest = str(error).splitlines() or [""]
    likely = [line.strip() for line in rest if line.startswith(_LIKELY)]
    return shortened("; ".join([first, *likely]), MOST_MESSAGE)
