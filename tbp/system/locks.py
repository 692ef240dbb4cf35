"""One process at a time for a folder, by a lock of the kernel, which ends with its process, however that ends.

No file is made. A file system without locks (some network drives) locks nothing, and all goes on as without.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path

LOOK_S = 0.05  # between two looks at a lock that another process has


@contextmanager
def alone_in(folder: Path, waits: Callable[[], None] = lambda: None, timeout_s: float = inf) -> Iterator[None]:
    """A block that no two processes run for ``folder`` at once; ``waits`` is called where another one is waited for.

    Raises OSError where there is no such folder, and TimeoutError where the other one takes more than ``timeout_s``.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not try_lock(descriptor):
            waits()
            end_s = time.monotonic() + timeout_s
            while not try_lock(descriptor):
                if time.monotonic() > end_s:
                    raise TimeoutError(f"another process works in {folder}")
                time.sleep(LOOK_S)
        yield
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Locks an open file until it is closed; False where another process has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here: as if nobody else was there
        return True
    return True
