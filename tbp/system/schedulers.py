"""The engine that work is shared out by: named on the command line, or by TBP_SCHEDULER.

It is never taken from a file: a scheduler can run code in this process, and a project comes from anywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tbp.errors import UsageError

VARIABLE = "TBP_SCHEDULER"
SERIAL, PROCESSES = "serial", "processes"
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/]+")
_NAMED: ContextVar[str] = ContextVar("scheduler", default="")


@contextmanager
def shared_by(scheduler: str) -> Iterator[None]:
    """A block whose work is shared out by ``scheduler``; if that is empty, as TBP_SCHEDULER says."""
    token = _NAMED.set(scheduler)
    try:
        yield
    finally:
        _NAMED.reset(token)


def scheduler() -> str:
    """The name of the engine in force; empty where nobody named one. Raises UsageError as ``checked``."""
    return _NAMED.get() or checked(os.environ.get(VARIABLE, ""))


def checked(text: str) -> str:
    """Returns ``text`` if it can name an engine: SERIAL, PROCESSES, an address, or nothing. Raises UsageError."""
    if text not in ("", SERIAL, PROCESSES) and not _ADDRESS.fullmatch(text):
        raise UsageError(
            f"a scheduler is {SERIAL}, {PROCESSES}, or the address of Dask's, such as tcp://10.0.0.1:8786, not {text}"
        )
    return text
