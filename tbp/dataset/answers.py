"""The answer to a question in SQL as text: a table for a terminal, JSON or CSV.

Takes an Arrow table, gives text. What a store holds is hostile, and is shown as what it is in each of the three.
"""

from __future__ import annotations

import csv
import io
import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tbp.system.strict_json import strict_json
from tbp.wording import words
from tbp.wording.csv_cells import csv_cell
from tbp.wording.terminal import Paragraph, terminal_text

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 50  # of a table in a terminal: a screen or two
LEAST_COLUMN = 12  # characters on average: with less, names and numbers are broken
MOST_OF_CELL = 200  # characters of a cell there; the samples of a session have thousands


def answer_table(rows: pa.Table, width: int) -> str:
    """The first MOST_ROWS rows in columns, and how many more there are; many columns below each other."""
    more = rows.num_rows - MOST_ROWS
    rest = [Paragraph(f"… and {more:,} more rows; --csv FILE writes all")] if more > 0 else []
    first = rows.slice(0, MOST_ROWS)
    parts = [_columns(first)] if rows.num_columns * LEAST_COLUMN <= width else _records(first)
    return terminal_text([*parts, *rest] if rows.num_rows else [Paragraph("no rows")], width=width)


def _columns(rows: pa.Table) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, kind in zip(rows.column_names, rows.schema.types, strict=True):
        table.add_column(Text(words.one_line(name)), justify="right" if _is_number(kind) else "left", overflow="fold")
    for row in rows.to_pylist():
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    return table


def _records(rows: pa.Table) -> list[RenderableType]:
    """Each row as lines of a name and a value."""
    parts: list[RenderableType] = []
    for number, row in enumerate(rows.to_pylist(), 1):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(f"row {number}", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in row.items():
            table.add_row(Text(words.one_line(name)), Text(_cell(value)))
        parts.append(table)
    return parts


def _cell(value: Any) -> str:
    return words.cut(words.one_line(_text(value)), MOST_OF_CELL)


def to_json(rows: pa.Table) -> str:
    """A list with an object for each row; a time is text as ISO 8601 has it, NaN is null."""
    return f"{strict_json([_plain(row) for row in rows.to_pylist()], indent=1)}\n"


def to_csv(rows: pa.Table) -> str:
    """A line for each row, below the names of the columns; what is null is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(csv_cell, rows.column_names))
    writer.writerows([csv_cell(_exact(value)) for value in row.values()] for row in rows.to_pylist())
    return out.getvalue()


def _is_number(kind: pa.DataType) -> bool:
    return str(kind).startswith(("int", "uint", "float", "double", "decimal"))


def _exact(value: Any) -> str:
    """As ``_text``, with all digits of a number."""
    return repr(value) if isinstance(value, float) and not math.isnan(value) else _text(value)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(_plain(value)) if not isinstance(value, list | dict) else strict_json(_plain(value))


def _plain(value: Any) -> Any:
    """``value`` as JSON has it."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str | int | float | bool | None) else str(value)
