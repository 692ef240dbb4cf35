"""Progress on stderr: the work at hand and how long it may take; on a terminal one line that changes."""

from __future__ import annotations

import sys
import time

from tbp.wording import words


class Progress:
    """Told what happens; says it."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._start_s = time.monotonic()
        self._done = self._most = 0
        self._words = ""

    def say(self, words: str) -> None:
        if self._live:
            print(f"\r\x1b[K{words[:78]}", end="", file=sys.stderr, flush=True)

    def turn(self, number: int, cells: int, most: int) -> None:
        """One more pair of so many cells begins; at most so many pairs are to come."""
        if number == 0:
            self._start_s, self._done = time.monotonic(), 0
            if not self._live:
                print(f"measuring {words.count(cells, 'benchmark')}", file=sys.stderr)
        self._most = self._done + most
        if number == 1 and not self._live and self._done:
            print(f"at most {_minutes(self._left_s())} more", file=sys.stderr)
        self._words = f"pair {number + 1} of {words.count(cells, 'benchmark')}"
        self.say(self._words)

    def cell(self) -> None:
        """A pair of a cell ended."""
        self._done += 1
        self.say(f"{self._words}, at most {_minutes(self._left_s())} left")

    def _left_s(self) -> float:
        return (time.monotonic() - self._start_s) / self._done * (self._most - self._done)

    def end(self) -> None:
        """Let what comes next begin a line of its own."""
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"
