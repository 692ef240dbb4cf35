"""Several processes for what would take one of them long.

Takes a function and batches of items, gives the results in order: the same as ``map``, also where there is only one
core, where no process can be started, or where one is killed meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Item = TypeVar("Item")
Batch = TypeVar("Batch")
Result = TypeVar("Result")

# Starting takes a process 0.3 s, most of it for numpy, and each new one a little; less where that began before.
WORTH_S = 0.8
PREPARED_WORTH_S = 0.1
SHARES = 2  # batches for each process: with one, the slowest makes the others wait
MOST = 16  # a report's own work, handing out and taking in, keeps no more busy
# Imported once, before the processes part.
_PRELOAD = ["tbp.history.judging", "tbp.report.site"]


class Workers:
    """At most ``most`` processes, by default one for each core this process may use; none before there is enough to
    do. To be closed after use, as a context.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = min(MOST, most if most is not None else cores())
        self._pool: ProcessPoolExecutor | None = None
        self._worth_s = WORTH_S

    def prepare(self) -> None:
        """Have what processes need imported while this one does something else: there will be much to do."""
        if self.most > 1:
            with contextlib.suppress(ImportError, OSError, ValueError):  # as in _started
                from multiprocessing import forkserver

                forkserver.set_forkserver_preload(_PRELOAD)
                forkserver.ensure_running()
                self._worth_s = PREPARED_WORTH_S

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def map(self, function: Callable[[Batch], Result], batches: Sequence[Batch], expected_s: float) -> Iterator[Result]:
        """``function`` of each of ``batches``, in order. ``expected_s`` is about what all of it takes one process.

        Other processes begin at once, and this one may do something else before it asks for the results.
        """
        wanted = min(self.most, len(batches), int(expected_s / self._worth_s))
        pool = self._started(wanted) if wanted > 1 else None
        if pool is None:
            return map(function, batches)
        return _collected(_submitted(pool, function, batches), function, batches)

    def share(self, work: int, most: int) -> int:
        """How much of ``work`` to do at a time, at most ``most``: small enough that all processes end together."""
        return min(most, max(1, work // (SHARES * self.most))) if self.most > 1 else most

    def _started(self, wanted: int) -> ProcessPoolExecutor | None:
        if self._pool is None:
            with contextlib.suppress(ImportError, OSError, ValueError):  # no semaphores here, or no new process
                import multiprocessing
                from concurrent.futures import ProcessPoolExecutor

                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload(_PRELOAD)
                self._pool = ProcessPoolExecutor(wanted, context)
        return self._pool


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


def _submitted(
    pool: ProcessPoolExecutor, function: Callable[[Batch], Result], batches: Sequence[Batch]
) -> list[Future[Result] | None]:
    from concurrent.futures.process import BrokenProcessPool

    futures: list[Future[Result] | None] = []
    for batch in batches:
        try:
            futures.append(pool.submit(function, batch))
        except (BrokenProcessPool, OSError):
            futures.append(None)
    return futures


def _collected(
    futures: list[Future[Result] | None], function: Callable[[Batch], Result], batches: Sequence[Batch]
) -> Iterator[Result]:
    from concurrent.futures.process import BrokenProcessPool

    for place, batch in enumerate(batches):
        future, futures[place] = futures[place], None  # a result is kept by nobody but the caller
        try:
            result = future.result() if future is not None else function(batch)
        except BrokenProcessPool:  # one was killed, and the others with it
            result = function(batch)
        yield result
