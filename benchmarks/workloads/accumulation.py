"""Gradient accumulation over equal and over ragged micro-batches, and the naive one."""

# B batch, S sequence

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import SGD, AdamW

from tbp import bench

from .training_steps import RATE, batch_of, gradient, model_of, training_step, whole_batch_gradient

FAMILY = "accumulation"

IGNORED = -100  # the label that no loss counts
NORM = 2.0**-6  # below the gradient's, and below that of each micro-batch
TAIL = "clipped gradient of a group that ends early"
BOTH = "gradients of two groups"


def micro_batches_of(case: bench.Case, parts: int, *, is_ragged: bool = True) -> list[tuple[Tensor, Tensor]]:
    """Equal ``parts`` of the batch; ragged: the first with all of its labels, the last with an eighth."""
    x_BSD, labels_BS = batch_of(case)
    micro_batches = list(zip(x_BSD.chunk(parts), labels_BS.clone().chunk(parts), strict=True))
    if is_ragged:
        length = case["sequence_length"]
        for number, (_, labels) in enumerate(micro_batches):
            labels[:, length - number * (length - length // 8) // max(1, parts - 1) :] = IGNORED
    return micro_batches


def _step(case: bench.Case, name: str, *, is_ragged: bool = False, **facts: Any) -> bench.Step:
    accumulate = bench.subject("tbp.training", name)
    model, micro_batches = model_of(case), micro_batches_of(case, case["micro_batches"], is_ragged=is_ragged)
    optimizer = AdamW(model.parameters(), lr=1e-4, fused=True)
    return training_step(
        case, model, optimizer, lambda: accumulate(model, micro_batches, optimizer, case["micro_batches"]), **facts
    )


def _clipped_tail(case: bench.Case) -> Tensor:
    """The gradient that is applied of a group that ends early, and is to be clipped to NORM when it is complete."""
    accumulate = bench.subject("tbp.training", "train_with_gradient_accumulation")
    model = model_of(case)
    before = [weight.detach().clone() for weight in model.parameters()]
    steep = SGD(model.parameters(), lr=RATE / NORM)
    accumulate(model, micro_batches_of(case, case["micro_batches"]), steep, case["micro_batches"] + 1, max_norm=NORM)
    pairs = zip(before, model.parameters(), strict=True)
    return torch.cat([(start - end).detach().flatten() for start, end in pairs]) / (RATE / NORM)


class _Noting(SGD):
    """An optimizer that keeps the gradients of each step, and moves nothing."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__(model.parameters(), lr=0.0)
        self.gradients: list[Tensor] = []

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        parts = [weight.grad for group in self.param_groups for weight in group["params"]]
        self.gradients.append(torch.cat([part.detach().flatten() for part in parts if part is not None]))


def _of_two_groups(case: bench.Case) -> Tensor:
    """The gradients of two steps on the same micro-batches, one after the other."""
    accumulate = bench.subject("tbp.training", "train_with_gradient_accumulation")
    model, micro_batches = model_of(case), micro_batches_of(case, case["micro_batches"])
    optimizer = _Noting(model)
    accumulate(model, 2 * micro_batches, optimizer, case["micro_batches"])
    return torch.stack(optimizer.gradients)


def _mean_losses(case: bench.Case, step: bench.Step, parts: int) -> tuple[torch.nn.Module, Tensor, Tensor]:
    """The model in float64, its loss at each label of the ragged micro-batches, and which of them count."""
    model = copy.deepcopy(step.module)
    assert model is not None
    model.cpu().double()
    micro_batches = [(x.cpu().double(), labels.cpu()) for x, labels in micro_batches_of(case, parts)]
    losses = [
        F.cross_entropy(model(x).flatten(0, 1), labels.flatten(), reduction="none", ignore_index=IGNORED)
        for x, labels in micro_batches
    ]
    return model, torch.stack(losses), torch.stack([labels.flatten() != IGNORED for _, labels in micro_batches])


def mean_of_all(case: bench.Case, step: bench.Step, parts: int) -> Tensor:
    """The gradient of the mean over all labels that count, however they are spread over ragged ``parts``."""
    model, losses, counts = _mean_losses(case, step, parts)
    return gradient(model, losses.sum() / counts.sum())


def _with_clipped_tail(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
    whole = mean_of_all(case, step, case["micro_batches"])
    tail = whole * (NORM / whole.norm()).clamp(max=1.0)
    return {"output": whole, TAIL: tail, BOTH: whole.expand(2, -1)}


def mean_of_means(case: bench.Case, step: bench.Step, parts: int) -> Tensor:
    """The naive accumulation by its formula: each of the ragged ``parts`` weighs alike, however few its labels."""
    model, losses, counts = _mean_losses(case, step, parts)
    return gradient(model, (losses.sum(1) / counts.sum(1)).mean())


@bench.workload(FAMILY, "naive", reference=whole_batch_gradient, version=2)
def naive(case: bench.Case) -> bench.Step:
    return _step(case, "naive_train_with_gradient_accumulation")


@bench.workload(
    FAMILY, "accumulated", reference=whole_batch_gradient, twin="accumulated_twin", baseline="naive", version=2
)
def accumulated(case: bench.Case) -> bench.Step:
    return _step(case, "train_with_gradient_accumulation")


@bench.workload(
    FAMILY, "naive_ragged", reference=lambda case, step: mean_of_means(case, step, case["micro_batches"]), version=2
)
def naive_ragged(case: bench.Case) -> bench.Step:
    return _step(case, "naive_train_with_gradient_accumulation", is_ragged=True)


@bench.workload(FAMILY, "ragged", reference=_with_clipped_tail, baseline="naive_ragged", version=2)
def ragged(case: bench.Case) -> bench.Step:
    checks = {TAIL: lambda: _clipped_tail(case), BOTH: lambda: _of_two_groups(case)}
    return _step(case, "train_with_gradient_accumulation", is_ragged=True, checks=checks)
