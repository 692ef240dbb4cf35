"""Processes that must not outlive this one, even where it is killed and can end nothing itself.

A measuring process that nobody waits for goes on beside the next night, and makes its numbers wrong. So each that leads
a session of its own is named to a minder, a small process that waits for this one's end and then kills those sessions.
This module is also the minder's program, and imports the standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

# How long a killed process is waited for: it is gone in milliseconds, unless the kernel waits for a device.
KILLED_S = 10.0


def mind(leader: int) -> None:
    """Have the session of ``leader`` killed when this process ends before ``forget`` is called."""
    _tell(f"+{leader}")


def forget(leader: int) -> None:
    """Leave the session of ``leader`` alone from now on."""
    _tell(f"-{leader}")


def kill_session(leader: int) -> None:
    """Kill every process in the session of ``leader``, also those in process groups of their own."""
    end_s = time.monotonic() + KILLED_S
    while (members := _members(leader)) and time.monotonic() < end_s:
        for member in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(member, signal.SIGKILL)
        time.sleep(0.01)  # one that forks while it is killed leaves a child behind


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


def _tell(line: str) -> None:
    minder = _minder(os.getpid())
    if minder is not None and minder.stdin is not None:
        with suppress(OSError):  # somebody killed it
            os.write(minder.stdin.fileno(), f"{line}\n".encode())


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
        )
    except OSError:  # too many processes; then nothing is minded, as where the minder was killed
        return None


def _run() -> None:
    """The minder: hears which sessions to mind until its parent has ended."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    leaders: set[int] = set()
    for line in sys.stdin:
        change = leaders.add if line[0] == "+" else leaders.discard
        change(int(line[1:]))
    for leader in leaders:
        kill_session(leader)


if __name__ == "__main__":
    _run()
