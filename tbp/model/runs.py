"""Machines and runs: one commit measured on a machine in an environment, and the conditions of it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from tbp.model.series import Commit, Setup

# machine.json's keys as they are shown.
FACT_NAMES = {
    "cpu": "processor", "num_cpu": "cores", "ram": "memory", "arch": "architecture", "os": "system", "gpu": "GPU",
    "driver": "driver",
}  # fmt: skip


OF_MACHINE = "machine's "


def fact_name(key: str) -> str:
    """A key of machine.json as it is shown; a key that is not asv's is marked, as a requirement may have its name."""
    return FACT_NAMES.get(key.lower(), OF_MACHINE + key)


def named_values(text: str) -> list[tuple[str, str]]:
    """``a=1;b=2`` as pairs; parts without a value are left out."""
    parts = [part.partition("=") for part in text.split(";")]
    return [(name, value) for name, _, value in parts if name and value]


class Machine(Struct, frozen=True):
    """A machine with results, and the facts of asv's machine.json."""

    name: str  # asv's identifier of it
    facts: tuple[tuple[str, str], ...] = ()  # ("processor", "…"), ("GPU", "…"): as ``Run.hardware``


class Run(Struct, frozen=True):
    """One asv result file: a commit on a machine in an environment; every text may be empty, every tuple too.

    The facts of the ruler's sessions (from ``torch`` on) are empty where there are none.
    """

    commit: Commit
    machine: str
    environment: str
    python: str = ""  # "3.13"
    requirements: tuple[tuple[str, str], ...] = ()  # (name, version) as asv was asked for them; empty: any version
    hardware: tuple[tuple[str, str], ...] = ()  # ("processor", "…"), ("cores", "2"), …
    measured: int = 0  # series with a value
    failed: int = 0
    skipped: int = 0
    started: datetime | None = None  # when its measuring began, UTC
    torch: str = ""
    packages: tuple[tuple[str, str], ...] = ()  # (name, version) of all that was installed, sorted
    governors: tuple[str, ...] = ()  # of the processor's frequency; several when it changed during the run
    threads: tuple[int, ...] = ()  # torch's intra-op threads
    devices: tuple[str, ...] = ()  # what the vendor calls them
    clocks_mhz: tuple[int, ...] = ()  # (lowest, highest) clock of the device at the sessions' starts

    @property
    def setup(self) -> Setup:
        """The machine and environment of the run."""
        return Setup(self.machine, self.environment)
