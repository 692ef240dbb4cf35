"""A batch through a model → its loss, in whatever form the two come.

A batch is a mapping (Hugging Face: ``model(**batch)``), (inputs, labels), or one tensor. A model returns its loss,
a tuple that begins with it, an object or mapping with ``loss``, or logits, whose loss is computed here. The backward
pass and the step are left to ``update``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Batch: TypeAlias = Tensor | Sequence[Tensor] | Mapping[str, Tensor]
"""The tensors of one micro-batch, as a ``DataLoader`` yields them. Labels are the second one, or called ``labels``."""

IGNORED = -100  # the label that no loss counts, as in torch and transformers
# Hugging Face's causal models, alone in this, compare the output at each position with the next label. Their attribute
# ``loss_type`` is taken from the class's name, and None for the older name.
SHIFTED_LOSS = "ForCausalLM"
OLD_CAUSAL_NAME = "LMHeadModel"


@dataclass(frozen=True)
class ModelResult:
    """Outcome of one forward pass: the loss that the model computed itself, its logits, or both."""

    loss: Tensor | None  # scalar, a mean over the counted labels
    logits: Tensor | None  # (..., V), as the model returned them


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of (..., V) logits against (...) labels, -100 ignored."""
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten())


def labels_of(batch: Batch) -> Tensor:
    """The labels of a batch.

    Raises:
        ValueError: it has none.
    """
    if isinstance(batch, Mapping):
        if "labels" in batch:
            return batch["labels"]
    elif not isinstance(batch, Tensor) and len(batch) >= 2:
        return batch[1]
    raise ValueError("the batch has no labels: give (inputs, labels), a mapping with 'labels', or a loss of your own")


def forward(model: nn.Module, batch: Batch) -> ModelResult:
    """Run ``model`` on ``batch``; labels go to a model whose ``forward`` takes an argument of that name.

    Raises:
        TypeError: the model returned neither a loss nor logits.
    """
    if isinstance(batch, Mapping):
        return _result(model(**batch))
    if isinstance(batch, Tensor):
        return _result(model(batch))
    if len(batch) == 2 and "labels" in signature(unwrapped(model).forward).parameters:
        return _result(model(batch[0], labels=batch[1]))
    return _result(model(*batch) if len(batch) > 2 else model(batch[0]))


def mean_loss(result: ModelResult, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy) -> Tensor:
    """The model's loss, or else ``loss`` of its logits and the labels."""
    if result.loss is not None:
        return result.loss
    assert result.logits is not None
    return loss(result.logits, labels_of(batch))


def summed_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The loss *summed* over the labels but -100: of the model's logits, or its mean loss times their number."""
    result = forward(model, batch)
    if result.loss is None:
        assert result.logits is not None
        return F.cross_entropy(result.logits.flatten(0, -2), labels_of(batch).flatten(), reduction="sum")
    items = labelled_items(batch, shifted=has_shifted_loss(model))
    # A mean over no labels is 0 ÷ 0. Its gradient is 0 in torch, so that the value alone needs mending.
    return torch.where(items > 0, result.loss, 0.0) * items


def labelled_items(batch: Batch, *, shifted: bool = False) -> Tensor:
    """Number of labels other than -100, a scalar on their device; ``shifted``: without the first of each sequence."""
    labels = labels_of(batch)
    return ((labels[..., 1:] if shifted else labels) != IGNORED).sum()


def has_shifted_loss(model: nn.Module) -> bool:
    """True for a causal model of Hugging Face, whose loss compares each position with the next label."""
    inner = unwrapped(model)
    loss_type = getattr(inner, "loss_type", "")
    return loss_type == SHIFTED_LOSS or (loss_type is None and type(inner).__name__.endswith(OLD_CAUSAL_NAME))


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside DistributedDataParallel, ``torch.compile`` or both."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if isinstance(model, nn.parallel.DistributedDataParallel):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner


def _result(returned: Any) -> ModelResult:
    """The loss and logits of what a model returned; a tensor without dimensions is a loss."""
    if isinstance(returned, Mapping):
        loss, logits = returned.get("loss"), returned.get("logits")
    elif isinstance(returned, Tensor | tuple | list):
        first, *rest = [returned] if isinstance(returned, Tensor) else returned
        loss, logits = (first, rest[0] if rest else None) if first.dim() == 0 else (None, first)
    else:
        loss, logits = getattr(returned, "loss", None), getattr(returned, "logits", None)
    loss = loss if isinstance(loss, Tensor) else None
    logits = logits if isinstance(logits, Tensor) else None
    if loss is None and logits is None:
        raise TypeError(
            f"the model returned {type(returned).__name__}, in which there is no loss and no logits; return a loss, "
            "logits, a tuple that begins with either, or an object with .loss or .logits"
        )
    return ModelResult(loss, logits)
