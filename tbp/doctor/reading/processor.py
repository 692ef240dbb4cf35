"""The processor, how its clock is chosen, and which of its cores this process may use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tbp.doctor.facts import Clocks, Cores, Processor
from tbp.doctor.reading.control_groups import quota
from tbp.doctor.reading.system_files import SystemFiles, cores_of

CPU = "sys/devices/system/cpu"
KIB = 1024
# Files that switch the boost off, each with the text that means it is on.
BOOST_FILES = ((f"{CPU}/intel_pstate/no_turbo", 0), (f"{CPU}/cpufreq/boost", 1))


def processor(files: SystemFiles) -> Processor:
    """The processor as /proc/cpuinfo and the topology in /sys have it."""
    info = files.fields("proc/cpuinfo", "processor")
    online = cores_of(files.text(f"{CPU}/online", "cores"))
    known = {place_of for core in online if None not in (place_of := _place(files, core))}
    smt = files.text(f"{CPU}/smt/active")
    return Processor(
        model=info.get("model name", "") or _part(info),
        online=len(online) or None,
        physical=len(known) or None,
        sockets=len({package for package, _ in known}) or None,
        numa_nodes=len(cores_of(files.text("sys/devices/system/node/online"))) or None,
        is_smt_active=bool(int(smt)) if smt in ("0", "1") else None,
        flags=frozenset((info.get("flags") or info.get("Features") or "").split()),
        caches=tuple(_caches(files)),
    )


def _part(info: Mapping[str, str]) -> str:
    """The numbers by which Arm names a processor; empty where there are none."""
    names = [f"{key.removeprefix('CPU ')} {info[key]}" for key in ("CPU implementer", "CPU part") if key in info]
    return f"Arm {', '.join(names)}" if names else ""


def _place(files: SystemFiles, core: int) -> tuple[int | None, int | None]:
    """Socket and physical core of a logical one."""
    topology = f"{CPU}/cpu{core}/topology"
    return files.number(f"{topology}/physical_package_id"), files.number(f"{topology}/core_id")


def _caches(files: SystemFiles) -> list[tuple[str, int]]:
    folder = f"{CPU}/cpu0/cache"
    known = []
    for name in files.names(folder):
        level, kind, size = (files.text(f"{folder}/{name}/{fact}") for fact in ("level", "type", "size"))
        if level and size.removesuffix("K").isdecimal():
            letter = {"Data": "d", "Instruction": "i"}.get(kind, "")
            known.append((f"L{level}{letter}", int(size.removesuffix("K")) * KIB))
    return known


def clocks(files: SystemFiles, is_virtual: bool) -> Clocks:
    """The governors of the cores, and the boost; a virtual machine mostly has neither."""
    cores = cores_of(files.text(f"{CPU}/online"))
    governors = Counter(files.text(f"{CPU}/cpu{core}/cpufreq/scaling_governor") for core in cores)
    governors.pop("", None)
    if not governors:
        who = "the hypervisor chooses the clock" if is_virtual else "the kernel does not choose the clock"
        files.miss("clock of the processor", f"there is no cpufreq in /{CPU}: {who}")
    boost = next((path for path, _ in BOOST_FILES if files.exists(path)), "")
    state = files.number(boost) if boost else None
    throttles = [files.number(f"{CPU}/cpu{core}/thermal_throttle/core_throttle_count") for core in cores]
    known = [count for count in throttles if count is not None]
    return Clocks(
        governors=tuple(governors.most_common()),
        driver=files.text(f"{CPU}/cpu0/cpufreq/scaling_driver"),
        boost_file=f"/{boost}" if boost else "",
        is_boosting=None if state is None else state == dict(BOOST_FILES)[boost],
        throttled=sum(known) if known else None,
    )


def cores(files: SystemFiles, usable: Sequence[int]) -> Cores:
    """The cores that this process is bound to, and the limit of its control group."""
    limit = quota(files)
    return Cores(
        usable=tuple(sorted(usable)) or cores_of(files.fields("proc/self/status").get("Cpus_allowed_list", "")),
        isolated=cores_of(files.text(f"{CPU}/isolated")),
        quota=limit.cores,
        throttled_share=limit.throttled_share,
    )
