"""One night at a time for a results folder, and nothing of a killed one left beside it.

Takes the folder, which gets a file that asv passes over: ``nightly.lock``. The kernel's lock on it ends with the
process; what stands in it names the process to people, its children to the next night, which ends those that a killed
night left, and the commits at which nights were stopped.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tbp.errors import RunFailed
from tbp.project.git import HASH
from tbp.system.children import kill_marked, marking
from tbp.system.foreign_json import object_in
from tbp.system.locks import try_lock

NAME = "nightly.lock"
# A killed night holds its lock until the kernel has ended it.
ENDING_S = 10.0
MOST_BYTES = 4096
MOST_STOPPED = 20  # commits; each night that is stopped adds one, and with 64 characters they fit into MOST_BYTES


class NightLock:
    """The lock of a night that goes on; remembers the commit that is measured until it is done."""

    def __init__(self, descriptor: int, process: Mapping[str, object], stopped: tuple[str, ...]) -> None:
        self._descriptor, self._process = descriptor, process
        self.stopped = stopped  # commits at which this or earlier nights ended
        self._write()

    def begins(self, commit: str) -> None:
        """Notes that ``commit`` is measured from now on, for the night after this one should it not end."""
        self.ends(commit)
        self.stopped = (*self.stopped, commit)[-MOST_STOPPED:]
        self._write()

    def ends(self, commit: str) -> None:
        """Notes that all of ``commit`` is stored."""
        self.stopped = tuple(other for other in self.stopped if other != commit)
        self._write()

    def release(self) -> None:
        """Leaves nothing in the file but the commits at which nights were stopped."""
        self._process = {}
        self._write()

    def _write(self) -> None:
        content = {**self._process, **({"measuring": self.stopped} if self.stopped else {})}
        os.ftruncate(self._descriptor, 0)
        if content:
            os.pwrite(self._descriptor, json.dumps(content).encode(), 0)


@contextmanager
def only_night(results_dir: Path) -> Iterator[NightLock]:
    """A block that one night at a time runs for ``results_dir``; processes that a killed one left are ended first.

    Raises:
        RunFailed: another night goes on.
    """
    results_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(results_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        _lock(descriptor, results_dir)
        before = _content(descriptor)
        if mark := before.get("mark"):  # nobody took it out: that night was killed, its minder too
            kill_marked(str(mark))
        with marking() as mark:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            process = {"pid": os.getpid(), "started": _started(os.getpid()), "since": now, "mark": mark}
            lock = NightLock(descriptor, process, _commits(before.get("measuring")))
            yield lock
        lock.release()
    finally:
        os.close(descriptor)


def _commits(measuring: object) -> tuple[str, ...]:
    commits = measuring if isinstance(measuring, list) else []
    return tuple(commit for commit in commits if isinstance(commit, str) and HASH.fullmatch(commit))


def _lock(descriptor: int, results_dir: Path) -> None:
    end_s = time.monotonic() + ENDING_S
    while not try_lock(descriptor):
        holder = _content(descriptor)
        pid = holder.get("pid")
        is_alive = isinstance(pid, int) and _started(pid) == holder.get("started")
        if is_alive or time.monotonic() > end_s:
            raise RunFailed(
                f"another night measures into {results_dir}: process {pid or 'unknown'}, since "
                f"{holder.get('since', 'just now')}; wait until it has ended, or end it"
            )
        time.sleep(0.05)


def _content(descriptor: int) -> dict[str, object]:
    return object_in(os.pread(descriptor, MOST_BYTES, 0)) or {}


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks since the machine was; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
