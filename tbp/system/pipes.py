"""What a pipe takes in."""

from __future__ import annotations

import sys
from typing import IO

POSIX_LEAST = 512  # bytes, of every pipe


def room(pipe: IO[bytes]) -> int:
    """How many bytes an empty ``pipe`` takes in that nobody reads yet, at least. Linux gives a user who has many pipes
    smaller ones.
    """
    if sys.platform != "linux":
        return POSIX_LEAST
    import fcntl

    return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
