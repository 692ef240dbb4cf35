"""Training steps done right: optimizer, warm-up schedule, gradient accumulation, mixed precision, distillation.

Code under test: torch only. A ``naive_...`` function is the baseline its namesake is compared with, kept where the
difference shows in a benchmark or a test.
"""

from __future__ import annotations

from tbp.training.accumulation import naive_train_with_gradient_accumulation, train_with_gradient_accumulation
from tbp.training.amp import AmpStep, naive_train_with_amp, train_with_amp
from tbp.training.distillation import distillation_loss, naive_distillation_loss
from tbp.training.objective import Batch, labelled_items, summed_loss
from tbp.training.optimizer import create_optimizer
from tbp.training.precision import HalfPrecisionUnavailable, half_precision_support
from tbp.training.schedule import create_scheduler, linear_factor

__all__ = [
    "AmpStep",
    "Batch",
    "HalfPrecisionUnavailable",
    "create_optimizer",
    "create_scheduler",
    "distillation_loss",
    "half_precision_support",
    "labelled_items",
    "linear_factor",
    "naive_distillation_loss",
    "naive_train_with_amp",
    "naive_train_with_gradient_accumulation",
    "summed_loss",
    "train_with_amp",
    "train_with_gradient_accumulation",
]
