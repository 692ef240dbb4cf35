"""The time that a control group may use, of both versions of Linux's control groups.

A limit holds for all groups below the one that has it, so the smallest on the way up to the root counts.
https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
https://docs.kernel.org/scheduler/sched-bwc.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import inf
from pathlib import PurePosixPath

from msgspec import Struct

from tbp.doctor.reading.system_files import SystemFiles

HOME = "sys/fs/cgroup"
# Where version 1 is mounted, by the controllers that a line of /proc/self/cgroup names.
HOMES = {"cpu": ("cpu", "cpu,cpuacct"), "cpu,cpuacct": ("cpu,cpuacct", "cpu"), "cpuacct,cpu": ("cpu,cpuacct", "cpu")}


class Quota(Struct, frozen=True):
    """A limit of time; None where there is none."""

    cores: float | None = None
    throttled_share: float | None = None  # of its periods, those that ended early


def quota(files: SystemFiles) -> Quota:
    """The smallest limit that holds for this process."""
    text = files.text("proc/self/cgroup", "limit of the control group")
    limits = [_limit(files, folder) for folder in _folders(text)]
    return min(limits, key=lambda limit: inf if limit.cores is None else limit.cores, default=Quota())


def _folders(text: str) -> Iterator[str]:
    """Every folder that may have a limit, up to the roots.

    A container may see its group at the root of the mount, while the path is that of the host.
    """
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        homes = (HOME,) if number == "0" else tuple(f"{HOME}/{home}" for home in HOMES.get(controllers, ()))
        inside = PurePosixPath(path.lstrip("/"))
        if ".." in inside.parts:  # a group outside of this namespace
            inside = PurePosixPath()
        for home in homes:
            yield from (str(home / parent) for parent in (inside, *inside.parents))


def _limit(files: SystemFiles, folder: str) -> Quota:
    words = files.text(f"{folder}/cpu.max").split()
    if not words:
        words = [files.text(f"{folder}/cpu.{name}") for name in ("cfs_quota_us", "cfs_period_us")]
    with suppress(ValueError, ZeroDivisionError):
        time_us, period_us = map(int, words)
        if time_us > 0:
            return Quota(time_us / period_us, _throttled_share(files.fields(f"{folder}/cpu.stat")))
    return Quota()


def _throttled_share(stat: dict[str, str]) -> float | None:
    with suppress(ValueError, KeyError):
        periods = int(stat["nr_periods"])
        return int(stat["nr_throttled"]) / periods if periods else None
    return None
