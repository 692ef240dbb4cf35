"""Two versions of one asv result file → one that has the values of both.

Takes the bytes of a file as two runners have it: one machine, commit and environment. Benchmarks that only one of them
has are kept; of those in both the one that was started last is, cell by cell where it left some out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from tbp.system.foreign_json import object_in

_Row = dict[str, object]  # asv's column → value
_STARTED, _RESULT = "started_at", "result"
_SAME = ("params", "version")  # where these differ, cells of two rows are not those of one benchmark


def merged_results(ours: bytes, theirs: bytes) -> bytes:
    """The merged file; ``ours`` or ``theirs`` themselves where one has all of the other, or is none of asv's format 2.

    Commutative but for files of two commits, of which ``ours`` stays.
    """
    left, right = _content(ours), _content(theirs)
    if left is None or right is None:
        return ours if left is not None or right is None else theirs
    if left["commit_hash"] != right["commit_hash"]:
        return ours
    if left == right:
        return max(ours, theirs)
    rows, other = _rows(left), _rows(right)
    newer, older = (left, right) if _newest(rows) >= _newest(other) else (right, left)
    merged = {name: _merged_row(rows.get(name), other.get(name)) for name in sorted(rows | other)}
    columns = list(dict.fromkeys([*_columns(newer), *_columns(older)]))
    durations = {**_object(older, "durations"), **_object(newer, "durations")}
    content = {
        **older,
        **newer,
        **({"durations": durations} if durations else {}),
        "result_columns": columns,
        "results": {name: _listed(row, columns) for name, row in merged.items()},
    }
    for same, parsed in ((ours, left), (theirs, right)):
        if parsed == content:
            return same
    return json.dumps(content).encode()


def _content(data: bytes) -> _Row | None:
    """The file as an object; None where it is no result of format 2, which asv writes since 2021."""
    content = object_in(data) or {}
    rows, columns = content.get("results"), content.get("result_columns")
    is_result = (
        content.get("version") == 2
        and isinstance(content.get("commit_hash"), str)
        and isinstance(rows, dict)
        and all(isinstance(row, list) for row in rows.values())
        and isinstance(columns, list)
        and all(isinstance(column, str) for column in columns)
    )
    return content if is_result else None


def _object(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def _columns(content: Mapping[str, object]) -> list[str]:
    columns = content["result_columns"]
    return columns if isinstance(columns, list) else []


def _rows(content: Mapping[str, object]) -> dict[str, _Row]:
    columns = _columns(content)
    return {
        name: dict(zip(columns, row, strict=False))
        for name, row in _object(content, "results").items()
        if isinstance(row, list)
    }


def _listed(row: Mapping[str, object], columns: list[str]) -> list[object]:
    values = [row.get(column) for column in columns]
    while values and values[-1] is None:  # as asv writes it
        values.pop()
    return values


def _started(row: Mapping[str, object]) -> float:
    started = row.get(_STARTED)
    return float(started) if isinstance(started, int | float) and not math.isnan(started) else -math.inf


def _newest(rows: Mapping[str, _Row]) -> tuple[float, str]:
    return max((_started(row) for row in rows.values()), default=-math.inf), json.dumps(rows, sort_keys=True)


def _merged_row(ours: _Row | None, theirs: _Row | None) -> _Row:
    if ours is None or theirs is None:
        return ours or theirs or {}
    newer, older = sorted(
        (ours, theirs), key=lambda row: (_started(row), json.dumps(row, sort_keys=True)), reverse=True
    )
    cells = newer.get(_RESULT)
    if not isinstance(cells, list) or any(newer.get(name) != older.get(name) for name in _SAME):
        return newer
    # NaN is a cell that was skipped, or that --bench left out: a value of the same commit is worth more.
    left_out = [index for index, cell in enumerate(cells) if isinstance(cell, float) and math.isnan(cell)]
    return {name: _filled(value, older.get(name), left_out, len(cells)) for name, value in newer.items()}


def _filled(newer: object, older: object, left_out: list[int], size: int) -> object:
    """A column of cells, in which ``left_out`` ones are those of ``older``; any other value as it is."""
    if not left_out or not isinstance(older, list) or len(older) != size:
        return newer
    cells = [None] * size if newer is None else newer
    if not isinstance(cells, list) or len(cells) != size:
        return newer
    return [older[index] if index in left_out else cell for index, cell in enumerate(cells)]
