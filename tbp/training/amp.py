"""One mixed-precision training step that is sure to run in half precision, and the naive one that is not.

Takes a model, a batch and an optimizer; leaves the loop, the data and the scaler's lifetime to the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tbp.training.accumulation import Batch
from tbp.training.precision import half_precision_support


class HalfPrecisionUnavailable(RuntimeError):
    """The step would not run in the requested half precision."""


@dataclass(frozen=True)
class AmpStep:
    """Outcome of one training step."""

    loss: Tensor  # scalar, float32, detached
    stepped: bool  # False: gradients held inf or NaN, so optimizer and scheduler were left alone
    output_dtype: torch.dtype  # of the model's output, as seen


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of (..., V) logits against (...) labels, -100 ignored."""
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten())


def train_with_amp(
    model: nn.Module,
    batch: Batch,
    optimizer: Optimizer,
    *,
    dtype: torch.dtype = torch.bfloat16,
    scaler: GradScaler | None = None,
    scheduler: LRScheduler | None = None,
    max_norm: float | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    output_dtype: torch.dtype | None = None,
    allow_emulation: bool = False,
) -> AmpStep:
    """One training step on ``batch`` = (inputs, labels) under autocast, on the device of the model.

    Gradients are unscaled before they are clipped. A step with inf or NaN in them is skipped, and the scheduler
    with it (https://docs.pytorch.org/docs/stable/notes/amp_examples.html).

    Args:
        dtype: ``torch.bfloat16``, or ``torch.float16`` with a ``scaler``.
        scaler: kept by the caller from step to step: it learns the scale. Needed for float16, refused for bfloat16.
        scheduler: stepped after each optimizer step that was made.
        max_norm: gradients are clipped to this norm.
        loss: of (output, labels), a scalar.
        output_dtype: the dtype that the model returns under autocast. None: ``dtype``. A model that ends in an operator
            autocast keeps in float32 returns that, as a layer norm on CUDA does.
        allow_emulation: run where the instructions are missing, 20 times slower. For checking arithmetic only.

    Raises:
        HalfPrecisionUnavailable: the device lacks ``dtype``, or the model's output came in another dtype than it
            should, as it does when autocast is off.
        ValueError: for a dtype and scaler that do not go together, or a model without parameters.
    """
    device = _device(model)
    reason = half_precision_support(device, dtype)
    if reason is not None and not allow_emulation:
        raise HalfPrecisionUnavailable(f"{reason}; train in float32 there, or pass allow_emulation=True")
    _check_scaler(dtype, scaler)
    inputs, labels = batch
    optimizer.zero_grad()
    with torch.autocast(device.type, dtype=dtype):
        output = model(inputs)
        wanted = dtype if output_dtype is None else output_dtype
        if output.dtype != wanted:
            raise HalfPrecisionUnavailable(
                f"the model returned {output.dtype} under {dtype} autocast, not {wanted}. Either autocast did not "
                f"reach it, or it ends in an operator autocast keeps in float32; then pass output_dtype={output.dtype}"
            )
        value = loss(output, labels)
    stepped = _scaled_step(model, optimizer, value, scaler, max_norm)
    if stepped and scheduler is not None:
        scheduler.step()
    return AmpStep(value.detach().float(), stepped, output.dtype)


def naive_train_with_amp(model: nn.Module, batch: Batch, optimizer: Optimizer, scaler: GradScaler) -> AmpStep:
    """The baseline, wrong on purpose: "mixed precision" that is float32 wherever CUDA is missing.

    It does what the deprecated ``torch.cuda.amp.autocast()`` and ``GradScaler()`` do: without CUDA both switch
    themselves off. Their warning is left out, as most callers silence it. ``stepped`` is what a caller would
    assume: always true.
    """
    inputs, labels = batch
    optimizer.zero_grad()
    with torch.autocast("cuda", enabled=torch.cuda.is_available()):
        output = model(inputs)
        value = cross_entropy(output, labels)
    scaler.scale(value).backward()  # type: ignore[no-untyped-call]  # torch ships it without types
    scaler.step(optimizer)
    scaler.update()
    return AmpStep(value.detach().float(), True, output.dtype)


def _device(model: nn.Module) -> torch.device:
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ValueError("the model has no parameters, so there is nothing to train")
    return parameter.device


def _check_scaler(dtype: torch.dtype, scaler: GradScaler | None) -> None:
    if dtype == torch.float16 and (scaler is None or not scaler.is_enabled()):
        # float16 gradients below 6e-8 become 0 without one.
        raise ValueError("float16 needs an enabled GradScaler, made once and passed to every step")
    if dtype == torch.bfloat16 and scaler is not None:
        raise ValueError("bfloat16 has float32's range and needs no GradScaler; pass scaler=None")


def _scaled_step(
    model: nn.Module, optimizer: Optimizer, loss: Tensor, scaler: GradScaler | None, max_norm: float | None
) -> bool:
    """Backward pass and optimizer step; True when the step was made."""
    if scaler is None:
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without types
        norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf") if max_norm is None else max_norm)
        finite = bool(norm.isfinite())
        if finite:
            optimizer.step()
        return finite
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch ships it without types
    scaler.unscale_(optimizer)
    if max_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    scale_before = scaler.get_scale()
    scaler.step(optimizer)
    scaler.update()
    # GradScaler has no flag for a skipped step, but it lowers the scale exactly then.
    return scaler.get_scale() >= scale_before
