"""A task on a worker of a cluster: the part of the engine that runs there.

Takes a function and an item with what the process that sent them is made of. Gives the function's result, or a
``Refusal`` where this worker cannot do the same: it has other code, or does not see the files. It is asked with every
task, since workers come and go while a report is made.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

import tbp
from tbp.system.store import code_version

NO_SIZE = -1  # of a folder
EQUAL = "start it from an environment equal to this one"
REMEDY = "results, traces and the report have to lie where every worker finds them under the same path"
Seen: TypeAlias = tuple[str, int]  # a path as the sender sees it, and its size in bytes


class Identity(Struct, frozen=True):
    """The code of a process: equal ones give the same bytes of the same files."""

    python: str  # 3.11
    tbp: str
    code: bytes  # a digest of every line of tbp, and of the versions of what it computes with


class Refusal(Struct, frozen=True):
    """The reason why a worker did not begin a task; it does not see ``needed`` where that is the reason."""

    worker: str  # address, and name of the host
    reason: str
    needed: Seen | None = None


@cache
def identity() -> Identity:
    """The identity of this process."""
    return Identity(".".join(platform.python_version_tuple()[:2]), tbp.__version__, code_version())


def seen(paths: Iterable[Path]) -> tuple[Seen, ...]:
    """The paths that are there, of ``paths``, with their sizes."""
    there = ((os.fspath(path), _size(path)) for path in paths)
    return tuple((path, size) for path, size in there if size is not None)


def run_task(sender: Identity, folder: str, needed: Sequence[Seen], function: Callable[[Any], Any], item: Any) -> Any:
    """Returns ``function(item)``, done in ``folder`` as the sender would, or a ``Refusal``."""
    from distributed import get_worker

    worker = get_worker()
    name = f"{worker.address} on {platform.node()}"
    reason = difference(sender, identity()) or too_many_threads(worker.state.nthreads)
    if reason:
        return Refusal(name, reason)
    while "" in sys.path:  # the current folder, which is a project's from here on, is no place for modules
        sys.path.remove("")
    try:
        os.chdir(folder)  # paths are as the user wrote them, and so are the messages on them
    except OSError:
        return Refusal(name, f"does not see the folder {folder}, in which tbp runs: {REMEDY}")
    for path, size in needed:
        if _size(Path(path)) != size:
            return Refusal(name, f"does not see {path} as it is here: {REMEDY}", (path, size))
    return function(item)


def difference(sender: Identity, worker: Identity) -> str:
    """The difference between the code of two processes in words, with the remedy; empty where they are equal."""
    for name, its, mine in (("Python", worker.python, sender.python), ("tbp", worker.tbp, sender.tbp)):
        if its != mine:
            return f"has {name} {its}, and this is {mine}: {EQUAL}"
    return "" if worker.code == sender.code else f"has other code in its tbp {worker.tbp}, or below it: {EQUAL}"


def too_many_threads(threads: int) -> str:
    """A sentence where a worker has several threads, which share one current folder, and one lock of Python's."""
    return f"has {threads} threads: start it with --nthreads 1, and several with --nworkers" if threads > 1 else ""


def _size(path: Path) -> int | None:
    """Its size in bytes; None where it cannot be seen."""
    try:
        return NO_SIZE if path.is_dir() else path.stat().st_size
    except (OSError, ValueError):
        return None
