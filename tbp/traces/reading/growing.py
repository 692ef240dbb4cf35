"""Columns and codes that grow while a file is read, as numpy arrays in one piece of memory each."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.trace import COLUMNS, Codes

Key = TypeVar("Key", bound=Hashable)


class CodesOfKeys(dict[Key, int]):
    """Gives equal keys equal codes, in order of first sight, and counts the length of the keys."""

    text_bytes = 0

    def __missing__(self, key: Key) -> int:
        self.text_bytes += len(key) if isinstance(key, str | bytes) else len(str(key))
        self[key] = code = len(self)
        return code

    def codes(self, keys: Sequence[Key]) -> Codes:
        return np.fromiter(map(self.__getitem__, keys), dtype=np.int32, count=len(keys))


class GrowingColumn:
    """A column that grows in one piece of memory.

    Many small arrays to be joined at the end took twice the memory: freed, they leave holes that nothing large fits.
    """

    def __init__(self) -> None:
        self._size = 0
        self._room: NDArray[Any] = np.empty(0)

    def add(self, values: NDArray[Any]) -> None:
        needed = self._size + len(values)
        if needed > len(self._room) or not needed:  # without any value the column still has their kind
            room = np.empty(max(2 * len(self._room), needed), dtype=values.dtype)  # untouched pages cost nothing
            room[: self._size] = self._room[: self._size]
            self._room = room
        self._room[self._size : needed] = values
        self._size = needed

    @property
    def values(self) -> NDArray[Any]:
        return self._room[: self._size]


class GrowingRows:
    """Events as columns, which grow."""

    def __init__(self) -> None:
        self._columns = {name: GrowingColumn() for name in COLUMNS}
        self._order = GrowingColumn()

    def __len__(self) -> int:
        return len(self._columns["start_ns"].values)

    def add(self, columns: Mapping[str, NDArray[Any]], order: Indices) -> None:
        for name, column in columns.items():
            self._columns[name].add(column)
        self._order.add(order)

    @property
    def values(self) -> dict[str, NDArray[Any]]:
        return {name: column.values for name, column in self._columns.items()}

    @property
    def order(self) -> Indices:
        """The number of each among all entries of the file; only of begins and ends."""
        return self._order.values
