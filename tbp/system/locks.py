"""One process at a time for a folder, by a lock of the kernel, which ends with its process, however that ends.

No file is made. A file system without locks (some network drives) locks nothing, and all goes on as without.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone_in(folder: Path, waits: Callable[[], None] = lambda: None) -> Iterator[None]:
    """A block that no two processes run for ``folder`` at once; ``waits`` is called where another one is waited for.

    Raises OSError where there is no such folder.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not try_lock(descriptor):
            waits()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
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
