"""Defects of a distillation loss that normalises over dimension 1, ignores no label and trains the teacher."""

# B batch, S positions, V classes, N = B × S

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tbp.defects.registry import Pair, Snippet, demonstration
from tbp.training import distillation_loss, naive_distillation_loss

B, S, V = 4, 6, 6  # as many positions as classes, so that nothing raises
TEMPERATURE, ALPHA = 3.0, 0.7  # the page's
IGNORED = -100
N_LABELLED = B * S // 2  # the other half is padding
NAN = "losses that are NaN"

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def _both(shown: Callable[[Loss], float]) -> Pair:
    def snippet(loss: Loss) -> Snippet:
        return lambda: shown(loss)

    return snippet(naive_distillation_loss), snippet(distillation_loss)


def _rows() -> tuple[Tensor, Tensor, Tensor]:
    """(N, V) logits of student and teacher, (N,) labels: the one shape in which the naive loss is right."""
    return torch.randn(B * S, V), torch.randn(B * S, V), torch.arange(B * S) % V


@demonstration("softened-over-positions", unit="relative error of the loss")
def softened_over_positions() -> Pair:
    """Dimension 1 of (B, S, V) is the positions; and a batch mean divides by the sequences alone."""
    student, teacher, labels = (value.double() if value.is_floating_point() else value for value in _rows())
    log_p, log_q = ((logits / TEMPERATURE).log_softmax(-1) for logits in (teacher, student))
    soft = (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    hard = -student.log_softmax(-1)[torch.arange(B * S), labels].mean()
    right = float(ALPHA * TEMPERATURE**2 * soft + (1 - ALPHA) * hard)
    shaped = [value.reshape(B, S, *value.shape[1:]) for value in (student.float(), teacher.float(), labels)]
    return _both(lambda loss: abs(float(loss(*shaped)) - right) / right)


@demonstration("all-labels-ignored", unit=NAN)
def all_labels_ignored() -> Pair:
    """A batch of padding alone: 0 divided by 0."""
    student, teacher, labels = _rows()
    return _both(lambda loss: float(loss(student, teacher, torch.full_like(labels, IGNORED)).isnan()))


@demonstration("padding-in-soft-term", unit="relative change of the loss by another padding")
def padding_in_soft_term() -> Pair:
    """Labels of -100 leave the hard term only: the student still learns the teacher's answers to padding."""
    student, teacher, labels = _rows()
    labels[N_LABELLED:] = IGNORED
    other_padding = teacher.clone()
    other_padding[N_LABELLED:] *= 3
    return _both(lambda loss: abs(float(loss(student, other_padding, labels) / loss(student, teacher, labels)) - 1))


@demonstration("gradient-into-teacher", unit="share of the teacher's logits with a gradient")
def gradient_into_teacher() -> Pair:
    """A backward pass through the teacher, which costs time and memory, and trains it where its weights are free."""
    student, teacher, labels = (value.requires_grad_() if value.is_floating_point() else value for value in _rows())

    def share(loss: Loss) -> float:
        student.grad = teacher.grad = None
        torch.autograd.backward(loss(student, teacher, labels))
        return 0.0 if teacher.grad is None else float((teacher.grad != 0).float().mean())

    return _both(share)


@demonstration("class-ruled-out", unit=NAN)
def class_ruled_out() -> Pair:
    """A logit of -inf in both, as a mask over the vocabulary leaves it: 0 times infinity."""
    student, teacher, labels = _rows()
    student[:, -1] = teacher[:, -1] = -torch.inf
    return _both(lambda loss: float(loss(student, teacher, labels % (V - 1)).isnan()))
