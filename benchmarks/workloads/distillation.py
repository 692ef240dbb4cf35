"""One step of a student that learns from a teacher, and the naive one."""

# B batch, S sequence, V classes, N = B × S

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from tbp import bench

from .training_steps import batch_of, forward_flops, gradient, model_of, training_step

FAMILY = "distillation"

TEACHER_LAYERS = 4
TEMPERATURE, ALPHA = 3.0, 0.7  # the page's
IGNORED = -100  # the label that no loss counts


def _loss(student_BSV: Tensor, teacher_BSV: Tensor, labels_BS: Tensor) -> Tensor:
    """α T² Σ p (log p − log q) + (1 − α) (−log q of the label), means over the labels (Hinton et al. 2015)."""
    counts_BS = labels_BS != IGNORED
    log_q, log_p = (logits.div(TEMPERATURE).log_softmax(-1) for logits in (student_BSV, teacher_BSV))
    p = log_p.exp()
    soft_BS = torch.where(p > 0, p * (log_p - log_q), 0.0).sum(-1)
    hard_BS = -student_BSV.log_softmax(-1).gather(-1, labels_BS.clamp(min=0)[..., None])[..., 0]
    loss_BS = ALPHA * TEMPERATURE**2 * soft_BS + (1 - ALPHA) * hard_BS
    return loss_BS[counts_BS].mean()


def _reference(case: bench.Case, step: bench.Step) -> Tensor:
    """The student's gradient in float64, by the formula."""
    student, teacher = copy.deepcopy(step.module), model_of(case, layers=TEACHER_LAYERS).cpu().double()
    assert student is not None
    student.cpu().double()
    x_BSD, labels_BS = (value.cpu() for value in step.inputs)
    return gradient(student, _loss(student(x_BSD.double()), teacher(x_BSD.double()).detach(), labels_BS))


def _masked(case: bench.Case) -> tuple[Tensor, Tensor, Tensor]:
    """Logits of both with padding, of which the teacher says nothing, and a class that it rules out."""
    student_BSV, teacher_BSV = case.randn(2, 2, 5, 7)
    labels_BS = torch.arange(10, device=case.device).reshape(2, 5) % 6
    labels_BS[0, 3:] = IGNORED
    teacher_BSV[..., 6] = -math.inf
    return student_BSV, teacher_BSV, labels_BS


def _with_padding(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
    student_BSV, teacher_BSV, labels_BS = _masked(case)
    masked = _loss(student_BSV.cpu().double(), teacher_BSV.cpu().double(), labels_BS.cpu())
    return {"output": _reference(case, step), "loss with padding and a class ruled out": masked}


def _step(
    case: bench.Case, student: nn.Module, optimizer: AdamW, run: Callable[[], object], teacher_passes: int, **facts: Any
) -> bench.Step:
    """``teacher_passes``: 1 forward, 2 more where gradients reach the teacher."""
    step = training_step(case, student, optimizer, run, **facts)
    assert step.flops is not None
    return replace(step, flops=step.flops + teacher_passes * sum(forward_flops(case, TEACHER_LAYERS)))


@bench.workload(FAMILY, "naive", reference=_reference, version=2)
def naive(case: bench.Case) -> bench.Step:
    """The page's loss, on rows and without padding, where it is right. Its gradient goes on into the teacher."""
    loss = bench.subject("tbp.training", "naive_distillation_loss")
    student, teacher = model_of(case), model_of(case, layers=TEACHER_LAYERS)
    optimizer = AdamW(student.parameters(), lr=1e-4, fused=True)
    x_BSD, labels_BS = batch_of(case)

    def run() -> None:
        optimizer.zero_grad()
        teacher.zero_grad()
        logits = student(x_BSD).flatten(0, 1), teacher(x_BSD).flatten(0, 1)
        loss(*logits, labels_BS.flatten(), TEMPERATURE, ALPHA).backward()
        optimizer.step()

    return _step(case, student, optimizer, run, teacher_passes=3)


@bench.workload(FAMILY, "distilled", reference=_with_padding, twin="distilled_twin", baseline="naive", version=2)
def distilled(case: bench.Case) -> bench.Step:
    loss = bench.subject("tbp.training", "distillation_loss")
    student, teacher = model_of(case), model_of(case, layers=TEACHER_LAYERS).eval()
    optimizer = AdamW(student.parameters(), lr=1e-4, fused=True)
    x_BSD, labels_BS = batch_of(case)

    def run() -> None:
        optimizer.zero_grad()
        with torch.no_grad():
            teacher_BSV = teacher(x_BSD)
        loss(student(x_BSD), teacher_BSV, labels_BS, TEMPERATURE, ALPHA).backward()
        optimizer.step()

    def teaches_only() -> bool:
        student_BSV, teacher_BSV, labels_BS = _masked(case)
        teacher_BSV.requires_grad_()
        loss(student_BSV.requires_grad_(), teacher_BSV, labels_BS, TEMPERATURE, ALPHA).backward()
        return teacher_BSV.grad is None

    checks = {"loss with padding and a class ruled out": lambda: loss(*_masked(case), TEMPERATURE, ALPHA)}
    conditions = {"no gradient reaches the teacher": teaches_only}
    return _step(case, student, optimizer, run, teacher_passes=1, checks=checks, conditions=conditions)
