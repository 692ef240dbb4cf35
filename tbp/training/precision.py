"""Half precision that is sure to be one: native support before a step, evidence of it in the step's graph.

Without the instructions CPU autocast converts back and forth and is 19–22 times slower than float32 (measured,
torch 2.13), and a CUDA device emulates bfloat16. Such a time means nothing, so the answer is a reason to skip.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

# oneDNN's matmuls run natively with any of these. The names of torch.cpu.get_capabilities() and, for older torch,
# of /proc/cpuinfo on x86 and ARM.
CPU_FEATURES = {
    torch.bfloat16: frozenset({"avx512_bf16", "amx_bf16", "bf16", "sve_bf16"}),
    torch.float16: frozenset({"avx512_fp16", "amx_fp16", "fp16_arith", "asimdhp"}),
}

# float16 arithmetic came with compute capability 5.3.
# https://docs.nvidia.com/cuda/cuda-c-programming-guide/#arithmetic-instructions
CUDA_FLOAT16_CAPABILITY = (5, 3)


# The node that autocast leaves in autograd's graph where it casts a weight or an activation.
CAST = "ToCopyBackward0"


class HalfPrecisionUnavailable(RuntimeError):
    """The step would not run in the requested half precision."""


def autocast_in(
    model: nn.Module, dtype: torch.dtype | None, allow_emulation: bool = False
) -> Callable[[], AbstractContextManager[object]]:
    """Autocast to ``dtype`` on the model's device, to be entered for each forward pass; None: nothing is cast.

    Raises:
        HalfPrecisionUnavailable: the device lacks ``dtype``, and it is not to be emulated.
        ValueError: the model has no parameters.
    """
    if dtype is None:
        return nullcontext
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ValueError("the model has no parameters, so there is nothing to train")
    reason = half_precision_support(parameter.device, dtype)
    if reason is not None and not allow_emulation:
        raise HalfPrecisionUnavailable(f"{reason}; train in float32 there, or pass allow_emulation=True")
    return functools.partial(torch.autocast, parameter.device.type, dtype=dtype)


def check_computed_in(dtype: torch.dtype | None, output: Tensor) -> None:
    """Check that a forward pass ran in ``dtype``: its output is of it, or the graph behind has a cast of autocast.

    Raises:
        HalfPrecisionUnavailable: neither, as where autocast is off. A graph that torch.compile or a custom function
            hides is passed over.
    """
    if dtype is not None and output.dtype != dtype and not _has_cast(output):
        raise HalfPrecisionUnavailable(
            f"the model computed in float32 under {dtype} autocast: nothing was cast. Autocast did not reach it; look "
            "for torch.autocast(enabled=False) in the model"
        )


def _has_cast(output: Tensor) -> bool:
    """True where a cast is in the graph behind ``output``, or part of the graph cannot be looked into."""
    nodes, visited = [output.grad_fn], set()
    for node in nodes:  # grows: breadth first, as casts are near the end
        if node is None or node in visited:
            continue
        visited.add(node)
        # torch's nodes end in a digit; those of custom functions and of compiled graphs do not.
        if node.name() == CAST or (not node.name()[-1].isdigit() and "::" not in node.name()):
            return True
        nodes.extend(before for before, _ in node.next_functions)
    return False


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
