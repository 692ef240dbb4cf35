"""Files of others, read no further than is sound: plain files up to a size, unpacked up to a size, work up to a time.

A results folder, a configuration and a cache come from elsewhere: a pipe that nobody writes to, a device without an
end, three megabytes that unpack to six gigabytes. Each reader names its bounds, and docs/reference/limits.md has all.
"""

from __future__ import annotations

import errno
import gzip
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from types import FrameType

from tbp.errors import UsageError

LEAST_ADDRESS_BYTES = 400 << 20
"""Address space that a process needs: with less, numpy, scipy and pandas fail to load, and with 260 to 280 MB OpenBLAS
waits for ever."""


class OutOfBounds(OSError):
    """A file that is not read because of its kind or its size; ``strerror`` is the reason, as of every OSError."""


class TooSlow(Exception):
    """The time that ``limited_to`` gives was up."""


def require_address_space() -> None:
    """Raises UsageError where ``ulimit -v`` leaves this process less than LEAST_ADDRESS_BYTES."""
    import resource  # here, as only Unix has it

    most_bytes, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most_bytes != resource.RLIM_INFINITY and most_bytes < LEAST_ADDRESS_BYTES:
        raise UsageError(
            f"`ulimit -v` leaves {most_bytes >> 20} MB of address space, and its libraries need "
            f"{LEAST_ADDRESS_BYTES >> 20} MB; raise it"
        )


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Returns the content of a plain file; waits for nobody, whatever stands at ``path``.

    Raises:
        OSError: it cannot be opened; OutOfBounds where it is no plain file, or larger than ``most_bytes``.
    """
    try:
        _require_plain(path.stat())  # before it is opened, which alone may set a device to work
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:  # a null, or half a character
        raise OutOfBounds(errno.EINVAL, "its name is none that a file can have") from None
    with os.fdopen(descriptor, "rb") as file:
        _require_plain(os.fstat(descriptor))
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OutOfBounds(errno.EFBIG, f"larger than the {in_bytes(most_bytes)} that are read")
    return content


def _require_plain(state: os.stat_result) -> None:
    if not S_ISREG(state.st_mode):
        raise OutOfBounds(errno.EINVAL, "no plain file")


def unpacked(packed: bytes, most_bytes: int) -> bytes:
    """Returns what the gzip file ``packed`` holds.

    Raises:
        OSError, EOFError, zlib.error: it is damaged; OutOfBounds where it holds more than ``most_bytes``.
    """
    with gzip.open(BytesIO(packed)) as file:  # not gzip.decompress: a few kilobytes can hold gigabytes
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OutOfBounds(errno.EFBIG, f"unpacked it is larger than the {in_bytes(most_bytes)} that are read")
    return content


def in_bytes(size: int) -> str:
    """``64 MB``; the bounds are round numbers of decimal units."""
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} bytes"


@contextmanager
def limited_to(cpu_s: float) -> Iterator[None]:
    """A block that may take so many seconds of this process's CPU time, by which a busy machine refuses nothing.

    Regular expressions and parsers in Python have no bound of their own. Only the main thread can be interrupted, so
    elsewhere there is none. Raises TooSlow.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before or signal.SIG_DFL)
