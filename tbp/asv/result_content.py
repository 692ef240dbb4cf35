"""The content of one asv result file → rows of typed columns, format 1 and format 2 alike.

Nothing is decoded that nobody asks for (samples, confidence intervals, durations), and there is no object per cell:
msgspec decodes rows into typed columns, several times as fast as the standard library. A file in which anything is
not as asv writes it today takes the slow way, ``json``, value by value. What the rows mean is left to
``tbp.asv.result_files``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import msgspec

Numbers: TypeAlias = list[float | bool | None] | None

# asv writes NaN and Infinity, which JSON lacks and msgspec refuses. They are replaced, in the whole file at once, by
# numbers that no file holds; where they stood in a text, ``text`` puts them back. Larger ones take 10 µs to decode.
_NAN, _INFINITY = b"-1.2345678987654321e300", b"1.3456789876543212e300"
_SPELLED = ((b"NaN", _NAN), (b"Infinity", _INFINITY))
SKIPPED, INFINITE = float(_NAN), float(_INFINITY)
_PLAIN = {SKIPPED: math.nan, INFINITE: math.inf, -INFINITE: -math.inf}

# Format 1 named what format 2 keeps in columns.
_V1_STATS = {"stats_q_25": "q_25", "stats_q_75": "q_75", "stats_number": "number"}


class UnusableFile(Exception):
    """A file that is no result; the message ends a sentence that begins with its path."""


class Row(msgspec.Struct, array_like=True, gc=False):
    """One benchmark: asv's columns in asv's order. asv leaves the empty end of a row out."""

    result: Numbers = None
    params: msgspec.Raw = msgspec.Raw(b"[]")
    version: str | None = None
    started_at: float | None = None  # ms since 1970
    duration: msgspec.Raw = msgspec.Raw(b"")
    stats_ci_99_a: msgspec.Raw = msgspec.Raw(b"")
    stats_ci_99_b: msgspec.Raw = msgspec.Raw(b"")
    stats_q_25: Numbers = None
    stats_q_75: Numbers = None
    stats_number: Numbers = None


class Content(msgspec.Struct, gc=False):
    """A result file. What is an object is checked where it is used."""

    results: dict[str, Row]
    commit_hash: object = None
    env_name: object = None
    date: object = None
    params: msgspec.Raw = msgspec.Raw(b"null")  # many files say the same: decoded once
    python: object = None
    requirements: msgspec.Raw = msgspec.Raw(b"null")
    result_columns: msgspec.Raw = msgspec.Raw(b"null")
    version: object = 1


_DECODER = msgspec.json.Decoder(Content)
_COLUMNS = list(Row.__struct_fields__)
_OF_ROWS = ("results", "result_columns")  # what is not of the whole run


def content_at_once(data: bytes) -> Content | None:
    """The whole file as asv writes it today; None where something in it is another way."""
    for spelled, number in _SPELLED:
        if spelled in data:
            data = re.sub(spelled, number, data)  # three times as fast as bytes.replace
    try:
        content = _DECODER.decode(data)
        is_usual = content.version == 2 and _are_usual(bytes(content.result_columns))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content if is_usual else None


@lru_cache  # most files have the same
def _are_usual(columns: bytes) -> bool:
    named = msgspec.json.decode(columns)
    return isinstance(named, list) and named[: len(_COLUMNS)] == _COLUMNS


def content_value_by_value(data: bytes) -> Content:
    """Any file of format 1 or 2, with what is odd in it left out. Raises UnusableFile."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, numbers beyond any use
        raise UnusableFile("cannot be read as JSON (half written?)" if data.strip() else "is empty") from None
    if not isinstance(content, dict):
        raise UnusableFile("is no JSON object")
    head = {name: content[name] for name in Content.__struct_fields__ if name in content and name not in _OF_ROWS}
    if head.get("version", 1) not in (1, 2):
        raise UnusableFile(f"has format {head['version']!r:.40}, and tbp reads asv's formats 1 and 2: update tbp")
    results = content.get("results")
    if not isinstance(results, dict):
        raise UnusableFile("names no commit_hash or holds no results")
    rows = _rows_by_column(results, content) if head.get("version", 1) == 2 else _rows_of_v1(results, content)
    for name in ("params", "requirements"):
        head[name] = msgspec.Raw(json.dumps(head.get(name)).encode())
    return Content(results=rows, **head)


def _rows_by_column(results: Mapping[str, object], content: Mapping[str, object]) -> dict[str, Row]:
    columns = content.get("result_columns")
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise UnusableFile("lacks result_columns")
    rows = ((name, row) for name, row in results.items() if isinstance(row, list))
    return {name: _row(dict(zip(columns, row, strict=False))) for name, row in rows}


def _rows_of_v1(results: Mapping[str, object], content: Mapping[str, object]) -> dict[str, Row]:
    versions, starts = (_by_name(content.get(name)) for name in ("benchmark_version", "started_at"))
    rows = {}
    for name, entry in results.items():
        row = entry if isinstance(entry, dict) else {"result": entry}
        stats = [cell if isinstance(cell, dict) else {} for cell in _as_list(row.get("stats")) or []]
        columns: dict[str, object] = {column: [cell.get(key) for cell in stats] for column, key in _V1_STATS.items()}
        columns |= {"result": _as_list(row.get("result")), "params": row.get("params")}
        rows[name] = _row({**columns, "version": versions.get(name), "started_at": starts.get(name)})
    return rows


def _by_name(values: object) -> Mapping[str, object]:
    return values if isinstance(values, dict) else {}


def _as_list(value: object) -> list[object] | None:
    return value if value is None or isinstance(value, list) else [value]


def _row(columns: Mapping[str, object]) -> Row:
    version = columns.get("version")
    return Row(
        result=_numbers(columns.get("result")),
        params=msgspec.Raw(msgspec.json.encode(texts(columns.get("params")))),
        version=version if isinstance(version, str) else None,
        started_at=_number(columns.get("started_at")),
        stats_q_25=_numbers(columns.get("stats_q_25")),
        stats_q_75=_numbers(columns.get("stats_q_75")),
        stats_number=_numbers(columns.get("stats_number")),
    )


def _numbers(values: object) -> Numbers:
    return [_number(value) for value in values] if isinstance(values, list) else None


def _number(value: object) -> float | None:
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return math.inf
    return SKIPPED if math.isnan(number) else number


def decoded(raw: bytes) -> object:
    """A part of a file that was left as it is."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(raw)  # takes NaN, and halves of characters


def texts(params: object) -> list[list[str]]:
    """The values of each parameter; asv stores their reprs."""
    lists = params if isinstance(params, list) else []
    return [[text(value) for value in values] for values in lists if isinstance(values, list)]


def text(value: object) -> str:
    """A text as the file has it, without halves of characters, which no output could encode."""
    if value is None:
        return ""
    own = str(_PLAIN.get(value, value) if isinstance(value, float) else value)
    if "e300" in own:
        own = own.replace(_NAN.decode(), "NaN").replace(_INFINITY.decode(), "Infinity")
    return own if own.isascii() else own.encode(errors="replace").decode()
