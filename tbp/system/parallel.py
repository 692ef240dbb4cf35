"""Work shared out to several processes: the one place where tbp starts any, through joblib.

Takes a function and items, gives the results in the order of the items, as ``map`` does. Function, items and results
travel between processes, so they have to be picklable. A joblib backend that is set from outside is used as it is:
``with joblib.parallel_config(backend="dask"): ...`` spreads a report over a cluster.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Work that takes one process less than this is done here: to start the interpreters of two others and to import numpy
# and the analysis in them took 1.0 s on two cores, and halving the work must bring more than that.
WORTH_S = 2.0
# Handing out and taking in keeps no more processes busy (measured on 10,600 series).
MOST_JOBS = 16


def mapped(
    function: Callable[[Item], Result], items: Sequence[Item], *, seconds: float, jobs: int | None = None
) -> Iterator[Result]:
    """Returns ``function`` of each item, in order, from several processes where that is worth their start.

    ``seconds`` is about what all of it takes one process. ``jobs`` is how many processes may work at once; by default
    one for each core that this process may use, or as many as the backend that is set from outside has. Nothing starts
    before the first result is asked for. An error of ``function`` is raised here. The work of a process that died is
    done in this one. No process works on when the iterator is closed, or is left by an error or by Ctrl-C.
    """
    if seconds < WORTH_S or len(items) < 2 or (jobs is not None and jobs < 2):
        yield from map(function, items)
        return
    done = 0
    results = _begun(function, items, jobs)
    try:
        for result in results:  # not `yield from`, which would close them before the warning is silenced
            yield result
            done += 1
    except BrokenExecutor:  # a worker was killed, most often because the memory was full
        yield from map(function, items[done:])
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib's, of results that nobody took
            results.close()


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
    results: Generator[Result, None, None] = parallel(joblib.delayed(function)(item) for item in items)
    return results
