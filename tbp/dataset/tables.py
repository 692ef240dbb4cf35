"""The tables of a store: their columns, and how the schema came to be what it is.

docs/reference/store.md explains the columns to those who ask in SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tbp.dataset.files import library

if TYPE_CHECKING:
    import pyarrow as pa

# History of the schema. A column more is a new number: files of earlier ones are read with null in it, and
# ``tbp ingest --compact`` writes them anew.
#   1  first
FORMAT = 1

TEXT, WHOLE, COUNT, NUMBER, FLAG, BYTES = "string", "int64", "int32", "float64", "bool", "binary"
KEY = "uint64"  # a digest: it names content, and is no number
MOMENT = "timestamp[ms, tz=UTC]"
NUMBERS = "list<float64>"
TEXTS = "list<string>"
SQL = {
    TEXT: "VARCHAR", WHOLE: "BIGINT", COUNT: "INTEGER", NUMBER: "DOUBLE", FLAG: "BOOLEAN", BYTES: "BLOB",
    KEY: "UBIGINT", MOMENT: "TIMESTAMP WITH TIME ZONE", NUMBERS: "DOUBLE[]", TEXTS: "VARCHAR[]",
}  # fmt: skip
"""DuckDB's name of each type."""

# A stored file: ``file_key`` is a digest of its path and bytes.
_VERSION = {"project": TEXT, "file_key": KEY}
_FILE = {**_VERSION, "ingested": MOMENT, "folder": TEXT, "path": TEXT}
_SERIES = {"benchmark": TEXT, "parameters": TEXT, "machine": TEXT, "environment": TEXT}
_RECORD = {**_FILE, "machine": TEXT, "kind": TEXT, "content": BYTES}

TABLES: dict[str, dict[str, str]] = {
    # A row for each result file of asv.
    "runs": {
        **_FILE, "commit": TEXT, "environment": TEXT, "machine": TEXT, "date": MOMENT, "begun": MOMENT, "python": TEXT,
        "requirements": TEXT, "hardware": TEXT, "facts": TEXT, "problems": TEXT, "measured": COUNT, "failed": COUNT,
        "skipped": COUNT,
    },
    # A row for each value, sorted by series and date. ``position`` is its row in the result file, ``recorded`` the row
    # of ``grids``, and ``cell`` its combination of the parameters there.
    "points": {
        **_SERIES, "commit": TEXT, "date": MOMENT, "outcome": TEXT, "value": NUMBER, "q25": NUMBER, "q75": NUMBER,
        "number": NUMBER, "started": MOMENT, "version": TEXT, **_VERSION, "recorded": KEY, "cell": COUNT,
        "position": COUNT,
    },
    # A row for each benchmark as a result file had it, with the values of its parameters.
    "grids": {"recorded": KEY, "benchmark": TEXT, "version": TEXT, "grid": TEXT},
    # A row for each session of the ruler; ``content`` is the whole file.
    "sessions": {
        **_SERIES, "commit": TEXT, "run": TEXT, "session": TEXT, "started": MOMENT, "median_s": NUMBER,
        "wall_s": NUMBERS, "threads": COUNT, "device": TEXT, "device_name": TEXT, "torch": TEXT, "python": TEXT,
        "trace": TEXT, "skipped": TEXT, **_FILE, "content": BYTES,
    },
    # A row for each operator of a trace.
    "operators": {
        **_SERIES, "commit": TEXT, "started": MOMENT, "session": TEXT, "trace": TEXT, **_VERSION,
    },
    # The traces themselves, as ``tbp trace prune`` would leave them.
    "recordings": _RECORD,
    # Other files: benchmarks.json, machine.json, reasons and ratios.
    "records": _RECORD,
    # What the last ``tbp ingest --judge`` found, as in the ``changes`` of ``tbp.report_data``.
    "changes": {
        "project": TEXT, "ingested": MOMENT, **_SERIES, "commit": TEXT, "date": MOMENT, "subject": TEXT,
        "last_before": TEXT, "commits": WHOLE, "event": WHOLE, "before": NUMBER, "after": NUMBER, "effect": NUMBER,
        "low": NUMBER, "high": NUMBER, "p_value": NUMBER, "confirmed": FLAG, "doubt": TEXT, "kind": TEXT, "what": TEXT,
        "is_worse": FLAG, "is_recovery": FLAG, "counted": FLAG, "acknowledged": TEXT, "status": TEXT, "owner": TEXT,
        "link": TEXT, "operators": TEXTS,
    },
}  # fmt: skip
SORTED_BY = {
    "points": ("benchmark", "parameters", "environment", "date"),
    "sessions": ("benchmark", "parameters", "machine", "environment", "started"),
    "operators": ("benchmark", "parameters", "environment", "started"),
}
PARTITIONED = ("points", "operators")  # by machine and month; the other tables are small


def columns(table: str) -> dict[str, str]:
    """The columns of a table with their types."""
    if table != "operators":
        return TABLES[table]
    from tbp.traces.operators.operators import OPERATOR_COLUMNS

    kinds = {"text": TEXT, "number": NUMBER}
    return {**TABLES[table], **{name: kinds[kind] for name, kind in OPERATOR_COLUMNS.items()}}


def schema(table: str) -> pa.Schema:
    """The schema of a table in Arrow."""
    pa = library("pyarrow")
    types = {
        TEXT: pa.string(), WHOLE: pa.int64(), COUNT: pa.int32(), NUMBER: pa.float64(), FLAG: pa.bool_(),
        BYTES: pa.binary(), KEY: pa.uint64(), MOMENT: pa.timestamp("ms", "UTC"), NUMBERS: pa.list_(pa.float64()),
        TEXTS: pa.list_(pa.string()),
    }  # fmt: skip
    return pa.schema([(name, types[kind]) for name, kind in columns(table).items()])
