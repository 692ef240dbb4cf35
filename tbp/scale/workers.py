"""Several processes for what would take one of them long.

Takes a function and batches of items, gives the results in order: the same as ``map``, also where there is only one
core, where no process can be started, or where one is killed meanwhile.

The others are forked when there is something to do: they have what this process has imported and the arguments at
once, and begin after some milliseconds. Each process takes the next batch that nobody has; results come back in
files. A process that has threads is not forked, since a lock that one of them holds would stay locked.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
Batch = TypeVar("Batch")
Result = TypeVar("Result")

WORTH_S = 0.03  # what a process must have to do: forking one and taking in its results costs a fifth of that
SHARES = 2  # batches for each process: with one, the slowest makes the others wait
MOST = 16  # a report's own work, handing out and taking in, keeps no more busy
_PLACE_BYTES = 4
_MOST_PLACES = 65_536 // _PLACE_BYTES  # so many a pipe holds on Linux


class Workers:
    """At most ``most`` processes, this one among them, by default one for each core that it may use; no others before
    there is enough to do. To be closed after use, as a context.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = min(MOST, most if most is not None else cores())
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def map(self, function: Callable[[Batch], Result], batches: Sequence[Batch], expected_s: float) -> Iterator[Result]:
        """``function`` of each of ``batches``, in order. ``expected_s`` is about what all of it takes one process.

        Other processes begin at once, and this one may do something else before it asks for the results.
        """
        others = min(self.most, len(batches), int(expected_s / WORTH_S)) - 1
        if others < 1 or not can_fork() or len(batches) > _MOST_PLACES:
            return map(function, batches)
        try:
            return self._open.enter_context(_Shared(function, batches, others)).results()
        except OSError:  # no room for results, or no new process
            return map(function, batches)

    def share(self, work: int, most: int) -> int:
        """How much of ``work`` to do at a time, at most ``most``: small enough that all processes end together."""
        return min(most, max(1, work // (SHARES * self.most))) if self.most > 1 else most


def batched(items: Sequence[Item], sizes: Sequence[int], enough: int) -> list[list[Item]]:
    """``items`` in order, so many together that their ``sizes`` are ``enough``."""
    batches: list[list[Item]] = []
    room = 0
    for item, size in zip(items, sizes, strict=True):
        if room <= 0:
            batches.append([])
            room = enough
        batches[-1].append(item)
        room -= size
    return batches


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_fork() -> bool:
    """Whether a copy of this process can be relied on. Those of macOS fail in Apple's own libraries."""
    return sys.platform == "linux" and threading.active_count() == 1


class _Shared(Generic[Batch, Result]):
    """Batches that several processes do; the others begin when this is made."""

    def __init__(self, function: Callable[[Batch], Result], batches: Sequence[Batch], others: int) -> None:
        self._function, self._batches = function, batches
        self._own: dict[int, Result] = {}
        self._done: set[int] = set()
        self._processes: list[int] = []
        with contextlib.ExitStack() as opened:
            self._folder = Path(opened.enter_context(TemporaryDirectory(prefix="tbp-")))
            self._next, places = _pipe(opened)
            self._news, news = _pipe(opened)
            places.write(b"".join(place.to_bytes(_PLACE_BYTES) for place in range(len(batches))))
            places.close()
            opened.callback(self._end)
            for _ in range(others):
                self._processes.append(self._forked(news))
            news.close()  # so that the last of the others to end closes it
            self._opened = opened.pop_all()

    def __enter__(self) -> _Shared[Batch, Result]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()

    def results(self) -> Iterator[Result]:
        """In the order of the batches; this process does one itself while the one to come is not there."""
        for place, batch in enumerate(self._batches):
            self._hear(0)
            while place not in self._own and place not in self._done:
                following = self._following()
                if following is not None:
                    self._own[following] = self._function(self._batches[following])
                    self._hear(0)
                elif not self._hear(None):  # whoever took it was killed, or failed at it
                    self._own[place] = self._function(batch)
            yield self._own.pop(place) if place in self._own else self._taken(place)

    def _taken(self, place: int) -> Result:
        path = self._folder / str(place)
        try:
            result: Result = pickle.loads(path.read_bytes())
            path.unlink()
        except (OSError, EOFError, pickle.UnpicklingError):  # somebody tidied the folder
            return self._function(self._batches[place])
        return result

    def _hear(self, timeout_s: float | None) -> bool:
        """Which batches the others did; False when there is no news, or nobody any more who could tell some."""
        if not select.select([self._news], [], [], timeout_s)[0]:
            return False
        news = self._news.read(_PLACE_BYTES * _MOST_PLACES)
        self._done.update(
            int.from_bytes(news[start : start + _PLACE_BYTES]) for start in range(0, len(news), _PLACE_BYTES)
        )
        return bool(news)

    def _following(self) -> int | None:
        """A batch that nobody began; None if there is none. A pipe gives what is in it to one process only."""
        place = self._next.read(_PLACE_BYTES)
        return int.from_bytes(place) if place else None

    def _forked(self, news: FileIO) -> int:
        with warnings.catch_warnings():
            # numpy's threads, which Python 3.12 warns of, hold no lock then and are begun anew where they are needed.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if process == 0:
            with contextlib.suppress(BaseException):  # this process sees that it fails when it does the same
                self._work(news)
            os._exit(0)  # nothing of the copy may be flushed or cleaned up
        return process

    def _work(self, news: FileIO) -> None:
        while (place := self._following()) is not None:
            with (self._folder / str(place)).open("wb") as file:
                pickle.dump(self._function(self._batches[place]), file, pickle.HIGHEST_PROTOCOL)
            news.write(place.to_bytes(_PLACE_BYTES))

    def _end(self) -> None:
        for process in self._processes:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.waitpid(process, 0)
        self._processes.clear()


def _pipe(opened: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    """Its ends to read from and to write to, closed with ``opened`` at the latest."""
    reading, writing = os.pipe()
    return opened.enter_context(FileIO(reading)), opened.enter_context(FileIO(writing, "w"))
