"""Moments for ``inject_faults.py``: spread over the time that a verb takes, over its phases, and over its writes.

A moment that is uniform in time would seldom hit the short ones: most of a run imports, or waits for benchmarks. So one
in three is any time, one is some time in one of the three phases (before the verb measures, prunes or copies; during;
after), and one is just after a change in the verb's folders: a file made, moved or removed.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

from fault_projects import PHASES, Victim

LOOK_S = 0.002  # between two looks
SHORTLY_S = 0.02  # after a change, at most


@dataclass
class Course:
    """How a command went to which nothing happened."""

    seconds: float = 0.0
    changes: int = 0
    phases: Counter[str] = field(default_factory=Counter)  # seconds


class Watch:
    """The changes of a verb's folders since this was made; some at once count as one."""

    def __init__(self, made: Victim) -> None:
        self._made = made
        self._folders = made.watched()
        self._seen = self._times()
        self.changes = 0

    def look(self) -> int:
        if self._times() != self._seen:
            self.changes += 1
            self._folders = self._made.watched()
            self._seen = self._times()
        return self.changes

    def _times(self) -> list[int]:
        times = []
        for folder in self._folders:
            try:
                times.append(folder.stat().st_mtime_ns)
            except OSError:
                times.append(0)
        return times


def followed(made: Victim, process: subprocess.Popen[bytes]) -> Course:
    """The course of a command, until it ends or hangs."""
    course, watch = Course(), Watch(made)
    last_s = start_s = time.monotonic()
    while process.poll() is None and course.seconds < 300:
        time.sleep(LOOK_S)
        course.changes = watch.look()
        now_s = time.monotonic()
        course.phases[made.phase()] += now_s - last_s
        last_s, course.seconds = now_s, now_s - start_s
    return course


def wait_for_moment(made: Victim, process: subprocess.Popen[bytes], usual: Course, chance: random.Random) -> None:
    """Sleep until a moment of one of the three kinds, or until the command ends."""
    kind = chance.choice(("time", "phase", "write"))
    if kind == "time":
        time.sleep(chance.uniform(0, usual.seconds))
    elif kind == "write" and usual.changes:
        watch, which = Watch(made), chance.randint(1, usual.changes)
        while process.poll() is None and watch.look() < which:
            time.sleep(LOOK_S)
        time.sleep(chance.uniform(0, SHORTLY_S))
    else:
        wait_for_phase(made, process, chance.choice([name for name in PHASES if usual.phases[name]]), usual, chance)


def wait_for_phase(
    made: Victim, process: subprocess.Popen[bytes], phase: str, usual: Course, chance: random.Random
) -> None:
    while process.poll() is None and PHASES.index(made.phase()) < PHASES.index(phase):
        time.sleep(LOOK_S)
    time.sleep(chance.uniform(0, usual.phases[phase]))
