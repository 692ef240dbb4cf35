"""GPUs, from the two tables that nvidia-smi prints; no torch, whose import alone takes seconds."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress

from tbp.doctor.facts import Gpu
from tbp.doctor.reading.system_files import SystemFiles

SUBJECT = "GPUs"
REASONS = "clocks_event_reasons.active"
# Drivers before 535 know the reasons by this name only.
OLD_REASONS = "clocks_throttle_reasons.active"
FIELDS = (
    "index", "name", "driver_version", "persistence_mode", "clocks.sm", "clocks.max.sm", REASONS, "mig.mode.current",
    "utilization.gpu", "memory.used", "memory.total", "pci.bus_id",
)  # fmt: skip
# Bits of the reasons; "idle" (1) and clocks that somebody set (2, 0x100) slow nothing down that should be fast.
# https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html
SLOWED_BY = {
    0x4: "the power limit",
    0x8: "the hardware (heat or power)",
    0x10: "another GPU of its sync boost group",
    0x20: "heat, by the driver",
    0x40: "heat, by the hardware",
    0x80: "the power brake",
}
# Without persistence mode the driver is loaded first, which took up to 2 s a GPU; a broken one never answers.
TIMEOUT_S = 20.0
MIB = 1 << 20


def gpus(files: SystemFiles) -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this machine; none where there is no driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        if has_driver(files):
            files.miss(SUBJECT, "there is an NVIDIA driver, and no nvidia-smi on PATH")
        return ()
    table = _asked(program, files, f"--query-gpu={','.join(FIELDS)}")
    if "not a valid field" in table:
        table = _asked(program, files, f"--query-gpu={','.join(FIELDS).replace(REASONS, OLD_REASONS)}")
    known = tuple(gpus_of(table, _asked(program, files, "--query-compute-apps=gpu_bus_id,pid")))
    if table and not known:
        files.miss(SUBJECT, f"nvidia-smi says: {table.splitlines()[0][:200]}")
    return known


def has_driver(files: SystemFiles) -> bool:
    return files.exists("proc/driver/nvidia/version") or files.exists("dev/nvidiactl")


def _asked(program: str, files: SystemFiles, question: str) -> str:
    """The output of nvidia-smi, which tells of faults on stdout too."""
    try:
        done = subprocess.run(
            [program, question, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        files.miss(SUBJECT, f"nvidia-smi: {error}")
        return ""
    return done.stdout.strip() or done.stderr.strip()


def gpus_of(table: str, processes: str) -> Iterator[Gpu]:
    """The GPUs of a table with FIELDS; ``processes`` has the GPU and the number of each process on one."""
    on = [(row[0], row[1]) for row in csv.reader(processes.splitlines(), skipinitialspace=True) if len(row) == 2]
    for row in csv.reader(table.splitlines(), skipinitialspace=True):
        if len(row) != len(FIELDS) or not row[0].isdecimal():
            continue
        facts = dict(zip(FIELDS, row, strict=True))
        busy, used, total = (_number(facts[name]) for name in ("utilization.gpu", "memory.used", "memory.total"))
        yield Gpu(
            index=int(row[0]),
            name=facts["name"],
            driver=facts["driver_version"],
            is_persistent=_switch(facts["persistence_mode"]),
            sm_mhz=_number(facts["clocks.sm"]),
            most_sm_mhz=_number(facts["clocks.max.sm"]),
            slowed_by=_reasons(facts[REASONS]),
            is_mig=_switch(facts["mig.mode.current"]),
            busy_share=None if busy is None else busy / 100,
            used_bytes=None if used is None else used * MIB,
            total_bytes=None if total is None else total * MIB,
            processes=tuple(int(pid) for bus, pid in on if bus == facts["pci.bus_id"] and pid.isdecimal()),
        )


def _number(text: str) -> int | None:
    """The number in a cell; None for "[N/A]" and its like."""
    return int(text) if text.isdecimal() else None


def _switch(text: str) -> bool | None:
    return {"Enabled": True, "Disabled": False}.get(text)


def _reasons(text: str) -> tuple[str, ...]:
    with suppress(ValueError):
        mask = int(text, 16)
        return tuple(words for bit, words in SLOWED_BY.items() if mask & bit)
    return ()
