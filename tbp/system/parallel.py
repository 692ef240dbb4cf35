"""Work shared out: the one place where tbp starts processes for it, or asks those of a cluster.

Takes a function and items, gives the results in the order of the items, as ``map`` does. Function, items and results
travel between processes, so they have to be picklable. Three engines give the same: this process, several processes of
this machine (loky, which joblib brings), and the workers of a Dask cluster (``tbp.system.cluster``).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct

from tbp.system.in_order import InOrder
from tbp.system.schedulers import PROCESSES, SERIAL, scheduler

Item = TypeVar("Item")
Result = TypeVar("Result")

# Work that takes one process less than this is done here: to start the interpreters of two others and to import numpy
# and the analysis in them took 1.0 s on two cores, and halving the work must bring more than that.
WORTH_S = 2.0
# The work of the largest project seen (10,600 series over 165 commits, 31 CPU s) leaves each of 16 about that much.
MOST_JOBS = 16
PER_JOB = 2  # tasks: one at work, and one that is there when it ends
# Results that wait for whoever takes them, where nothing else is said: findings and names of files have kilobytes.
MOST_WAITING = 1000
IDLE_S = 300.0  # after which processes end that nobody gives anything to do
SAFE_PATH = "PYTHONSAFEPATH"
# Each process has one core, as one of several; these are what numpy's libraries read.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


def no_paths(item: object) -> tuple[Path, ...]:
    """The paths of items that travel with all that they need."""
    return ()


def mapped(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    seconds: float,
    jobs: int | None = None,
    paths: Callable[[Item], Iterable[Path]] = no_paths,
    most_waiting: int = MOST_WAITING,
    doing: str = "",
) -> Generator[Result, None, None]:
    """Returns ``function`` of each item, in order, from several processes where that is worth their start.

    ``seconds`` is about what all of it takes one process. ``jobs`` is how many processes may work at once; by default
    one for each core that this process may use. Where a Dask scheduler is named, its workers do all that there is.
    ``paths`` are the files that an item needs, or the folder it writes to, all of which a worker has to see. ``doing``
    names the work beside a bar with the time left, which a terminal shows while results are taken.

    The tasks begin when this is called, so that the caller may do something else before it asks for the results. At
    most ``most_waiting`` results wait for it. An error of ``function`` is raised here. A process that died is replaced,
    and its work done again. No process works on when the generator is closed, or is left by an error or by Ctrl-C;
    a worker of a cluster ends the task at hand.

    Raises:
        UsageError: TBP_SCHEDULER names no scheduler.
        UnusableCluster: the scheduler named does not answer, or its workers cannot do the same as this process.
    """
    engine = scheduler()
    is_long = seconds >= WORTH_S and len(items) > 1
    if items and engine not in ("", SERIAL, PROCESSES):
        from tbp.system.cluster import cluster

        is_long = True
        results = cluster(engine).results(function, items, paths, most_waiting)
    elif is_long and jobs != 1 and engine != SERIAL:
        results = _from_processes(function, items, jobs, most_waiting)
    else:
        results = _from_here(function, items)
    next(results)  # no result yet: the tasks have begun, and whoever closes the generator from here on ends them
    return _counted(results, len(items), doing) if is_long and doing else results


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


def _counted(results: Generator[Result, None, None], total: int, doing: str) -> Generator[Result, None, None]:
    """Returns ``results``, with a bar on a terminal from the first that somebody asks for."""
    from tbp.system.progress import Progress  # here, as rich takes 0.05 s

    with closing(results), Progress() as progress:
        progress.say(doing)
        progress.restart(total)
        for done, result in enumerate(results):
            progress.at(done, total)
            yield result


def _from_here(function: Callable[[Item], Result], items: Sequence[Item]) -> Generator[Result, None, None]:
    yield cast(Result, None)
    yield from map(function, items)


def _from_processes(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int | None, most_waiting: int
) -> Generator[Result, None, None]:
    """Nothing when the tasks have begun, then the results: from processes as far as they live, the rest from here.

    A process is killed most often because the memory was full. So half as many begin again with what is left to do.
    """
    done, begun = 0, _begun(function, items, jobs, most_waiting)
    try:
        yield cast(Result, None)
        while begun is not None:
            try:
                for _, future in begun.tasks:
                    yield future.result()
                    done += 1
                break
            except BrokenExecutor:
                begun = _begun(function, items[done:], begun.jobs // 2, most_waiting)
    finally:
        if begun is not None and begun.tasks.close():  # loky waits for ever where a task was cancelled before
            begun.executor.shutdown(kill_workers=True)
    yield from map(function, items[done:])


class _Begun(Struct, Generic[Item, Result]):
    tasks: InOrder[Item, Result]
    executor: Any  # loky's, which has no types
    jobs: int


def _begun(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int | None, most_waiting: int
) -> _Begun[Item, Result] | None:
    """The tasks, begun in up to ``jobs`` processes; None where there is nothing to share, or none can be started."""
    if len(items) < 2 or (jobs is not None and jobs < 2):
        return None
    try:
        from joblib import cpu_count  # here, as it takes 0.1 s, and most verbs share nothing out
        from joblib.externals.loky import get_reusable_executor

        jobs = jobs or min(cpu_count(), MOST_JOBS)
        # Workers inherit the mask: Ctrl-C at a terminal is for this process, which ends them, and not for them.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with _safe_path():
                executor = get_reusable_executor(jobs, timeout=IDLE_S, env=ONE_THREAD)
                tasks = InOrder(partial(executor.submit, function), items, lambda: PER_JOB * jobs, most_waiting)
                tasks.fill()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    except OSError:  # no process can be started, or too many files are open
        return None
    return _Begun(tasks, executor, jobs)


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
