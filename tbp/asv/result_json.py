"""The bytes of one asv result file → its rows, of format 2 or 1.

msgspec decodes a file as asv 0.6 writes it into typed rows, several times as fast as the standard library; samples,
confidence intervals and durations, which nothing uses, are not decoded. A file in which anything is otherwise takes
the tolerant road: ``json``, value by value. The meaning of rows is left to ``tbp.asv.result_file``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import msgspec

from tbp.system.python_text import encodable

Numbers: TypeAlias = list[float | bool | None] | None

# asv writes NaN and Infinity, which JSON lacks and msgspec refuses. They are replaced, in the whole file at once, by
# numbers that no file has; where they stood in a text, ``text`` puts them back. Larger ones take 10 µs to decode.
_NAN, _INFINITY = b"-1.2345678987654321e300", b"1.3456789876543212e300"
_SUBSTITUTES = ((b"NaN", _NAN), (b"Infinity", _INFINITY))
SKIPPED, INFINITE = float(_NAN), float(_INFINITY)
_PLAIN = {SKIPPED: math.nan, INFINITE: math.inf, -INFINITE: -math.inf}

# Statistics of a cell in format 1, by the column that they are in format 2.
_V1_STATS = {"stats_q_25": "q_25", "stats_q_75": "q_75", "stats_number": "number"}


class UnusableFile(Exception):
    """A file that is no result; the message ends a sentence that begins with its path."""


class ResultRow(msgspec.Struct, array_like=True, gc=False):
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


class ResultContent(msgspec.Struct, gc=False):
    """A result file. A field of type ``object`` is checked where it is used."""

    results: dict[str, ResultRow]
    commit_hash: object = None
    env_name: object = None
    date: object = None
    params: msgspec.Raw = msgspec.Raw(b"null")  # equal in many files: decoded once
    python: object = None
    requirements: msgspec.Raw = msgspec.Raw(b"null")
    result_columns: msgspec.Raw = msgspec.Raw(b"null")
    version: object = 1


_DECODER = msgspec.json.Decoder(ResultContent)
_COLUMNS = list(ResultRow.__struct_fields__)
_OF_ROWS = ("results", "result_columns")  # fields that are not of the whole run


def usual_content(data: bytes) -> ResultContent | None:
    """The file as asv writes it today; None where something in it is another way."""
    for constant, number in _SUBSTITUTES:
        if constant in data:
            data = re.sub(constant, number, data)  # three times as fast as bytes.replace
    try:
        content = _DECODER.decode(data)
        is_usual = content.version == 2 and _are_usual(bytes(content.result_columns))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content if is_usual else None


@lru_cache  # most files have equal ones
def _are_usual(columns: bytes) -> bool:
    names = msgspec.json.decode(columns)
    return isinstance(names, list) and names[: len(_COLUMNS)] == _COLUMNS


def tolerant_content(data: bytes) -> ResultContent:
    """Any file of format 1 or 2, with odd values left out. Raises UnusableFile."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, numbers beyond any use
        raise UnusableFile("cannot be read as JSON (half written?)" if data.strip() else "is empty") from None
    if not isinstance(content, dict):
        raise UnusableFile("is no JSON object")
    fields = ResultContent.__struct_fields__
    head = {name: content[name] for name in fields if name in content and name not in _OF_ROWS}
    if head.get("version", 1) not in (1, 2):
        raise UnusableFile(f"has format {head['version']!r:.40}, and tbp reads asv's formats 1 and 2: update tbp")
    results = content.get("results")
    if not isinstance(results, dict):
        raise UnusableFile("names no commit_hash or holds no results")
    rows = _rows_by_column(results, content) if head.get("version", 1) == 2 else _rows_of_v1(results, content)
    for name in ("params", "requirements"):
        head[name] = msgspec.Raw(json.dumps(head.get(name)).encode())
    return ResultContent(results=rows, **head)


def _rows_by_column(results: Mapping[str, object], content: Mapping[str, object]) -> dict[str, ResultRow]:
    columns = content.get("result_columns")
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise UnusableFile("lacks result_columns")
    rows = ((name, row) for name, row in results.items() if isinstance(row, list))
    return {name: _row(dict(zip(columns, row, strict=False))) for name, row in rows}


def _rows_of_v1(results: Mapping[str, object], content: Mapping[str, object]) -> dict[str, ResultRow]:
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


def _row(columns: Mapping[str, object]) -> ResultRow:
    version = columns.get("version")
    return ResultRow(
        result=_numbers(columns.get("result")),
        params=msgspec.Raw(msgspec.json.encode(parameter_texts(columns.get("params")))),
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
    """A part of a file that was left undecoded."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(raw)  # takes NaN, and halves of characters


def parameter_texts(params: object) -> list[list[str]]:
    """The values of each parameter; asv stores their reprs."""
    lists = params if isinstance(params, list) else []
    return [[text(value) for value in values] for values in lists if isinstance(values, list)]


def text(value: object) -> str:
    """A text as the file has it, without halves of characters, which no output could encode."""
    if value is None:
        return ""
    plain = str(_PLAIN.get(value, value) if isinstance(value, float) else value)
    if "e300" in plain:
        plain = plain.replace(_NAN.decode(), "NaN").replace(_INFINITY.decode(), "Infinity")
    return encodable(plain)
