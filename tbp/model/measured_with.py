"""The circumstances of each run of a series, as an index into a small table that all series share.

Runs of one night on one machine have the same, so a report of a million runs has few rows in its table. A dictionary
for each run would be most of its memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

NUMBER = "calls per sample"
"""The circumstance that asv's number is: each series has its own."""


class MeasuredWith(Struct, frozen=True, eq=False):
    """The circumstances of the runs of one series that no commit changes; what is not recorded has no entry."""

    table: Sequence[Mapping[str, str]]  # shared by all series; without NUMBER
    index: NDArray[np.unsignedinteger]  # in ``table``, of each run; a byte where the table is short
    numbers: tuple[tuple[int, str], ...] = ()  # (run from which on, NUMBER); empty where it never changes

    @property
    def of_runs(self) -> list[Mapping[str, str]]:
        """The circumstances of each run; equal ones mostly are one object."""
        runs = [self.table[row] for row in self.index.tolist()]
        for (start, text), end in zip(self.numbers, [*(at for at, _ in self.numbers[1:]), len(runs)], strict=False):
            known: dict[int, Mapping[str, str]] = {}
            for run in range(start, end):
                runs[run] = known.setdefault(int(self.index[run]), {**runs[run], NUMBER: text})
        return runs

    def part(self, start: int, stop: int) -> MeasuredWith:
        """The runs from ``start`` on that are before ``stop``, without NUMBER, which compares within a whole series."""
        return MeasuredWith(self.table, self.index[start:stop])
