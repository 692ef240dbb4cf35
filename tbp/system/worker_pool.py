"""Several processes for what would take one of them long.

Takes a function and batches of items, gives the results in order: the same as ``map``, also where there is only one
core, where no process can be started, or where one is killed meanwhile.

The others are forked when there is something to do: they have what this process has imported and the arguments at
once, and begin after some milliseconds. Each process takes the next batch that nobody has, and leaves its results in a
memory that it shares with the first. A process that has threads is not forked, since a lock that one of them holds
would stay locked.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import warnings
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from io import BufferedWriter, FileIO
from mmap import ACCESS_READ, mmap
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from tbp.system.pipes import room

Item = TypeVar("Item")
Batch = TypeVar("Batch")
Result = TypeVar("Result")

WORTH_S = 0.03  # what a process must have to do: forking one and taking in its results costs a fifth of that
LEAST_SHARES = 6  # of what each process has to do, the least that is worth a batch of its own
MOST = 16  # a report's own work, handing out and taking in, keeps no more busy
_READ_BYTES = 65_536  # as much as a pipe holds
_NUMBER, _NUMBER_BYTES = "q", 8  # of which a pipe hands over hundreds that are written at once together


class Workers:
    """At most ``most`` processes, this one among them, by default one for each core that it may use; no others before
    there is enough to do. A context, which ends the others: before what they write to is gone, and it may be entered
    again. Results that nobody took are lost then.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = min(MOST, most if most is not None else cores())
        self._open = contextlib.ExitStack()
        self._later: list[Callable[[], Any]] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def map(self, function: Callable[[Batch], Result], batches: Sequence[Batch], expected_s: float) -> Iterator[Result]:
        """``function`` of each of ``batches``, in order. ``expected_s`` is about what all of it takes one process.

        Other processes begin at once, and this one may do something else before it asks for the results; then it does
        first what was put off until ``later``.
        """
        others = min(self.most, len(batches), int(expected_s / WORTH_S)) - 1
        if others < 1 or not can_fork():
            return map(function, batches)
        try:
            shared = self._open.enter_context(_Shared(function, batches, others))
        except OSError:  # no memory to share, no new process, or too many batches
            return map(function, batches)
        return self._results(shared)

    def later(self, function: Callable[[], Result]) -> Callable[[], Result]:
        """What ``function`` gives, found when others are at work the next time, as it costs a part of its time then; or
        when it is asked for.
        """
        once = cache(function)
        self._later.append(once)
        return once

    def _results(self, shared: _Shared[Batch, Result]) -> Iterator[Result]:
        while self._later:
            self._later.pop(0)()
        yield from shared.results()
        shared.forget()

    def batched(self, items: Sequence[Item], sizes: Sequence[int], enough: int) -> list[list[Item]]:
        """``batched`` for these processes."""
        return batched(items, sizes, enough, self.most)


def batched(items: Sequence[Item], sizes: Sequence[int], enough: int, processes: int = 1) -> list[list[Item]]:
    """``items`` in order, so many together that their ``sizes`` are ``enough``; for several processes fewer, first half
    of what is left for each, in the end little: all of them end together, and few batches have to be begun.
    """
    batches: list[list[Item]] = []
    left = sum(sizes)
    least, room = max(1.0, left / (LEAST_SHARES * processes)), 0.0
    for item, size in zip(items, sizes, strict=True):
        if room <= 0:
            batches.append([])
            room = min(enough, max(least, left / (2 * processes))) if processes > 1 else enough
        batches[-1].append(item)
        room -= size
        left -= size
    return batches


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_fork() -> bool:
    """Whether a copy of this process can be relied on. Those of macOS fail in Apple's own libraries."""
    return sys.platform == "linux" and hasattr(os, "memfd_create") and threading.active_count() == 1


class _News(NamedTuple):
    """A batch that another process did, and where its result is."""

    batch: int
    memory: int  # its file descriptor
    start: int
    size: int

    @classmethod
    def all_in(cls, numbers: array[int]) -> list[_News]:
        """Those that came through a pipe one after the other."""
        size = len(cls._fields)
        return [cls(*numbers[start : start + size]) for start in range(0, len(numbers), size)]


class _Shared(Generic[Batch, Result]):
    """Batches that several processes do; the others begin when this is made."""

    def __init__(self, function: Callable[[Batch], Result], batches: Sequence[Batch], others: int) -> None:
        self._function, self._batches = function, batches
        self._own: dict[int, Result] = {}
        self._done: dict[int, _News] = {}
        self._processes: list[int] = []
        self._memories: list[FileIO] = []
        with contextlib.ExitStack() as opened:
            self._next, places = _pipe(opened)
            self._news, news = _pipe(opened)
            if len(batches) * _NUMBER_BYTES > room(places):
                raise OSError("a pipe does not hold the numbers of so many batches")
            places.write(array(_NUMBER, range(len(batches))))
            places.close()
            opened.callback(self._end)
            for place in range(others):
                self._memories.append(opened.enter_context(FileIO(os.memfd_create(f"tbp-{place}"), "r+")))
                self._processes.append(self._forked(self._memories[-1], news))
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
            yield self._own.pop(place) if place in self._own else _taken(self._done[place])

    def forget(self) -> None:
        """Free the results, when all of them are taken."""
        for memory in self._memories:
            memory.close()

    def _hear(self, timeout_s: float | None) -> bool:
        """Which batches the others did; False when there is no news, or nobody any more who could tell some."""
        if not select.select([self._news], [], [], timeout_s)[0]:
            return False
        news = _News.all_in(array(_NUMBER, self._news.read(_READ_BYTES)))
        self._done.update((one.batch, one) for one in news)
        return bool(news)

    def _following(self) -> int | None:
        """A batch that nobody began; None if there is none. A pipe gives what is in it to one process only."""
        place = array(_NUMBER, self._next.read(_NUMBER_BYTES))
        return place[0] if place else None

    def _forked(self, memory: FileIO, news: FileIO) -> int:
        with warnings.catch_warnings():
            # numpy's threads, which Python 3.12 warns of, hold no lock then and are begun anew where they are needed.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if process == 0:
            with contextlib.suppress(BaseException):  # this process sees that it fails when it does the same
                self._work(memory, news)
            os._exit(0)  # nothing of the copy may be flushed or cleaned up
        return process

    def _work(self, memory: FileIO, news: FileIO) -> None:
        import pickle  # here, so that this process imports it while the other does something else

        self._news.close()  # so that telling somebody who is gone fails
        with BufferedWriter(memory) as file:
            while (place := self._following()) is not None:
                start = file.tell()
                pickle.dump(self._function(self._batches[place]), file, pickle.HIGHEST_PROTOCOL)
                file.flush()
                news.write(array(_NUMBER, _News(place, memory.fileno(), start, file.tell() - start)))

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


def _taken(news: _News) -> Any:
    """The result that another process left."""
    import pickle

    with mmap(news.memory, news.start + news.size, access=ACCESS_READ) as memory, memoryview(memory) as whole:
        return pickle.loads(whole[news.start :])
