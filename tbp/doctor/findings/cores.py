"""Findings on the cores that a measurement may use, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

from tbp.doctor.facts import MachineFacts
from tbp.doctor.finding import Finding, Severity
from tbp.doctor.variables import THREADS
from tbp.wording import words

# A limit that ended one period of 100 ms in a hundred early is in some samples of every benchmark.
MUCH_THROTTLED = 0.01


def quota(machine: MachineFacts) -> Iterator[Finding]:
    """A limit of time, which stops every thread of the group at once; grave where it did."""
    limit, throttled = machine.cores.quota, machine.cores.throttled_share
    if limit is None:
        return
    was_stopped = throttled is not None and throttled > MUCH_THROTTLED
    how_often = f", as in {words.percent(throttled)} of all periods" if was_stopped and throttled else ""
    yield Finding(
        Severity.GRAVE if was_stopped else Severity.WARNING,
        "CPU quota",
        f"the time of {limit:.3g} cores is the limit; beyond it all threads stop for the rest of 100 ms{how_often}",
        "docker run --cpuset-cpus=0-1 IMAGE",
        "where the container is started: whole cores in place of --cpus; in Kubernetes equal whole requests and limits",
    )


def threads(machine: MachineFacts) -> Iterator[Finding]:
    """More threads than there are cores, or time for them."""
    usable = min(len(machine.cores.usable) or machine.processor.online or 0, machine.cores.quota or float("inf"))
    for name in THREADS:
        text = machine.software.variables.get(name, "").partition(",")[0]
        if usable and text.isdecimal() and int(text) > usable:
            yield Finding(
                Severity.GRAVE,
                "Threads",
                f"{name} is {text}, and there are {usable:.3g} cores: threads wait for each other's turn",
                f"export {name}=1",
                "or as many as there are cores, under a machine name of its own",
            )
    if not any(machine.software.variables.get(name) for name in THREADS) and machine.cores.quota is not None:
        online = machine.processor.online or 0
        if online > machine.cores.quota:
            yield Finding(
                Severity.WARNING,
                "Threads",
                f"libraries start {online} threads, one for each core of the host, and the quota is {usable:.3g} cores",
                "export OMP_NUM_THREADS=1",
                "suites of tbp.bench take one thread anyway",
            )


def few_cores(machine: MachineFacts) -> Iterator[Finding]:
    """A single usable core: asv, the system and the measured code take turns on it."""
    if len(machine.cores.usable) == 1 and machine.processor.online != 1:
        yield Finding(
            Severity.WARNING,
            "Affinity",
            f"this process is bound to core {machine.cores.usable[0]}: asv and the measured code share it",
            "taskset -cp $$",
            "shows what the shell is bound to; give it a second core",
        )
    elif machine.processor.online == 1:
        yield Finding(
            Severity.WARNING,
            "Cores",
            "the machine has one core: asv, the system and the measured code share it",
            remark="not to be fixed here: a machine of two cores measures on one that is its own",
        )


def isolated(machine: MachineFacts) -> Iterator[Finding]:
    """Isolated cores that a measurement would not use by itself."""
    spare = [core for core in machine.cores.isolated if core not in machine.cores.usable]
    if spare:
        cores = ",".join(map(str, spare))
        yield Finding(
            Severity.NOTE,
            "Affinity",
            f"cores {cores} are isolated from all other work, and this process is not bound to them",
            f"taskset -c {cores} tbp nightly",
            "measures there; asv itself shares them, so isolate at least two",
        )


def siblings(machine: MachineFacts) -> Iterator[Finding]:
    """Two logical cores in one physical core."""
    if machine.processor.is_smt_active:
        yield Finding(
            Severity.NOTE,
            "SMT",
            "two logical cores share each physical one: work on the second slows the first, and counts as its CPU time",
            "echo off | sudo tee /sys/devices/system/cpu/smt/control",
            _where(machine),
        )


def nodes(machine: MachineFacts) -> Iterator[Finding]:
    """Memory of which a part is farther away."""
    number = machine.processor.numa_nodes or 1
    if number > 1:
        yield Finding(
            Severity.NOTE,
            "NUMA",
            f"memory lies on {number} nodes, and which of them a process gets differs from run to run",
            "numactl --cpunodebind=0 --membind=0 tbp nightly",
            "binds a night to one of them",
        )


def _where(machine: MachineFacts) -> str:
    return "on the host: a container cannot change it" if machine.host.is_container else "until the next start"
