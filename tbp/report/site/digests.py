"""A digest of anything that a page can be made from: equal values have equal digests, whatever objects they are.

Values of a kind that is not named here are refused: something that is passed over would one day be the one that
changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from tbp.model.points import Points
from tbp.model.series import Commit
from tbp.system.cache import DIGEST_BYTES, digest_of

if TYPE_CHECKING:
    import pandas as pd

_AS_THEY_ARE = {type(None), bool, int, float, bytes}  # asked first, as nearly all values are of these kinds
_Plain: TypeAlias = Any  # what msgspec packs, which is every value below taken apart


def digest(*values: object) -> bytes:
    """Raises TypeError for a value that cannot be told from others of its kind."""
    return digest_of(msgspec.msgpack.encode(_plain(values)))


def _plain(value: object) -> _Plain:
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")  # file names need not be text
    if isinstance(value, (bool, int, float, bytes)):
        return value
    if isinstance(value, (tuple, list)):
        is_plain = _AS_THEY_ARE.issuperset(map(type, value))  # as hundreds of numbers are
        return [type(value).__name__, *(value if is_plain else map(_plain, value))]
    kind: Any = type(value)
    fields = _fields(kind)
    if fields is not None:
        return [kind.__qualname__, *(_plain(getattr(value, name)) for name in fields)]
    if isinstance(value, Points):
        return _of_points(value)
    if isinstance(value, Mapping):
        return ["mapping", *(_plain(item) for item in value.items())]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(digest(item) for item in value)]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return ["array", str(value.dtype), value.shape, value.tobytes()]
    pandas = sys.modules.get("pandas")  # where it is not, no value can be a frame
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return ["frame", *((str(name), _plain(_column(value[name]))) for name in value.columns)]
    if isinstance(value, (date, datetime, Path)):
        return [type(value).__name__, str(value)]
    raise TypeError(f"a digest of {type(value)} is not known")


def _column(column: pd.Series) -> object:
    return column.to_numpy() if column.dtype.kind in "biufM" else column.tolist()


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """Of a struct or a dataclass; None of any other kind."""
    own: Iterable[str] | None = getattr(kind, "__struct_fields__", getattr(kind, "__dataclass_fields__", None))
    return None if own is None else tuple(own)


def _of_points(points: Points) -> _Plain:
    own = points.columns
    commits = _of_commits(own.order)[own.commit_index]
    arrays = (own.outcome, own.value, own.low, own.high, own.comparable)
    said = (sorted(own.sessions.items()), sorted(own.reasons.items()))
    return ["points", commits.tobytes(), *(array.tobytes() for array in arrays), _plain(said)]


@cache
def _of_commits(order: tuple[Commit, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """A row for each commit, which all series share."""
    return np.frombuffer(b"".join(map(_of_commit, order)), np.uint8).reshape(len(order), DIGEST_BYTES)


def _of_commit(commit: Commit) -> bytes:
    try:
        return digest_of(msgspec.msgpack.encode(commit))
    except UnicodeEncodeError:  # its subject is no text
        return digest(commit)
