"""The work of others: the same counters read twice, and the difference of both.

The load average of a machine lags by minutes, so it neither sees a job that just began nor forgets one that ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from tbp.doctor.facts import Activity, Busy
from tbp.doctor.reading.system_files import SystemFiles, pressure

# Below this share of a core a process is not named: of 0.3 s at 100 ticks a second, three ticks.
LEAST_CORES = 0.1
MOST_BUSY = 5
# A machine with more processes is read as far; each takes about 20 µs.
MOST_PROCESSES = 8192
# Places in the first line of /proc/stat: user nice system idle iowait irq softirq steal.
IDLE, IOWAIT, STEAL, LAST = 3, 4, 7, 8


class Counters(Struct, frozen=True):
    """Ticks since the machine started."""

    ticks: tuple[int, ...] = ()  # user, nice, system, idle, iowait, irq, softirq, steal
    processes: Mapping[int, tuple[str, int]] = {}  # pid → its name, and the ticks it used


def counters(files: SystemFiles) -> Counters:
    """The counters now."""
    first = files.text("proc/stat", "what else runs").partition("\n")[0].split()
    pids = [int(name) for name in files.names("proc") if name.isdecimal()][:MOST_PROCESSES]
    known = {pid: used for pid in pids if (used := _used(files.text(f"proc/{pid}/stat"))) is not None}
    ticks = tuple(int(word) for word in first[1 : LAST + 1] if word.isdecimal())
    return Counters(ticks if len(ticks) == LAST else (), known)


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
    online = sum(1 for line in files.text("proc/stat").splitlines() if line[:3] == "cpu" and line[3:4].isdecimal())
    if sum(spent) <= 0 or not online:
        files.miss("what else runs", "the counters in /proc/stat stand still")
        return Activity(looked_s, waiting_share=waiting)
    of_core = sum(spent) / online  # ticks of one core in this time
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
