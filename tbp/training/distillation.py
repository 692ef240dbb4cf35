"""The knowledge-distillation loss (Hinton et al. 2015), for logits of any leading shape, and the naive one."""

# ... any leading dimensions, V classes or vocabulary, N = all leading dimensions flattened

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    labels: Tensor,
    temperature: float = 3.0,
    alpha: float = 0.7,
    *,
    ignore_index: int = -100,
) -> Tensor:
    """α · T² · KL(teacher ‖ student, both softened by T) + (1 − α) · cross-entropy.

    Both terms are means over the labels that are not ignored, so padding weighs nothing in either. T² keeps the soft
    term's gradients on one scale whatever the temperature (Hinton et al. 2015, section 2).

    Args:
        student_logits: (..., V).
        teacher_logits: (..., V); no gradient reaches the teacher. -inf rules a class out.
        labels: (...) class indices.
        temperature: T, positive.
        alpha: α in [0, 1], the share of the soft term.
        ignore_index: the label that masks its position out of both terms.

    Returns:
        A scalar, in at least float32. 0 when every label is ignored, with gradients of 0.

    Raises:
        ValueError: for shapes that do not fit, or a temperature or alpha out of range.
    """
    if student_logits.shape != teacher_logits.shape or student_logits.shape[:-1] != labels.shape:
        raise ValueError(
            "logits must be (..., V) alike and labels (...), not "
            f"{tuple(student_logits.shape)}, {tuple(teacher_logits.shape)}, {tuple(labels.shape)}"
        )
    if temperature <= 0.0 or not 0.0 <= alpha <= 1.0:
        raise ValueError(f"temperature={temperature} must be positive and alpha={alpha} in [0, 1]")
    # Half precision would round the sums over V.
    dtype = torch.promote_types(student_logits.dtype, torch.float32)
    student_NV = student_logits.flatten(0, -2).to(dtype)
    teacher_NV = teacher_logits.detach().flatten(0, -2).to(dtype)
    labels_N = labels.flatten()
    kept_N = labels_N != ignore_index
    items = kept_N.sum().clamp(min=1)
    student_log_NV = F.log_softmax(student_NV / temperature, dim=-1)
    teacher_log_NV = F.log_softmax(teacher_NV / temperature, dim=-1)
    # A class that the teacher rules out, p = 0, weighs 0 · log 0 = 0; in floating point that is NaN. Filled before the
    # product, so that its gradient is 0 too.
    weightless_NV = (teacher_log_NV == -torch.inf) | ~kept_N[:, None]
    divergence_NV = F.kl_div(
        student_log_NV.masked_fill(weightless_NV, 0.0),
        teacher_log_NV.masked_fill(weightless_NV, 0.0),
        reduction="none",
        log_target=True,  # a probability that underflows to 0 still has its logarithm
    )
    soft = divergence_NV.sum() / items
    hard = F.cross_entropy(student_NV, labels_N, ignore_index=ignore_index, reduction="sum") / items
    return alpha * temperature**2 * soft + (1.0 - alpha) * hard


def naive_distillation_loss(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, temperature: float = 3.0, alpha: float = 0.7
) -> Tensor:
    """The baseline, wrong on purpose: it normalises over dimension 1 and divides by dimension 0.

    Right for (N, V) logits without ignored labels. With (B, S, V) it softens over the positions; padding counts in
    the soft term; all labels ignored gives NaN; the teacher gets gradients.
    """
    soft = F.kl_div(
        F.log_softmax(student_logits / temperature, dim=1),
        F.softmax(teacher_logits / temperature, dim=1),
        reduction="batchmean",
    )
    hard = F.cross_entropy(student_logits, labels)
    return alpha * temperature**2 * soft + (1 - alpha) * hard
