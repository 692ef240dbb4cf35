"""Energy of a device: its own counter before and after some work.

RAPL counts what the processor's packages use, all of their cores together; most systems let only root read it. NVML
counts what a GPU uses, through the package nvidia-ml-py. Where neither can be read, nothing is known.
"""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from statistics import median

import torch

from .clock import Timing
from .devices import Device
from .surroundings import throttled

RAPL = Path("/sys/class/powercap")


class Meter:
    """The energy, and the throttling, of a device from the meter's making on."""

    def __init__(self, device: Device, rapl: Path = RAPL) -> None:
        self._device, self._rapl = device, rapl
        self._throttled = throttled(device)
        self._start_s, self._start_j = time.perf_counter(), joules(device, rapl)

    def joules_per_call(self, timing: Timing) -> float | None:
        """Joules of one call: the sampled calls' share of the time since, of the energy since; None where unknown."""
        now_j, elapsed_s = joules(self._device, self._rapl), time.perf_counter() - self._start_s
        if now_j is None or self._start_j is None or now_j < self._start_j:  # a counter may begin again at 0
            return None
        return (now_j - self._start_j) * median(timing.wall_s) / elapsed_s

    def throttled(self) -> int | None:
        """Times that the processor was throttled since; on CUDA the bits of the present reasons."""
        now = throttled(self._device)
        if now is None or self._throttled is None:
            return None
        return now if self._device.name == "cuda" else now - self._throttled


def joules(device: Device, rapl: Path = RAPL) -> float | None:
    """The reading of the device's energy counter; only differences mean something. None where it cannot be read."""
    return _nvml_joules() if device.name == "cuda" else _rapl_joules(rapl)


def _rapl_joules(folder: Path) -> float | None:
    try:
        packages = [
            path for path in folder.iterdir() if path.name.startswith("intel-rapl:") and path.name.count(":") == 1
        ]
        readings = [int((path / "energy_uj").read_text(encoding="ascii")) for path in packages]
    except (OSError, ValueError):
        return None
    return sum(readings) / 1e6 if readings else None


def _nvml_joules() -> float | None:
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())
        return float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
    except (
        Exception
    ):  # not installed, or whatever the driver's library raises: a counter is no reason to lose a session
        return None
