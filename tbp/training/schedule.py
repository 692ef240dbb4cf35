"""Linear warm-up, then linear decay to 0: the schedule of ``transformers``, without ``transformers``."""

from __future__ import annotations

import math
from functools import partial

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

# 0.1 × 30 is 3.0000000000000004: what floating point adds to an exact product must not become a step.
RATIO_ROUNDING = 1e-9


def create_scheduler(
    optimizer: Optimizer,
    num_training_steps: int,
    warmup_steps: int | float = 0.1,
    *,
    warmup_ratio: float | None = None,
) -> LambdaLR:
    """Scheduler that raises the learning rate from 0 over the warm-up, then lowers it to 0 at the last step.

    Equal at every step to ``transformers.get_linear_schedule_with_warmup``. Call ``step()`` after each optimizer
    step.

    Args:
        num_training_steps: optimizer steps in the whole training, warm-up included.
        warmup_steps: an int is that many steps; a float in [0, 1) is a share of ``num_training_steps``, rounded up
            as ``transformers.TrainingArguments`` does.
        warmup_ratio: that share by name; ``warmup_steps`` is then ignored.

    Raises:
        TypeError: for a ``warmup_steps`` that is no number.
        ValueError: for a ratio outside [0, 1), or more warm-up than training.
    """
    if num_training_steps < 1:
        raise ValueError(f"num_training_steps={num_training_steps} must be at least 1")
    if isinstance(warmup_steps, bool) or not isinstance(warmup_steps, int | float):
        raise TypeError(f"warmup_steps={warmup_steps!r} must be an int (steps) or a float in [0, 1) (a share)")
    wanted = warmup_steps if warmup_ratio is None else float(warmup_ratio)
    steps = wanted if isinstance(wanted, int) else _steps_of(wanted, num_training_steps)
    if not 0 <= steps <= num_training_steps:
        raise ValueError(f"{steps} warm-up steps must be between 0 and num_training_steps={num_training_steps}")
    return LambdaLR(optimizer, partial(linear_factor, warmup_steps=steps, num_training_steps=num_training_steps))


def linear_factor(step: int, *, warmup_steps: int, num_training_steps: int) -> float:
    """Factor on the base learning rate at ``step``: 0 to 1 over the warm-up, then down to 0, and 0 from there on."""
    if step < warmup_steps:
        return step / max(1, warmup_steps)
    return max(0.0, (num_training_steps - step) / max(1, num_training_steps - warmup_steps))


def _steps_of(ratio: float, num_training_steps: int) -> int:
    if not 0.0 <= ratio < 1.0:
        raise ValueError(f"a warm-up share must be in [0, 1), not {ratio}; give a number of steps as an int")
    return math.ceil(num_training_steps * ratio - RATIO_ROUNDING)
