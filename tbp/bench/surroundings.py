"""Surroundings of a process: the installed packages, instruction sets and engines, and how the clocks run.

Nothing here may cost time that a session notices. Names and versions come from the names of folders: 1 ms for
94 packages. ``importlib.metadata`` opens every METADATA file, which took 68 ms with the same result.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from .devices import Device, cpu_flags

CPUS = Path("/sys/devices/system/cpu")
GOVERNOR = CPUS / "cpu0/cpufreq/scaling_governor"
# Of /proc/cpuinfo: what decides between the fast and the slow way of a matrix product in few bits.
INSTRUCTIONS = ("avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "amx_fp16", "asimddp", "i8mm", "bf16")

# The folder that an installer leaves beside a package: name and version, each without hyphens (wheels, PEP 427).
# setuptools' eggs have the version of Python after them.
_INSTALLED = re.compile(r"(?P<name>[\w.]+)-(?P<version>[\w.+!]+?)(-py[\d.]+)?\.(dist|egg)-info", re.ASCII)


def governor(path: Path = GOVERNOR) -> str:
    """The processor's frequency governor, ``performance`` or ``powersave``, say; empty where the system names none."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()[:40]
    except OSError:
        return ""


def isa() -> str:
    """The instruction set that torch computes with on the CPU, and further ones: ``AVX512 amx_int8 avx512_vnni``."""
    present = cpu_flags()
    return " ".join([torch.backends.cpu.get_cpu_capability(), *sorted(set(INSTRUCTIONS) & present)])


def throttled(device: Device, folder: Path = CPUS) -> int | None:
    """How often the processor was throttled for its heat since its start; on CUDA the bits of the present reasons.

    None where the system does not tell.
    """
    if device.name == "cuda":
        return _cuda_throttle_reasons()
    try:
        counts = [int(path.read_text()) for path in folder.glob("cpu*/thermal_throttle/package_throttle_count")]
    except (OSError, ValueError):
        return None
    return max(counts, default=None)


def _cuda_throttle_reasons() -> int | None:
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())
        return int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
    except Exception:  # not installed, or whatever the driver's library raises
        return None


def cpu_mhz(folder: Path = CPUS) -> int | None:
    """The present clock of the fastest core, as the processor's governor sets it; None where the system tells none."""
    try:
        clocks_khz = [int(path.read_text()) for path in folder.glob("cpu[0-9]*/cpufreq/scaling_cur_freq")]
    except (OSError, ValueError):
        return None
    return round(max(clocks_khz) / 1e3) if clocks_khz else None


def clock_mhz(device: Device) -> int:
    """The present clock of a GPU; 0 where torch cannot read it, for which it needs the package nvidia-ml-py."""
    if device.name != "cuda":
        return 0
    try:
        return int(torch.cuda.clock_rate())
    except Exception:  # whatever the driver's library raises: a clock is no reason to lose a session
        return 0


def packages() -> str:
    """Every package that can be imported, sorted: ``numpy=2.1.0;torch=2.13.0``. Of two versions the imported one."""
    return _packages(tuple(sys.path))


@functools.cache
def _packages(folders: Sequence[str]) -> str:
    versions: dict[str, str] = {}
    for folder in folders:
        try:
            names = [path.name for path in Path(folder or ".").iterdir()]
        except OSError:
            continue
        for name in names:
            installed = _INSTALLED.fullmatch(name)
            if installed:
                # Named as pip names it, so that my.package and my_package are one package.
                versions.setdefault(re.sub(r"[-_.]+", "-", installed["name"]).lower(), installed["version"])
    return ";".join(f"{name}={version}" for name, version in sorted(versions.items()))
