"""Checks of training in mixed precision: the gradient scaler, and a step that is sure to be in half precision."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn
from torch.amp import GradScaler

from tbp import bench
from tbp.selftest.checks import Reading, check, close
from tbp.training import AmpStep, train_with_amp

SCALE = 1024.0
ROWS, WIDTH, CLASSES = 64, 128, 10
# bfloat16 has 8 bits: a loss of a hundred terms is off by some thousandths.
LOSS_AGREEMENT = 0.05


@check("gradient scaler")
def scaler(device: bench.Device) -> Iterator[Reading]:
    """A step whose gradients overflow is left out and halves the scale; a finite one is made without the scale."""
    weight = nn.Parameter(torch.ones(4, device=device.name))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scaling = GradScaler(device.name, init_scale=SCALE)
    for factor, expected, scale in ((float("inf"), 1.0, SCALE / 2), (0.5, 0.5, SCALE / 2)):
        optimizer.zero_grad()
        scaling.scale((weight * factor).sum()).backward()  # type: ignore[no-untyped-call]
        scaling.step(optimizer)
        scaling.update()
        kind = "overflow" if factor == float("inf") else "a finite step"
        weights, now = weight.detach().cpu(), scaling.get_scale()
        is_right = torch.equal(weights, torch.full((4,), expected)) and now == scale
        yield Reading(f"after {kind}", f"weight {weights[0]:g}, scale {now:g}", f"{expected:g}, {scale:g}", is_right)


@check("mixed-precision step")
def step(device: bench.Device) -> Iterator[Reading]:
    """``train_with_amp`` computes in the half precision that it is asked for, and loses as float32 does."""
    for dtype in (torch.bfloat16, torch.float16):
        name = str(dtype).removeprefix("torch.")
        try:
            bench.require(device.name, dtype)
        except bench.Skip as skip:
            yield Reading(name, f"skipped: {skip}")
            continue
        model, batch, exact_loss = _task(device)
        taken = _step(model, batch, dtype, device)
        is_half = taken.output_dtype is dtype
        yield Reading(f"output in {name}", str(taken.output_dtype).removeprefix("torch."), name, is_half)
        yield close(f"loss in {name}", float(taken.loss), exact_loss, LOSS_AGREEMENT, "")


def _step(
    model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor], dtype: torch.dtype, device: bench.Device
) -> AmpStep:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    scaling = GradScaler(device.name, init_scale=SCALE) if dtype is torch.float16 else None
    return train_with_amp(model, batch, optimizer, dtype=dtype, scaler=scaling)


def _task(device: bench.Device) -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor], float]:
    """A model, a batch for it, and its loss in float32."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, CLASSES)).to(device.name)
    inputs = torch.randn(ROWS, WIDTH).to(device.name)
    labels = torch.randint(CLASSES, (ROWS,)).to(device.name)
    with torch.no_grad():
        return model, (inputs, labels), float(F.cross_entropy(model(inputs), labels))
