"""One mixed-precision training step that is sure to run in half precision, and the naive one that is not.

Takes a model and a batch; leaves the loop, the data and the scaler's lifetime to the caller. Several batches a step are
``train_with_gradient_accumulation`` with a ``dtype``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tbp.training.objective import Batch, cross_entropy, forward, mean_loss
from tbp.training.optimizer import create_optimizer
from tbp.training.precision import autocast_in, check_computed_in
from tbp.training.update import Update, check_scaler

_OPTIMIZERS: WeakKeyDictionary[nn.Module, Optimizer] = WeakKeyDictionary()


@dataclass(frozen=True)
class AmpStep:
    """Outcome of one training step."""

    loss: Tensor  # scalar, float32, detached
    stepped: bool  # False: gradients held inf or NaN, so optimizer and scheduler were left alone
    output_dtype: torch.dtype  # of the model's logits, or of its loss where it returns no logits


def train_with_amp(
    model: nn.Module,
    batch: Batch,
    optimizer: Optimizer | None = None,
    *,
    dtype: torch.dtype = torch.bfloat16,
    scaler: GradScaler | None = None,
    scheduler: LRScheduler | None = None,
    max_norm: float | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    allow_emulation: bool = False,
) -> AmpStep:
    """One training step on ``batch`` under autocast, on the device of the model.

    The model returns its loss, a tuple that begins with it, an object with ``.loss``, or logits. Gradients are unscaled
    before they are clipped. A step with inf or NaN in them is skipped, and the scheduler with it
    (https://docs.pytorch.org/docs/stable/notes/amp_examples.html). bfloat16 has float32's range, so that there, as in
    float32, only a step that is clipped is looked at: its norm is known anyway.

    Args:
        batch: (inputs, labels), or a mapping of the model's arguments.
        optimizer: None: that of ``create_optimizer``, made for the model's first step and kept for the next ones.
        dtype: ``torch.bfloat16``, or ``torch.float16`` with a ``scaler``.
        scaler: kept by the caller from step to step: it learns the scale. Needed for float16, refused for bfloat16.
        scheduler: stepped after each optimizer step that was made.
        max_norm: gradients are clipped to this norm.
        loss: of (logits, labels), a scalar, for a model that returns logits alone.
        allow_emulation: run where the instructions are missing, 20 times slower. For checking arithmetic only.

    Raises:
        HalfPrecisionUnavailable: the device lacks ``dtype``, or the model computed in float32, as it does when autocast
            is off.
        ValueError: for a dtype and scaler that do not go together, or a model without parameters.
    """
    check_scaler(dtype, scaler)
    autocast = autocast_in(model, dtype, allow_emulation)
    optimizer = _optimizer_of(model) if optimizer is None else optimizer
    optimizer.zero_grad()
    with autocast():
        result = forward(model, batch)
        value = mean_loss(result, batch, loss)
    output = value if result.logits is None else result.logits
    check_computed_in(dtype, output)
    update = Update(optimizer, scaler, scheduler, max_norm, guarded=True)
    update.backward(value)
    stepped = update.step()
    return AmpStep(value.detach().float(), stepped, output.dtype)


def naive_train_with_amp(model: nn.Module, batch: Batch, optimizer: Optimizer, scaler: GradScaler) -> AmpStep:
    """The baseline, wrong on purpose: "mixed precision" that is float32 wherever CUDA is missing.

    It does what the deprecated ``torch.cuda.amp.autocast()`` and ``GradScaler()`` do: without CUDA both switch
    themselves off. Their warning is left out, as most callers silence it. ``stepped`` is what a caller would
    assume: always true.
    """
    optimizer.zero_grad()
    with torch.autocast("cuda", enabled=torch.cuda.is_available()):
        result = forward(model, batch)
        value = mean_loss(result, batch)
    scaler.scale(value).backward()  # type: ignore[no-untyped-call]  # torch ships it without types
    scaler.step(optimizer)
    scaler.update()
    output = value if result.logits is None else result.logits
    return AmpStep(value.detach().float(), True, output.dtype)


def _optimizer_of(model: nn.Module) -> Optimizer:
    """The optimizer kept for ``model``: its moments must outlive a step."""
    if model not in _OPTIMIZERS:
        _OPTIMIZERS[model] = create_optimizer(model)
    return _OPTIMIZERS[model]
