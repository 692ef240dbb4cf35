"""TF32: float32 products whose factors are rounded to 10 bits, for which GPUs since Ampere have tensor cores.

The ruler keeps it off (``devices.settle``), because it changes what a float32 number means. A variant that is to have
it gets it here, for its runs alone: the baseline takes samples in the same process, in turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import torch

from .devices import Skip
from .workloads import Case, Step

AMPERE = (8, 0)  # compute capability of the first GPUs with TF32

Result = TypeVar("Result")


@contextmanager
def tf32() -> Iterator[None]:
    """Let float32 products be computed in TF32; entering and leaving takes a tenth of a microsecond."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def with_tf32(step: Step, case: Case) -> Step:
    """``step`` whose products may be in TF32; its roof is measured so too. Declare tolerances of half precision.

    Raises:
        Skip: the case is not of float32 on CUDA, or the GPU has no TF32.
    """
    if case.device != "cuda" or case.dtype is not torch.float32:
        raise Skip("TF32 is for float32 on CUDA")
    capability = torch.cuda.get_device_capability()
    if capability < AMPERE:
        raise Skip(f"{torch.cuda.get_device_name()} has no TF32: compute capability {capability[0]}.{capability[1]}")
    checks = {name: _in_tf32(check) for name, check in step.checks.items()}
    return replace(step, run=_in_tf32(step.run), output=_in_tf32(step.output), checks=checks, within=tf32)


def _in_tf32(call: Callable[[], Result]) -> Callable[[], Result]:
    def called() -> Result:
        with tf32():
            return call()

    return called
