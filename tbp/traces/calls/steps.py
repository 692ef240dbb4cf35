"""The steps of a trace: stretches of time that belong to a process.

Takes the step annotations of a file, gives the step that holds a time, and how many steps lie behind a number. In a
file of several processes with steps, as of merged ranks, each has its own; they are numbered in each from 0.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.trace import Codes, Nanoseconds

OUTSIDE = -1  # step of an event that belongs to none


class StepWindows(Struct, frozen=True, eq=False):
    """An entry for each step, in order of time."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds
    process: Codes
    number: Indices  # in its process, from 0

    @classmethod
    def of(cls, start_ns: Nanoseconds, end_ns: Nanoseconds, process: Codes) -> StepWindows:
        """The steps of these annotations, in any order."""
        order = np.argsort(start_ns, kind="stable")
        process = process[order]
        number = np.zeros(len(order), dtype=np.int64)
        for members in _grouped(process):
            number[members] = np.arange(len(members))
        return cls(start_ns[order], end_ns[order], process, number)

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def count(self) -> int:
        """Steps of the process that has most of them; 0 where there are none."""
        return int(self.number.max(initial=-1)) + 1

    @property
    def are_of_several(self) -> bool:
        """True where more than one process has steps; otherwise those of one hold for the whole file."""
        return bool(np.any(self.process[1:] != self.process[:-1]))

    def at(self, time_ns: Nanoseconds, process: Codes) -> Indices:
        """The number of the step that holds each time in its process, OUTSIDE between and around the steps.

        A process without steps, as a device, has those of any.
        """
        step = self._holding(time_ns, np.arange(len(self)))
        if self.are_of_several:
            mine = {int(self.process[members[0]]): members for members in _grouped(self.process)}
            for entries in _grouped(process):
                members = mine.get(int(process[entries[0]]))
                if members is not None:
                    step[entries] = self._holding(time_ns[entries], members)
        return step

    def behind(self, code: NDArray[np.integer], process: Codes, size: int) -> Indices:
        """The steps behind each code, of all processes that have it; both have an entry per event."""
        count = max(self.count, 1)
        if not self.are_of_several:
            return np.full(size, count, dtype=np.int64)
        processes = int(max(process.max(initial=0), self.process.max())) + 1
        in_process = np.bincount(self.process, minlength=processes)
        pairs = np.unique(code.astype(np.int64) * processes + process)
        behind = np.bincount(pairs // processes, in_process[pairs % processes], size).astype(np.int64)
        return np.where(behind > 0, behind, count)

    def _holding(self, time_ns: Nanoseconds, members: Indices) -> Indices:
        if not len(members):
            return np.full(len(time_ns), OUTSIDE, dtype=np.int64)
        at = np.searchsorted(self.start_ns[members], time_ns, side="right") - 1
        last = members[np.maximum(at, 0)]
        return np.where((at >= 0) & (time_ns < self.end_ns[last]), self.number[last], OUTSIDE)


def _grouped(codes: Codes) -> list[Indices]:
    """The entries of each code, in their order."""
    order = np.argsort(codes, kind="stable")
    groups: list[Indices] = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return groups if len(order) else []
