"""Processes that must not outlive this one, even where it is killed and can end nothing itself.

A measuring process that nobody waits for goes on beside the next night, and makes its numbers wrong. So each that leads
a session of its own is named to a minder, a small process that waits for this one's end and then kills those sessions.
It does the same with all that inherited this process's mark, wherever they went, and removes temporary folders. This
module is also the minder's program, and imports the standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

# The variable that all inherit which is started while something measures.
MARK = "TBP_MARK"
# How long a killed process is waited for: it is gone in milliseconds, unless the kernel waits for a device.
KILLED_S = 10.0


def mind(leader: int) -> None:
    """Have the session of ``leader`` killed when this process ends before ``forget`` is called."""
    _tell("+", "session", str(leader))


def forget(leader: int) -> None:
    """Leave the session of ``leader`` alone from now on."""
    _tell("-", "session", str(leader))


@contextmanager
def marking() -> Iterator[str]:
    """A block that marks what it starts in sessions of their own, and kills it in the end; gives the mark.

    Benchmarks and builds start daemons, which leave the session of what started them.
    """
    mark = os.urandom(16).hex()
    os.environ[MARK] = mark
    _tell("+", "mark", mark)
    try:
        yield mark
    finally:
        del os.environ[MARK]
        kill_marked(mark)
        _tell("-", "mark", mark)


@contextmanager
def temporary_folder(prefix: str = "tbp-") -> Iterator[Path]:
    """A folder for temporary files, gone in the end, however this process ends."""
    import tempfile  # here, as the minder needs none of it

    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        encoded = os.fsencode(name).hex()
        _tell("+", "folder", encoded)
        try:
            yield Path(name)
        finally:
            _tell("-", "folder", encoded)


def kill_session(leader: int) -> None:
    """Kill every process in the session of ``leader``, also those in process groups of their own."""
    end_s = time.monotonic() + KILLED_S
    while (members := _members(leader)) and time.monotonic() < end_s:
        for member in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(member, signal.SIGKILL)
        time.sleep(0.01)  # one that forks while it is killed leaves a child behind


def kill_marked(mark: str) -> None:
    """Kill every process with this mark that has left the session of this one."""
    end_s = time.monotonic() + KILLED_S
    while (marked := _marked(f"{MARK}={mark}".encode())) and time.monotonic() < end_s:
        for pid in marked:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _marked(variable: bytes) -> list[int]:
    marked = []
    for pid in processes():
        with suppress(OSError):  # it ended meanwhile, or is another user's
            if variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and os.getsid(pid) != os.getsid(0):
                marked.append(pid)
    return marked


def _members(leader: int) -> list[int]:
    """The processes of a session that are no zombies."""
    members = []
    for pid in processes():
        with suppress(OSError, IndexError, ValueError):  # it ended meanwhile
            # pid (name) state parent group session …; the name may hold anything, so count from its end.
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] not in "ZX":
                members.append(pid)
    return members


def processes() -> list[int]:
    """Every process of the machine; none where the kernel does not list them."""
    with suppress(OSError):
        return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return []


def _tell(*words: str) -> None:
    minder = _minder(os.getpid())
    if minder is not None and minder.stdin is not None:
        with suppress(OSError):  # somebody killed it
            os.write(minder.stdin.fileno(), f"{' '.join(words)}\n".encode())


@cache  # one for each process
def _minder(pid: int) -> subprocess.Popen[bytes] | None:
    try:
        # Without site and the user's variables: it starts in 20 ms. Its session is its own, so that what kills this
        # process and its children by their group does not reach it. Other descriptors are closed: it outlives nothing.
        return subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={name: value for name, value in os.environ.items() if name != MARK},
        )
    except OSError:  # too many processes; then nothing is minded, as where the minder was killed
        return None


def _run() -> None:
    """The minder: hears which sessions to mind until its parent has ended."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    minded: dict[str, set[str]] = {"session": set(), "mark": set(), "folder": set()}
    for line in sys.stdin:
        sign, kind, value = line.split()
        (minded[kind].add if sign == "+" else minded[kind].discard)(value)
    for leader in minded["session"]:
        kill_session(int(leader))
    for mark in minded["mark"]:
        kill_marked(mark)
    import shutil

    for folder in minded["folder"]:
        shutil.rmtree(os.fsdecode(bytes.fromhex(folder)), ignore_errors=True)


if __name__ == "__main__":
    _run()
