"""The work of others: the same counters read twice, and the difference of both.

The load average of a machine lags by minutes, so it neither sees a job that just began nor forgets one that ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from tbp.doctor.facts import Activity, Busy
from tbp.doctor.reading.system_files import SystemFiles, pressure

SUBJECT = "what else runs"
_CORE = re.compile(r"cpu\d+")
# Below this share of a core a process is not named: of 0.3 s at 100 ticks a second, three ticks.
LEAST_CORES = 0.1
MOST_BUSY = 5
# A machine with more processes is read as far; each takes about 20 µs.
MOST_PROCESSES = 8192
# Places in a line of /proc/stat: user nice system idle iowait irq softirq steal.
IDLE, IOWAIT, STEAL, LAST = 3, 4, 7, 8


class Counters(Struct, frozen=True):
    """Ticks since the machine started."""

    cores: int = 0  # whose ticks are here
    ticks: tuple[int, ...] = (0,) * LAST  # user, nice, system, idle, iowait, irq, softirq, steal; of all of them
    processes: Mapping[int, tuple[str, int]] = {}  # pid → its name, and the ticks it used


def counters(files: SystemFiles, usable: Sequence[int]) -> Counters:
    """The counters now, of ``usable`` cores, or of all where those are not known."""
    names = {f"cpu{core}" for core in usable}
    ticks = [
        [int(word) for word in words]
        for name, *words in (line.split()[: LAST + 1] for line in files.text("proc/stat", SUBJECT).splitlines() if line)
        if (name in names if names else _CORE.fullmatch(name)) and len(words) == LAST
    ]
    pids = [int(name) for name in files.names("proc") if name.isdecimal()][:MOST_PROCESSES]
    known = {pid: used for pid in pids if (used := _used(files.text(f"proc/{pid}/stat"))) is not None}
    return Counters(len(ticks), tuple(map(sum, zip(*ticks, strict=True))), known)


def _used(stat: str) -> tuple[str, int] | None:
    """Name and ticks of a process; the name may hold anything, so fields are counted from its end."""
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    with suppress(ValueError, IndexError):
        return name, int(fields[11]) + int(fields[12])
    return None


def activity(before: Counters, after: Counters, files: SystemFiles, looked_s: float, me: int) -> Activity:
    """The activity between two readings, without the process ``me``."""
    waiting = pressure(files.text("proc/pressure/cpu"))
    spent = [late - early for early, late in zip(before.ticks, after.ticks, strict=False)]
    if sum(spent) <= 0:
        files.miss(SUBJECT, "the counters in /proc/stat stand still")
        return Activity(looked_s, waiting_share=waiting)
    of_core = sum(spent) / after.cores  # ticks of one core in this time
    busy = [
        Busy(pid, name, (ticks - before.processes[pid][1]) / of_core)
        for pid, (name, ticks) in after.processes.items()
        if pid in before.processes
    ]
    mine = sum(process.cores for process in busy if process.pid == me)
    wanted = sum(spent) - spent[IDLE] - spent[IOWAIT]
    ranked = sorted((each for each in busy if each.pid != me), key=lambda each: -each.cores)
    return Activity(
        looked_s=looked_s,
        busy_cores=max(0.0, (wanted - spent[STEAL]) / of_core - mine),
        stolen_share=spent[STEAL] / wanted if wanted else 0.0,
        waiting_share=waiting,
        busiest=tuple(each for each in ranked if each.cores >= LEAST_CORES)[:MOST_BUSY],
    )
