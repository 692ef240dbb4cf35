"""Progress of a gate: the pair at hand, and the longest that the pairs to come may take."""

from __future__ import annotations

from math import isfinite

from tbp.system.progress import Progress
from tbp.wording import words


class GateProgress(Progress):
    """Counts the pairs that ended against those that may still come."""

    def __init__(self) -> None:
        super().__init__(left="left at most")
        self._done = self._most = 0

    def turn(self, number: int, cells: int, most: int) -> None:
        """One more pair of ``cells`` cells begins; at most ``most`` pairs are to come."""
        benchmarks = words.count(cells, "benchmark")
        if number == 0:
            self._done = 0
            self.restart(most)
            if not self.is_live:
                self.line(f"measuring {benchmarks}")
        elif number == 1 and not self.is_live and isfinite(self.left_s):
            self.line(f"at most {self.left_s // 60:.0f}:{self.left_s % 60:02.0f} more")
        self._most = self._done + most
        self.say(f"pair {number + 1}: {benchmarks}")

    def cell(self) -> None:
        """A pair of a cell ended."""
        self._done += 1
        self.at(self._done, self._most)
