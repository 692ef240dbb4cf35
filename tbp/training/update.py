"""Gradients → one step of an optimizer, in the only right order: unscale, clip, step, schedule.

Takes the losses of one or several micro-batches for the backward pass; then, once for all of them, makes the step. It
knows no batches and no models.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True)
class Update:
    """How the gradients of a group of micro-batches become a step.

    Args:
        scaler: scales the losses; None: they have float32's range.
        scheduler: stepped after each optimizer step that was made.
        max_norm: all gradients together are clipped to this norm, once they are complete.
        guarded: a clipped step whose norm is inf or NaN is skipped. It waits for the device. A scaler skips anyway.
    """

    optimizer: Optimizer
    scaler: GradScaler | None = None
    scheduler: LRScheduler | None = None
    max_norm: float | None = None
    guarded: bool = False

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of ``loss`` to those that are there."""
        scaled = loss if self.scaler is None else self.scaler.scale(loss)
        scaled.backward()  # type: ignore[no-untyped-call]  # torch ships it without types

    def step(self) -> bool:
        """Step once the gradients are complete; False where they held inf or NaN, and nothing was stepped."""
        if self.scaler is not None:
            # Scaled by 65,536 gradients would all be clipped.
            self.scaler.unscale_(self.optimizer)
        norm = self._clipped_norm()
        if self.scaler is not None:
            made = self._scaled_step(self.scaler)
        else:
            made = not (self.guarded and norm is not None) or bool(norm.isfinite())
            if made:
                self.optimizer.step()
        if made and self.scheduler is not None:
            self.scheduler.step()
        return made

    def _clipped_norm(self) -> Tensor | None:
        """The norm of all gradients before they were clipped; None where they are not. No pass over them then."""
        if self.max_norm is None:
            return None
        parameters = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        return nn.utils.clip_grad_norm_(parameters, self.max_norm)

    def _scaled_step(self, scaler: GradScaler) -> bool:
        scale_before = scaler.get_scale()
        scaler.step(self.optimizer)
        scaler.update()
        # GradScaler has no flag for a skipped step, but it lowers the scale exactly then.
        return scaler.get_scale() >= scale_before


def check_scaler(dtype: torch.dtype | None, scaler: GradScaler | None) -> None:
    """Raise ValueError for a dtype and a scaler that do not go together; None is float32."""
    if dtype == torch.float16 and (scaler is None or not scaler.is_enabled()):
        # float16 gradients below 6e-8 become 0 without one.
        raise ValueError("float16 needs an enabled GradScaler, made once and passed to every step")
    if dtype != torch.float16 and scaler is not None:
        name = "float32" if dtype is None else str(dtype).removeprefix("torch.")
        raise ValueError(f"{name} has float32's range and needs no GradScaler; pass scaler=None")
