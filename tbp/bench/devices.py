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


class Skip(NotImplementedError):  # asv's word: a skipped benchmark is no error
    """This cell cannot run here. asv records NaN (skipped, not failed) for a NotImplementedError in ``setup``."""


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
        return Device("cuda", torch.cuda.get_device_name(), torch.cuda.synchronize)
    raise ValueError(f"unknown device {name!r}: tbp knows how to synchronise 'cpu' and 'cuda' only")


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
    if not wanted & _cpu_flags():
        short = str(dtype).removeprefix("torch.")
        raise Skip(f"this CPU has no {short} instructions (none of {', '.join(sorted(wanted))})")


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


def _cpu_flags() -> frozenset[str]:
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
