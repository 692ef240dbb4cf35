"""Digests of what pages are made from, so that a page is not made again of the same.

Takes values of the analysis, gives digests of all that is in them: a field that is added to a value is part of its
digest without anybody's doing. Which values a page depends on is left to who makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_bytes

import msgspec
import numpy as np
import pandas as pd

from tbp.model.points import PointColumns, Points
from tbp.system.store import KEY_BYTES, key_of


class Digests:
    """Digests of values of one report; what many of them share is looked at once."""

    def __init__(self) -> None:
        # By the identity of the order and the places in it; the report that owns the order outlives this object.
        self._commits: dict[tuple[int, bytes], bytes] = {}

    def of(self, *values: object) -> bytes:
        """Returns a digest of ``values``: equal ones have equal digests in every process.

        That of a value of an unknown kind, or of text that is none (half a character), is equal to no other.
        """
        try:
            # Ordered, as each process has another order of sets.
            return key_of(msgspec.msgpack.encode(values, enc_hook=self._plain, order="deterministic"))
        except (TypeError, NotImplementedError, UnicodeEncodeError):
            return token_bytes(KEY_BYTES)

    def _plain(self, value: object) -> object:
        """A value that MessagePack can write in place of another one."""
        if isinstance(value, Points):
            return self._runs(value.columns)
        if isinstance(value, np.ndarray):
            return value.tolist() if value.dtype.hasobject else [value.dtype.str, value.shape, value.tobytes()]
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, pd.DataFrame):
            return [[str(name), str(values.dtype), values.tolist()] for name, values in value.items()]
        raise NotImplementedError(f"{type(value)} has no digest")

    def _runs(self, runs: PointColumns) -> object:
        """A run's commit is in it, and not its place among all commits of the site, which every new one moves."""
        commits = id(runs.order), runs.commit_index.tobytes()
        if commits not in self._commits:
            self._commits[commits] = self.of([runs.order[at] for at in runs.commit_index.tolist()])
        arrays = (runs.outcome, runs.value, runs.low, runs.high, runs.comparable)
        return [self._commits[commits], arrays, _items(runs.sessions), _items(runs.reasons)]


def _items(by_index: Mapping[int, object]) -> list[tuple[int, object]]:
    return sorted(by_index.items())
