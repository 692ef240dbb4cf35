"""Gradient accumulation that equals training on the whole batch, and the naive one that does not.

Takes micro-batches and steps the optimizer once for every ``accumulation_steps`` of them, in float32 or in half
precision, in one process or in the ranks of DistributedDataParallel. Moving data to a device and epochs are left to
the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tbp.training.objective import Batch, forward, has_shifted_loss, labelled_items, mean_loss, summed_loss
from tbp.training.precision import autocast_in, check_computed_in
from tbp.training.update import Update, check_scaler


def train_with_gradient_accumulation(
    model: nn.Module,
    dataloader: Iterable[Batch],
    optimizer: Optimizer,
    accumulation_steps: int = 4,
    *,
    scheduler: LRScheduler | None = None,
    max_norm: float | None = None,
    dtype: torch.dtype | None = None,
    scaler: GradScaler | None = None,
    allow_emulation: bool = False,
    summed_loss: Callable[[nn.Module, Batch], Tensor] = summed_loss,
    item_count: Callable[[Batch], Tensor] | None = None,
) -> Tensor:
    """Train on all of ``dataloader``, one optimizer step per ``accumulation_steps`` micro-batches.

    Each micro-batch's *summed* loss is divided by the items in the whole group. So the gradient is that of one batch
    made of them all, however ragged (https://huggingface.co/blog/gradient_accumulation). A shorter group at the end
    steps too. A group without a counted item has a loss and gradients of 0. Gradients are unscaled and clipped once
    they are complete. Ranks of DistributedDataParallel exchange them once per step, and count the items of all; each
    rank must have as many micro-batches.

    Args:
        scheduler: stepped after each optimizer step that was made.
        max_norm: gradients are clipped to this norm, once per optimizer step.
        dtype, scaler, allow_emulation: as of ``train_with_amp``; None: float32.
        summed_loss: loss of one micro-batch, *summed* over its items.
        item_count: items in one micro-batch, a scalar tensor. None: the labels but -100; of a model whose loss
            compares each position with the next label, without the first of each sequence.

    Returns:
        The mean loss per item at each optimizer step, (optimizer steps,), float32, detached.

    Raises:
        HalfPrecisionUnavailable, ValueError: as ``train_with_amp``.
    """
    if accumulation_steps < 1:
        raise ValueError(f"accumulation_steps={accumulation_steps} must be at least 1")
    check_scaler(dtype, scaler)
    autocast = autocast_in(model, dtype, allow_emulation)
    update = Update(optimizer, scaler, scheduler, max_norm, guarded=dtype is not None)
    shifted, ranks = has_shifted_loss(model), _ranks(model)
    losses = []
    optimizer.zero_grad()
    for group in _groups(dataloader, accumulation_steps):
        counts = [
            labelled_items(batch, shifted=shifted) if item_count is None else item_count(batch) for batch in group
        ]
        items = _summed_over_ranks(model, torch.stack(counts).sum()).clamp(min=1)
        parts = []
        for number, batch in enumerate(group):
            with _exchanging(model, number == len(group) - 1):
                with autocast():
                    loss = summed_loss(model, batch)
                check_computed_in(dtype, loss)
                # The ranks' gradients are averaged, where their sum is meant.
                loss = loss * (ranks / items)
                update.backward(loss)
            parts.append(loss.detach().float() / ranks)
        update.step()
        optimizer.zero_grad()
        losses.append(torch.stack(parts).sum())
    return _summed_over_ranks(model, torch.stack(losses)) if losses else torch.empty(0)


def naive_train_with_gradient_accumulation(
    model: nn.Module, dataloader: Iterable[Batch], optimizer: Optimizer, accumulation_steps: int = 4
) -> Tensor:
    """The baseline, wrong on purpose: the mean of means, and no step for the micro-batches left at the end.

    With ragged micro-batches every item of a short one weighs more (up to 71 % off, measured). The gradients of the
    tail stay behind in the parameters, where the next epoch adds to them. Ranks exchange every micro-batch's gradients.

    Returns:
        The loss of each micro-batch as it was back-propagated, (micro-batches,), detached.
    """
    losses = []
    for index, batch in enumerate(dataloader):
        loss = mean_loss(forward(model, batch), batch) / accumulation_steps
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


def _exchanging(model: nn.Module, is_last: bool) -> AbstractContextManager[object]:
    """Ranks exchange gradients in the last backward pass of a group only: until then each adds to its sum."""
    if isinstance(model, DistributedDataParallel) and not is_last:
        synchronising: AbstractContextManager[object] = model.no_sync()
        return synchronising
    return nullcontext()


def _summed_over_ranks(model: nn.Module, value: Tensor) -> Tensor:
    """The sum of the ranks' values; ``value`` itself in a single process."""
    if isinstance(model, DistributedDataParallel):
        dist.all_reduce(value, group=model.process_group)
    return value


def _ranks(model: nn.Module) -> int:
    return dist.get_world_size(model.process_group) if isinstance(model, DistributedDataParallel) else 1
