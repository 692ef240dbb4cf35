"""Defects of gradient accumulation that steps at every k-th micro-batch, with the mean of means."""

# N items, V classes

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from tbp.defects.observed import relative_error
from tbp.defects.registry import Pair, Snippet, demonstration
from tbp.training import naive_train_with_gradient_accumulation, train_with_gradient_accumulation

Train = Callable[..., Tensor]
IGNORED = -100


@demonstration("tail-never-steps", unit="micro-batches of which the weights learn nothing")
def tail_never_steps() -> Pair:
    """Ten micro-batches, a step for every four: the last two are left over."""
    # Each micro-batch has an input that no other has, so that its column of the weight changes if it is learnt from.
    micro_batches = [(row[None], torch.tensor([0])) for row in torch.eye(10)]

    def untouched(train: Train) -> float:
        model = nn.Linear(10, 3)
        before = model.weight.detach().clone()
        train(model, micro_batches, SGD(model.parameters(), lr=1.0), 4)
        return float((model.weight == before).all(dim=0).sum())

    return lambda: untouched(naive_train_with_gradient_accumulation), lambda: untouched(
        train_with_gradient_accumulation
    )


@demonstration("mean-of-means", unit="relative error of the gradient")
def mean_of_means() -> Pair:
    """Micro-batches with 32, 2, 2 and 2 labels: each label of a short one weighs 16 times as much."""
    x_ND, labels_N = torch.randn(4, 32, 16), torch.randint(8, (4, 32))
    labels_N[1:, 2:] = IGNORED
    model = nn.Linear(16, 8)
    loss = F.cross_entropy(model(x_ND).flatten(0, 1), labels_N.flatten())
    (whole,) = torch.autograd.grad(loss, model.weight)

    def error(train: Train) -> Snippet:
        def applied() -> float:
            trained = copy.deepcopy(model)
            train(trained, list(zip(x_ND, labels_N, strict=True)), SGD(trained.parameters(), lr=1.0), 4)
            return relative_error(model.weight - trained.weight, whole)

        return applied

    return error(naive_train_with_gradient_accumulation), error(train_with_gradient_accumulation)
