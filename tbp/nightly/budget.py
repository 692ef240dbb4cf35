"""The time that a night may take, so that a job ends before the limit of its CI system, with everything stored."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from types import FrameType

# Of a night that has an end, at most, for pairs: they confirm what the new commits make suspect. So a third of a short
# night is theirs, and the usual ten minutes of any night of half an hour or more.
PAIRED_SHARE = 1 / 3


class OutOfBudget(Exception):
    """The time was up before a commit was measured."""


class NightBudget:
    """Seconds from now on, of which the last ``paired_s`` at most are for pairs."""

    def __init__(self, total_s: float = inf, paired_s: float = 0.0) -> None:
        self._start_s = time.monotonic()
        self._end_s = self._start_s + total_s
        self._reserved_s = min(paired_s, PAIRED_SHARE * total_s)
        self._longest_s = 0.0  # of tonight's commits

    @property
    def left_s(self) -> float:
        """Seconds until the end of the night; never less than 0."""
        return max(0.0, self._end_s - time.monotonic())

    @property
    def for_commits_s(self) -> float:
        """Seconds that are left for commits."""
        return max(0.0, self.left_s - self._reserved_s)

    @property
    def has_room(self) -> bool:
        """True where a commit that takes as long as tonight's longest would be done in time; of the first, always."""
        return self.for_commits_s > self._longest_s

    @contextmanager
    def commit(self) -> Iterator[None]:
        """A block that measures one commit, and is interrupted when the time for commits is up. Raises OutOfBudget."""
        began_s = time.monotonic()
        with _ended_after(self.for_commits_s):
            yield
        self._longest_s = max(self._longest_s, time.monotonic() - began_s)


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    if seconds == inf or threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise OutOfBudget

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would be never
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
