"""Checks of precision: what a float32 product is computed in, and which half precisions the device has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from tbp import bench
from tbp.selftest.checks import Reading, check
from tbp.selftest.work import error_of

WIDTH = 1024
# Of products of 1024 terms: float32 errs by about 1e-6, TF32 with its 10 bits by 5e-4, bfloat16 with its 7 by 4e-3.
MOST_ERROR = {torch.float32: 2e-5, torch.float16: 5e-3, torch.bfloat16: 2e-2}


@check("float32 and TF32")
def tf32(device: bench.Device) -> Iterator[Reading]:
    """A float32 product errs as float32 does with the precision "highest"; with "high" it may err as TF32 does."""
    left, right, reference = _operands(device)
    before = torch.get_float32_matmul_precision()
    yield Reading("precision of this process", before)
    if device.name == "cuda":
        yield Reading("cuDNN may use TF32", "yes" if torch.backends.cudnn.allow_tf32 else "no")
    try:
        errors = {}
        for precision in ("highest", "high"):
            torch.set_float32_matmul_precision(precision)
            errors[precision] = error_of(left @ right, reference)
    finally:
        torch.set_float32_matmul_precision(before)
    most = MOST_ERROR[torch.float32]
    highest = errors["highest"]
    yield Reading('error with "highest"', f"{highest:.1e}", f"at most {most:.0e}", highest <= most)
    kind = "TF32 or bfloat16" if errors["high"] > most else "float32"
    yield Reading('error with "high"', f"{errors['high']:.1e}, so {kind}")
    if device.name == "cuda":
        yield from variant(lambda: error_of(left @ right, reference))


def variant(error: Callable[[], float]) -> Iterator[Reading]:
    """A variant of a suite has TF32 for its runs alone: its error is TF32's, and the next one's is float32's."""
    case = bench.Case({}, torch.float32, "cuda")
    step = bench.with_tf32(bench.Step(lambda: torch.tensor(error()), lambda: torch.tensor(error())), case)
    within, after, most = float(step.output()), error(), MOST_ERROR[torch.float32]
    is_tf32 = most < within <= MOST_ERROR[torch.float16]
    yield Reading("error of a variant with TF32", f"{within:.1e}", f"above {most:.0e}, as TF32's", is_tf32)
    yield Reading("error after it", f"{after:.1e}", f"at most {most:.0e}", after <= most)


@check("half precisions")
def halves(device: bench.Device) -> Iterator[Reading]:
    """Products in bfloat16 and float16 err as their bits allow; what the device only emulates is skipped."""
    left, right, reference = _operands(device)
    for dtype in (torch.bfloat16, torch.float16):
        name = str(dtype).removeprefix("torch.")
        try:
            bench.require(device.name, dtype)
        except bench.Skip as skip:
            yield Reading(name, f"skipped: {skip}")
            continue
        error, most = error_of(left.to(dtype) @ right.to(dtype), reference), MOST_ERROR[dtype]
        yield Reading(f"error in {name}", f"{error:.1e}", f"at most {most:.0e}", error <= most)


def _operands(device: bench.Device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(WIDTH, WIDTH, generator=generator) for _ in range(2))
    return left.to(device.name), right.to(device.name), left.double() @ right.double()
