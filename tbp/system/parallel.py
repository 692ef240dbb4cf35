"""Work shared out to several processes: the one place where tbp starts any, through joblib.

Takes a function and items, gives the results in the order of the items, as ``map`` does. Function, items and results
travel between processes, so they have to be picklable. A joblib backend that is set from outside is used as it is:
``with joblib.parallel_config(backend="dask"): ...`` spreads a report over a cluster.
"""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")

# Work that takes one process less than this is done here: to start the interpreters of two others and to import numpy
# and the analysis in them took 1.0 s on two cores, and halving the work must bring more than that.
WORTH_S = 2.0
# The work of the largest project seen (10,600 series over 165 commits, 31 CPU s) leaves each of 16 about that much.
MOST_JOBS = 16
SAFE_PATH = "PYTHONSAFEPATH"


def mapped(
    function: Callable[[Item], Result], items: Sequence[Item], *, seconds: float, jobs: int | None = None
) -> Generator[Result, None, None]:
    """Returns ``function`` of each item, in order, from several processes where that is worth their start.

    ``seconds`` is about what all of it takes one process. ``jobs`` is how many processes may work at once; by default
    one for each core that this process may use, or as many as the backend that is set from outside has. They begin when
    this is called, so that the caller may do something else before it asks for the results. An error of ``function`` is
    raised here. The work of a process that died is done in this one. No process works on when the generator is closed,
    or is left by an error or by Ctrl-C.
    """
    begun = None
    if seconds >= WORTH_S and len(items) > 1 and jobs != 1:
        with suppress(OSError):  # no process can be started, or too many files are open
            begun = _begun(function, items, jobs)
    results = _in_order(function, items, begun)
    next(results)  # which enters its ``finally``: whoever closes it from here on ends the others
    return results


def batched(items: Sequence[Item], sizes: Sequence[int], enough: int) -> list[list[Item]]:
    """Returns ``items`` in order, so many together that their ``sizes`` add up to ``enough``."""
    batches: list[list[Item]] = []
    room = 0
    for item, size in zip(items, sizes, strict=True):
        if room <= 0:
            batches.append([])
            room = enough
        batches[-1].append(item)
        room -= size
    return batches


def _begun(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int | None
) -> Generator[Result, None, None]:
    import joblib  # here, as it takes 0.1 s, and most verbs share nothing out

    jobs_outside = joblib.effective_n_jobs(None)  # 1 where nobody chose a backend
    jobs = jobs or (None if jobs_outside > 1 else min(joblib.cpu_count(), MOST_JOBS))
    # One item a task, as the callers batch; arrays travel with the rest, since not every machine has room in /dev/shm.
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator", batch_size=1, max_nbytes=None)
    # Workers inherit the mask: Ctrl-C at a terminal is for this process, which ends them, and not for them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _safe_path():
            results: Generator[Result, None, None] = parallel(joblib.delayed(function)(item) for item in items)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return results


@contextmanager
def _safe_path() -> Iterator[None]:
    """A block in which Python starts without the current folder in its path: a project may have a folder joblib/."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


def _in_order(
    function: Callable[[Item], Result], items: Sequence[Item], begun: Generator[Result, None, None] | None
) -> Generator[Result, None, None]:
    """An item that is no result, then the results: those of ``begun`` as far as they come, the rest made here."""
    done = 0
    try:
        yield cast(Result, None)
        for result in begun or ():
            yield result
            done += 1
    except BrokenExecutor:  # a worker was killed, most often because the memory was full
        pass
    finally:
        if begun is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib's, of results that nobody took
                begun.close()
    yield from map(function, items[done:])
