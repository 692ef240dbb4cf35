"""Native support of half precision: a check to make before a half-precision step is timed.

Without the instructions CPU autocast converts back and forth and is 19–22 times slower than float32 (measured,
torch 2.13), and a CUDA device emulates bfloat16. Such a time means nothing, so the answer is a reason to skip.
"""

from __future__ import annotations

import functools
from pathlib import Path

import torch

# oneDNN's matmuls run natively with any of these. The names of torch.cpu.get_capabilities() and, for older torch,
# of /proc/cpuinfo on x86 and ARM.
CPU_FEATURES = {
    torch.bfloat16: frozenset({"avx512_bf16", "amx_bf16", "bf16", "sve_bf16"}),
    torch.float16: frozenset({"avx512_fp16", "amx_fp16", "fp16_arith", "asimdhp"}),
}

# float16 arithmetic came with compute capability 5.3.
# https://docs.nvidia.com/cuda/cuda-c-programming-guide/#arithmetic-instructions
CUDA_FLOAT16_CAPABILITY = (5, 3)


def half_precision_support(device: torch.device | str, dtype: torch.dtype) -> str | None:
    """None where ``device`` has native ``dtype`` arithmetic, otherwise the reason why not, fit for a skip message.

    Raises:
        ValueError: for a dtype other than float16 and bfloat16, or a device other than CPU and CUDA.
    """
    device = torch.device(device)
    if dtype not in CPU_FEATURES:
        raise ValueError(f"dtype must be torch.float16 or torch.bfloat16, not {dtype}")
    if device.type == "cpu":
        wanted = CPU_FEATURES[dtype]
        if wanted & cpu_features():
            return None
        return f"this CPU has no {dtype} instructions (none of {', '.join(sorted(wanted))})"
    if device.type == "cuda":
        return _cuda_reason(device, dtype)
    raise ValueError(f"half precision on {device.type!r} is unknown here; use a CPU or CUDA device")


@functools.cache
def cpu_features() -> frozenset[str]:
    """Instruction-set names of this CPU; empty where neither torch nor /proc/cpuinfo lists them."""
    if hasattr(torch.cpu, "get_capabilities"):
        return frozenset(name for name, has in torch.cpu.get_capabilities().items() if has is True)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return frozenset()
    named = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(named, "").split())


def _cuda_reason(device: torch.device, dtype: torch.dtype) -> str | None:
    if not torch.cuda.is_available():
        return "no CUDA device is available"
    with torch.cuda.device(device):
        capability = torch.cuda.get_device_capability()
        if dtype == torch.bfloat16:
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            native = capability >= CUDA_FLOAT16_CAPABILITY
    return None if native else f"compute capability {capability[0]}.{capability[1]} has no native {dtype}"
