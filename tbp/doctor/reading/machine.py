"""All facts of this machine, or of a folder that looks like one."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tbp.doctor.facts import Gpu, Host, MachineFacts, Memory, Software, Unread
from tbp.doctor.reading import processor as of_processor
from tbp.doctor.reading.activity import activity, counters
from tbp.doctor.reading.gpus import gpus, has_driver
from tbp.doctor.reading.software import software
from tbp.doctor.reading.system_files import SystemFiles, pressure

# Long enough for a share of a tenth of a core to be three ticks of the kernel's, and short beside a second.
LOOK_S = 0.3
CLOCK_SOURCE = "sys/devices/system/clocksource/clocksource0"
KIB = 1024
_CONTAINER = re.compile(r"docker|kubepods|containerd|libpod|lxc|garden")


class ThisProcess(Struct, frozen=True):
    """A process, with all that it knows of itself and its system without a file."""

    system: str
    kernel: str
    architecture: str
    pid: int
    usable: Sequence[int]  # cores; empty where the system does not tell
    variables: Mapping[str, str]

    @classmethod
    def here(cls) -> ThisProcess:
        usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
        return cls(
            platform.system(), platform.release(), platform.machine(), os.getpid(), sorted(usable), dict(os.environ)
        )


def read_machine(
    me: ThisProcess,
    root: Path = Path("/"),
    pause: Callable[[float], None] = time.sleep,
    look_at_gpus: Callable[[SystemFiles], tuple[Gpu, ...]] = gpus,
    look_at_software: Callable[[Mapping[str, str]], Software] = software,
) -> MachineFacts:
    """The facts below ``root``; takes a little longer than LOOK_S."""
    if me.system != "Linux":
        host = Host(me.system, me.kernel, me.architecture)
        return MachineFacts(host, software=look_at_software(me.variables), unread=(no_linux(me.system),))
    files = SystemFiles(root)
    before = counters(files, me.usable)
    pause(LOOK_S)
    after = counters(files, me.usable)
    host = _host(files, me)
    known = MachineFacts(
        host=host,
        processor=of_processor.processor(files),
        clocks=of_processor.clocks(files, host.is_virtual),
        cores=of_processor.cores(files, me.usable),
        activity=activity(before, after, files, LOOK_S, me.pid),
        memory=_memory(files),
        software=look_at_software(me.variables),
        gpus=look_at_gpus(files),
        has_nvidia_driver=has_driver(files),
    )
    return replace(known, unread=files.unread)


def no_linux(system: str) -> Unread:
    """Says of a system other than Linux what is not looked at there."""
    name = {"Darwin": "macOS"}.get(system, system)
    return Unread(
        "clock, cores, caches, memory, what else runs, GPUs",
        f"tbp reads them from /proc and /sys, which {name} has not",
    )


def _host(files: SystemFiles, me: ThisProcess) -> Host:
    flags = files.fields("proc/cpuinfo").get("flags", "").split()
    vendors = ("sys/hypervisor/type", "sys/class/dmi/id/sys_vendor")
    vendor = " ".join(files.text(path) for path in vendors)
    return Host(
        system=me.system,
        kernel=me.kernel,
        architecture=me.architecture,
        is_container=_is_container(files, me.variables),
        is_virtual="hypervisor" in flags or bool(re.search(r"QEMU|KVM|VMware|Xen|xen|Amazon EC2|Google", vendor)),
        is_on_battery=_is_on_battery(files),
        power_profile=files.text("sys/firmware/acpi/platform_profile"),
        clock_source=files.text(f"{CLOCK_SOURCE}/current_clocksource"),
        clock_sources=tuple(files.text(f"{CLOCK_SOURCE}/available_clocksource").split()),
    )


def _is_container(files: SystemFiles, variables: Mapping[str, str]) -> bool:
    is_marked = any(map(files.exists, (".dockerenv", "run/.containerenv"))) or bool(variables.get("container"))
    in_cluster = bool(variables.get("KUBERNETES_SERVICE_HOST"))
    return is_marked or in_cluster or bool(_CONTAINER.search(files.text("proc/1/cgroup")))


def _is_on_battery(files: SystemFiles) -> bool | None:
    """True where a mains supply is there and none is plugged in; None where there is none at all."""
    folder = "sys/class/power_supply"
    mains = [name for name in files.names(folder) if files.text(f"{folder}/{name}/type") in ("Mains", "USB")]
    known = [plug for name in mains if (plug := files.number(f"{folder}/{name}/online")) is not None]
    return not any(known) if known else None


def _memory(files: SystemFiles) -> Memory:
    info = files.fields("proc/meminfo", "memory")

    def size(name: str) -> int | None:
        words = info.get(name, "").split()
        return int(words[0]) * KIB if words and words[0].isdecimal() else None

    total, free = size("SwapTotal"), size("SwapFree")
    return Memory(
        total_bytes=size("MemTotal"),
        available_bytes=size("MemAvailable"),
        swapped_bytes=None if total is None or free is None else total - free,
        waiting_share=pressure(files.text("proc/pressure/memory")),
    )
