"""Files that appear complete or not at all, also when the process is killed or the disk is full."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

# Hidden files of this name are locked by the process that writes them. Those that nobody locks are of killed ones.
UNFINISHED = ".unfinished-tbp-"
USUAL_MODE = 0o644


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, as ``whole_file`` does. Raises OSError, and then ``path`` is as it was."""
    with whole_file(path) as file:
        file.write(content)


def write_new(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, where no file is yet: of several processes one succeeds.

    On a file system without hard links a process that is killed here leaves half a file. Raises FileExistsError, and
    OSError.
    """
    with _unfinished(path.parent) as (file, unfinished):
        file.write(content)
        _complete(file, unfinished, USUAL_MODE)
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            with path.open("xb") as alone:
                alone.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, at the end whole at ``path`` and on the disk; after any exception ``path`` is as it was.

    A file that is there already keeps its mode.
    """
    with _unfinished(path.parent) as (file, unfinished):
        yield file
        _complete(file, unfinished, _mode(path))
        unfinished.replace(path)


@contextmanager
def _unfinished(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A hidden file of this process, which is gone at the end unless it has another name by then."""
    _remove_left(folder)
    handle, unfinished = _locked(folder)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def _complete(file: BinaryIO, unfinished: Path, mode: int) -> None:
    file.flush()
    os.fsync(file.fileno())
    unfinished.chmod(mode)


def remove_unfinished(folder: Path) -> int:
    """Delete what killed processes left half written in ``folder``; returns how many files that was."""
    removed = 0
    for path in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):  # it has its name by now, or a file system without locks
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed += 1
            finally:
                os.close(descriptor)
    return removed


@cache  # once is enough for a process, which may write thousands of files into one folder
def _remove_left(folder: Path) -> None:
    remove_unfinished(folder)


def _locked(folder: Path) -> tuple[int, Path]:
    """A new file that ``remove_unfinished`` leaves alone while it is open."""
    while True:
        handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
        with suppress(OSError):  # a file system without locks, on which nothing is removed either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # removed by another process before it was locked


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return USUAL_MODE
