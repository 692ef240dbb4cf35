"""Surroundings of a process: the installed packages, and how the clocks of processor and device run.

Nothing here may cost time that a session notices. Names and versions come from the names of folders: 1 ms for
94 packages. ``importlib.metadata`` opens every METADATA file, which took 68 ms with the same result.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from .devices import Device

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")

# The folder that an installer leaves beside a package: name and version, each without hyphens (wheels, PEP 427).
# setuptools' eggs have the version of Python after them.
_INSTALLED = re.compile(r"(?P<name>[\w.]+)-(?P<version>[\w.+!]+?)(-py[\d.]+)?\.(dist|egg)-info", re.ASCII)


def governor(path: Path = GOVERNOR) -> str:
    """The processor's frequency governor, ``performance`` or ``powersave``, say; empty where the system names none."""
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()[:40]
    except OSError:
        return ""


def clock_mhz(device: Device) -> int:
    """The device's present clock; 0 where torch cannot read it: on CUDA that needs the package nvidia-ml-py."""
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
