"""Devices: which of them this machine has, which dtypes they compute in, and how to wait for them.

Takes a device name and a dtype, gives a ``Device`` that can be synchronised or a ``Skip`` with the reason. A half
precision that the processor only emulates is skipped: it would time the emulation (measured 19–22 × slower). So is
a CUDA cell on a machine without CUDA, rather than run somewhere else.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

# /proc/cpuinfo flags of processors that compute in the dtype instead of emulating it.
# x86: AVX512-BF16/FP16 and AMX; Arm: FEAT_BF16, FEAT_FP16.
_CPU_FLAGS = {
    torch.bfloat16: frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
    torch.float16: frozenset({"avx512_fp16", "amx_fp16", "fphp"}),
}

# One thread by default: on shared machines a second thread is the first thing a neighbour disturbs.
DEFAULT_THREADS = 1
# Of a cache whose size the system does not tell: more than most processors have.
DEFAULT_CACHE_BYTES = 64 << 20


class Skip(NotImplementedError):  # asv's word: a skipped benchmark is no error
    """This cell cannot run here. asv records NaN (skipped, not failed) for a NotImplementedError in ``setup``."""


class PoisonedFork(RuntimeError):
    """This process was forked from one that used CUDA, and CUDA cannot be used in it."""

    def __init__(self) -> None:
        super().__init__(
            "CUDA was in use before asv forked this process: let no benchmark module use CUDA when it is imported "
            '(build tensors in setup), or set "launch_method": "spawn" in asv.conf.json'
        )


@dataclass(frozen=True)
class Device:
    """A place to compute; ``synchronise`` returns when everything submitted to it is done."""

    name: str  # "cpu" or "cuda"
    hardware: str  # the vendor's name
    synchronise: Callable[[], None]


def _nothing() -> None:
    """Nothing to wait for: on the CPU a call returns when its work is done."""


def device(name: str) -> Device:
    """The device called ``name``.

    Raises:
        Skip: there is no such device on this machine.
        ValueError: tbp does not know how to synchronise it; timing it would give a wrong number.
    """
    if name == "cpu":
        return Device("cpu", _processor(), _nothing)
    if name == "cuda":
        if not torch.cuda.is_available():
            raise Skip("no CUDA device on this machine")
        if torch.cuda._is_in_bad_fork():
            raise PoisonedFork
        return Device("cuda", torch.cuda.get_device_name(), torch.cuda.synchronize)
    raise ValueError(f"unknown device {name!r}: tbp knows how to synchronise 'cpu' and 'cuda' only")


def cache_flush(device: Device) -> Callable[[], object]:
    """Work that leaves nothing else in the device's last cache: it writes twice as many bytes as the cache holds."""
    size = torch.cuda.get_device_properties().L2_cache_size if device.name == "cuda" else _last_cache_bytes()
    return torch.empty(2 * size, dtype=torch.uint8, device=device.name).zero_


def _last_cache_bytes(folder: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Bytes of the processor's largest cache; DEFAULT_CACHE_BYTES where the system does not tell."""
    try:
        sizes = [path.read_text().strip() for path in folder.glob("index*/size")]
        return max((int(size.removesuffix("K")) << 10 for size in sizes), default=DEFAULT_CACHE_BYTES)
    except (OSError, ValueError):
        return DEFAULT_CACHE_BYTES


def require(name: str, dtype: torch.dtype) -> None:
    """Raise ``Skip`` unless ``dtype`` is computed (not emulated) on the device called ``name``."""
    if dtype in (torch.float32, torch.float64):
        return
    if name == "cuda":
        if dtype is torch.bfloat16 and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise Skip(f"{torch.cuda.get_device_name()} has no bfloat16 instructions")
        return
    wanted = _CPU_FLAGS.get(dtype)
    if wanted is None:
        raise ValueError(f"unknown dtype {dtype}: tbp cannot tell whether this machine computes or emulates it")
    if not wanted & cpu_flags():
        short = str(dtype).removeprefix("torch.")
        raise Skip(f"this CPU has no {short} instructions (none of {', '.join(sorted(wanted))})")


def settle() -> None:
    """Threads as ``settle_threads`` has them, and float32 products without TF32, which a build may switch on."""
    settle_threads()
    torch.set_float32_matmul_precision("highest")


def settle_threads() -> int:
    """Set and return torch's intra-op threads: ``TBP_THREADS`` or one."""
    wanted = os.environ.get("TBP_THREADS", str(DEFAULT_THREADS))
    if not wanted.isdigit() or int(wanted) < 1:
        raise ValueError(f"TBP_THREADS={wanted!r}: set it to a number of threads of at least 1, or unset it")
    torch.set_num_threads(int(wanted))
    return torch.get_num_threads()


@functools.cache
def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text(errors="replace") if path.exists() else ""


def cpu_flags() -> frozenset[str]:
    """The processor's features, as /proc/cpuinfo names them; none where there is no such file."""
    for line in _cpuinfo().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def _processor() -> str:
    for line in _cpuinfo().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return os.uname().machine
