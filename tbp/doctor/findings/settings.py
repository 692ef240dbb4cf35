"""Findings on settings: variables of the environment, power, Python, and instruction sets."""

from __future__ import annotations

from collections.abc import Iterator

from tbp.doctor.facts import MachineFacts
from tbp.doctor.finding import Finding, Severity
from tbp.doctor.variables import DISTORTING, HARMLESS, WAITING
from tbp.wording import words

# Dtype → flags of processors that compute in it; another one emulates it, 19 to 22 times slower than float32.
INSTRUCTIONS = {
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    "float16": frozenset({"avx512_fp16", "amx_fp16", "fphp"}),
    "INT8": frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}),
}


def variables(machine: MachineFacts) -> Iterator[Finding]:
    """Variables that make numbers mean something else."""
    for name, effect in DISTORTING.items():
        value = machine.software.variables.get(name, "")
        if value and value != HARMLESS.get(name):
            yield Finding(Severity.GRAVE, "Environment", f"{name} is set: {effect}", f"unset {name}")


def waiting(machine: MachineFacts) -> Iterator[Finding]:
    """Threads that spin while they wait, and so take time that another thread needs."""
    value = machine.software.variables.get(WAITING, "")
    if value.upper() == "ACTIVE":
        yield Finding(
            Severity.WARNING,
            "OpenMP",
            f"{WAITING} is {value}: threads that wait keep their cores busy, and CPU times count it",
            f"unset {WAITING}",
            "tbp then takes PASSIVE",
        )


def power(machine: MachineFacts) -> Iterator[Finding]:
    """A battery, or a profile that saves power."""
    if machine.host.is_on_battery:
        yield Finding(
            Severity.GRAVE,
            "Power",
            "the machine runs on its battery: clocks fall with its charge",
            remark="not to be fixed by a command: plug it in",
        )
    if machine.host.power_profile in ("low-power", "quiet", "cool"):
        yield Finding(
            Severity.WARNING,
            "Power",
            f"the firmware's profile is {machine.host.power_profile}, which lowers clocks",
            "echo performance | sudo tee /sys/firmware/acpi/platform_profile",
        )


def python(machine: MachineFacts) -> Iterator[Finding]:
    """A Python that checks itself while it runs."""
    if machine.software.is_debug_python:
        yield Finding(
            Severity.GRAVE,
            "Python",
            f"Python {machine.software.python} is a debug build: it is several times slower, and not evenly so",
            remark="not to be fixed here: measure with a release build",
        )


def instructions(machine: MachineFacts) -> Iterator[Finding]:
    """Dtypes that this processor would emulate, so that their cells are skipped or prove nothing."""
    flags = machine.processor.flags
    missing = [dtype for dtype, known in INSTRUCTIONS.items() if not known & flags]
    if flags and missing:
        halves = words.joined([dtype for dtype in missing if dtype != "INT8"])
        effects = [f"cells of {halves} are skipped"] if halves else []
        effects += ["INT8 may be no faster than float32"] if "INT8" in missing else []
        yield Finding(
            Severity.NOTE,
            "Instructions",
            f"the processor has none for {words.joined(missing)}: {words.joined(effects)}",
            remark="not to be fixed here: such numbers need another processor",
        )
