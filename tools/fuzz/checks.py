"""Bounds, files and checks that the fuzz targets share."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from tbp.system.foreign_text import INVISIBLE
from tbp.system.printing import guarded, warn

# Of one input of at most some kilobytes. The slowest sound one, a JSON5 text of that size, takes 0.3 s; the configured
# bounds of the readers themselves (docs/reference/limits.md) are for files of megabytes, and 5 s at most.
MOST_CPU_S = 6.0
MOST_BYTES = 128_000_000  # of memory that one input adds to the process; the imports of a verb are done before


class Fault(Exception):
    """A target's input did what none may do; the message says which."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """A block that takes MOST_CPU_S and MOST_BYTES at most. Raises Fault."""
    cpu_s, peak = time.process_time(), _peak_bytes()
    yield
    if (taken := time.process_time() - cpu_s) > MOST_CPU_S:
        raise Fault(f"it took {taken:.1f} s of the processor")
    if (more := _peak_bytes() - peak) > MOST_BYTES:
        raise Fault(f"it took {more:,} bytes of memory")


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@cache
def scratch() -> Path:
    """An empty folder for the files of this process, in memory where there is such a place."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="tbp-fuzz-", dir=memory if os.access(memory, os.W_OK) else None))


def file_of(name: str, data: bytes) -> Path:
    """A file of that name, which may have folders, in ``scratch``."""
    path = scratch() / name
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    return path


def is_sampled(data: bytes, one_in: int) -> bool:
    """True for a part of the inputs, the same ones always."""
    return zlib.crc32(data, 1) % one_in == 0


def gzipped(data: bytes) -> bytes:
    """``data`` as a gzip file, unless it is one; stored, which takes no time. At most 65,535 bytes."""
    if data[:1] == b"\x1f":
        return data
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01"
    size = len(data)
    return b"".join((head, struct.pack("<HH", size, size ^ 0xFFFF), data, struct.pack("<II", zlib.crc32(data), size)))


def require_printable(lines: Iterable[str]) -> None:
    """Raises Fault unless each of ``lines`` is printed as one line, of which no character acts unseen."""
    several = tuple(lines)
    errors, sys.stderr = sys.stderr, io.StringIO()
    try:
        warn(*several)
        printed = sys.stderr.getvalue()
    finally:
        sys.stderr = errors
    require_harmless(printed)
    if printed.count("\n") != len(several):
        raise Fault(f"{len(several)} lines were printed as {printed!r:.300}")


def require_harmless(printed: str) -> None:
    """Raises Fault where a character acts unseen, or cannot be encoded."""
    if unseen := INVISIBLE.search(printed):
        raise Fault(f"{unseen.group()!r} was printed: {printed[max(0, unseen.start() - 40) : unseen.end() + 40]!r}")
    printed.encode()


def printed_by(run: Callable[[], int]) -> tuple[int, str]:
    """The exit code of ``run``, and all that it printed."""
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    try:
        with guarded():
            code = run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 2
    finally:
        printed = f"{sys.stdout.getvalue()}{sys.stderr.getvalue()}"
        sys.stdout, sys.stderr = streams
    return code, printed
