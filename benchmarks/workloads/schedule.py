"""One step of a learning-rate schedule: linear warm-up and decay, by tbp, by transformers and by hand."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tbp import bench

FAMILY = "schedule"

RATIO = 0.1
STEPS = 35  # a tenth of it is 3.5: rounded up as transformers.TrainingArguments does, or cut off
LONG = 1_000_000_000  # steps of a schedule that is timed: it stays in the warm-up, as its twin does
RATE = 0.5

Schedule = Callable[[Optimizer, int], Callable[[], object]]
"""(optimizer, training steps) to the call that makes the next step of the schedule."""


def _optimizer(case: bench.Case) -> Optimizer:
    groups = [{"params": [nn.Parameter(torch.zeros(1))]} for _ in range(case["groups"])]
    return SGD(groups, lr=RATE)


def _reference(case: bench.Case, step: bench.Step, *, warmup_steps: int = 4) -> Tensor:
    """The rate at each step and after the end: up to RATE in equal steps, then down to 0."""
    up = [RATE * step / warmup_steps for step in range(warmup_steps)]
    down = [RATE * (STEPS - step) / (STEPS - warmup_steps) for step in range(warmup_steps, STEPS)]
    return torch.tensor([*up, *down, 0.0, 0.0], dtype=torch.float64)


def _step(case: bench.Case, schedule: Schedule) -> bench.Step:
    optimizer = _optimizer(case)
    run = schedule(optimizer, LONG)
    optimizer.step()  # torch warns where a schedule steps before its optimizer

    def rates() -> list[float]:
        observed = _optimizer(case)
        advance = schedule(observed, STEPS)
        observed.step()
        values = []
        for _ in range(STEPS + 2):
            values.append([group["lr"] for group in observed.param_groups])
            advance()
        assert all(min(each) == max(each) for each in values)
        return [each[0] for each in values]

    def moves() -> bool:
        before = [group["lr"] for group in optimizer.param_groups]
        run()
        return all(group["lr"] > rate for group, rate in zip(optimizer.param_groups, before, strict=True))

    return bench.Step(
        run,
        lambda: torch.tensor(rates(), dtype=case.dtype),
        conditions={"a run raises the rate of every group": moves},
        learning_rates=rates,
    )


@bench.workload(FAMILY, "by_hand", reference=_reference)
def by_hand(case: bench.Case) -> bench.Step:
    """The least that a schedule can cost: a number written into each group."""

    def schedule(optimizer: Optimizer, steps: int) -> Callable[[], object]:
        warmup_steps, step = math.ceil(RATIO * steps), 0

        def advance() -> None:
            nonlocal step
            for group in optimizer.param_groups:
                group["lr"] = RATE * (
                    step / warmup_steps if step < warmup_steps else max(0, steps - step) / (steps - warmup_steps)
                )
            step += 1

        advance()
        return advance

    return _step(case, schedule)


@bench.workload(FAMILY, "linear", reference=_reference, twin="linear_twin", baseline="by_hand")
def linear(case: bench.Case) -> bench.Step:
    create_scheduler = bench.subject("tbp.training", "create_scheduler")
    return _step(case, lambda optimizer, steps: create_scheduler(optimizer, steps, RATIO).step)


@bench.workload(FAMILY, "naive", reference=partial(_reference, warmup_steps=3))
def naive(case: bench.Case) -> bench.Step:
    """The page's schedule: the share of warm-up is cut off, and transformers has to be installed."""
    try:
        from transformers.optimization import get_linear_schedule_with_warmup
    except ImportError as error:
        raise bench.Skip(f"the naive schedule needs transformers: {error}") from None

    def schedule(optimizer: Optimizer, steps: int) -> Callable[[], object]:
        made: LRScheduler = get_linear_schedule_with_warmup(optimizer, int(RATIO * steps), steps)  # type: ignore[no-untyped-call]
        return made.step

    return _step(case, schedule)
