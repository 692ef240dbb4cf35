"""Defects of ``int(num_training_steps * warmup_steps)`` with the schedule of ``transformers``."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from unittest.mock import patch

import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from tbp.defects.registry import RAISED, Pair, demonstration
from tbp.training import create_scheduler, linear_factor


def naive_create_scheduler(optimizer: Optimizer, num_training_steps: int, warmup_steps: float = 0.1) -> LambdaLR:
    """The page's: a share that is called steps, and is cut off. Its curve is that of ``transformers``."""
    warmup = int(num_training_steps * warmup_steps)
    factor = partial(linear_factor, warmup_steps=warmup, num_training_steps=num_training_steps)
    return LambdaLR(optimizer, factor)


def _optimizer() -> SGD:
    return SGD([nn.Parameter(torch.zeros(1))], lr=1.0)


def _rates(scheduler: LRScheduler, steps: int) -> list[float]:
    """The learning rate of each step, of at most 1."""
    rates = []
    for _ in range(steps):
        rates.append(float(scheduler.get_last_lr()[0]))
        scheduler.optimizer.step()
        scheduler.step()
    return rates


@demonstration("share-called-steps", unit="share of the learning rate that is never reached")
def share_called_steps() -> Pair:
    """``warmup_steps=100`` of 1,000 is read as a share of 100: a warm-up of 100,000 steps."""
    return (
        lambda: 1 - max(_rates(naive_create_scheduler(_optimizer(), 1000, warmup_steps=100), 1000)),
        lambda: 1 - max(_rates(create_scheduler(_optimizer(), 1000, warmup_steps=100), 1000)),
    )


@demonstration("warm-up-cut-off", unit="steps of warm-up missing")
def warm_up_cut_off() -> Pair:
    """0.29 of 100 steps is 28.999999999999996 in floating point, and ``int`` makes 28 of it."""
    return (
        lambda: 29 - _rates(naive_create_scheduler(_optimizer(), 100, 0.29), 100).index(1.0),
        lambda: 29 - _rates(create_scheduler(_optimizer(), 100, 0.29), 100).index(1.0),
    )


@demonstration("schedule-needs-transformers", unit=RAISED)
def schedule_needs_transformers() -> Pair:
    """The import of a large library for a formula of two lines; here as where it is not installed."""

    def naive() -> float:
        with patch.dict(sys.modules, {"transformers": None}):
            schedule = importlib.import_module("transformers").get_linear_schedule_with_warmup(_optimizer(), 10, 100)
        return float(schedule.get_last_lr()[0])

    return naive, lambda: create_scheduler(_optimizer(), 100).get_last_lr()[0]
