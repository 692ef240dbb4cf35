"""Frames whose columns are known: names, order and kinds are checked where a frame crosses a boundary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

TEXT, COUNT, NUMBER, FLAG = "text", "count", "number", "flag"
DTYPES = {TEXT: "object", COUNT: "int64", NUMBER: "float64", FLAG: "bool"}

_IS = {
    TEXT: lambda column: pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column),
    COUNT: pd.api.types.is_integer_dtype,
    NUMBER: pd.api.types.is_float_dtype,
    FLAG: pd.api.types.is_bool_dtype,
}


def typed(rows: pd.DataFrame | Sequence[object], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of these columns, each of its kind, from ``rows`` with values by their names or in their order."""
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({name: DTYPES[kind] for name, kind in columns.items()})


def check(frame: pd.DataFrame, columns: Mapping[str, str], title: str, optional: frozenset[str] = frozenset()) -> None:
    """Raise TypeError unless ``frame`` has exactly these columns, in this order, each of its kind; ``optional`` ones
    may be absent."""
    expected = [name for name in columns if name not in optional or name in frame.columns]
    if list(frame.columns) != expected:
        raise TypeError(f"{title}: columns are {list(frame.columns)}, expected {list(columns)}")
    wrong = [name for name in expected if not _IS[columns[name]](frame[name])]
    if wrong:
        raise TypeError(f"{title}: {', '.join(f'{name} is {frame[name].dtype}' for name in wrong)}")
