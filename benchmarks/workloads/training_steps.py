"""The small encoder whose training steps several families time, with their FLOPs and their oracle."""

# B batch, S sequence, D model width, V classes

import copy
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW

from tbp import bench

LAYERS = 2
CLASSES = 64
# Accesses of each weight in a step: its products' forward and backward pass, its gradient's write, and in AdamW four
# reads (weight, gradient, both moments) and three writes.
WEIGHT_ACCESSES = 10

# Gradients are compared as a weight update. AdamW divides the mean of gradients by the root of the mean of squares plus
# epsilon, so that one this large makes the first step −rate × gradient, with rate = lr ÷ epsilon. At rate 1 the weight
# is so much larger than the update that the update's digits are lost (an error of 3e-4 at 16,384 tokens); at this power
# of two none are (4e-7).
EPSILON = 2.0**20
RATE = 2.0**14

# Half precision rounds every activation.
HALF_TOLERANCES = {torch.float32: 5e-2}


def model_of(case: bench.Case, attention: str = "MultiHeadAttention", layers: int = LAYERS) -> nn.Module:
    """An encoder with a classifier behind it, to train.

    Its activation is smooth. Where a unit of ReLU is 0 but for rounding, float32 may find it on the other side of the
    kink than float64, and all gradients before it differ: by up to 5e-3 at one of ten shapes that were tried.
    """
    encoder = bench.subject("tbp.blocks", "Encoder")
    make_attention = bench.subject("tbp.blocks", attention)
    width = case["d_model"]

    def make() -> nn.Module:
        blocks = encoder(
            layers, width, case["heads"], 4 * width, dropout=0.0, activation="gelu", attention=make_attention
        )
        return nn.Sequential(blocks, nn.Linear(width, CLASSES))

    return case.place(make).train()


def batch_of(case: bench.Case) -> tuple[Tensor, Tensor]:
    """(B, S, D) inputs and (B, S) labels."""
    x_BSD = case.randn(case["batch"], case["sequence_length"], case["d_model"])
    labels_BS = torch.arange(x_BSD.shape[0] * x_BSD.shape[1], device=x_BSD.device).reshape(x_BSD.shape[:2]) % CLASSES
    return x_BSD, labels_BS


def forward_flops(case: bench.Case, layers: int = LAYERS) -> tuple[int, int]:
    """2 per multiply-add of the matrix products: those of the blocks, and of the classifier."""
    width, tokens = case["d_model"], case["batch"] * case["sequence_length"]
    projections = 2 * tokens * (4 + 8) * width**2  # 4 of attention, and 8 of a feed-forward network 4 widths wide
    products = 2 * 2 * tokens * case["sequence_length"] * width
    return layers * (projections + products), 2 * tokens * width * CLASSES


def training_step(
    case: bench.Case,
    model: nn.Module,
    optimizer: AdamW,
    run: Callable[[], object],
    **facts: Any,
) -> bench.Step:
    """The step whose ``run`` trains ``model`` once on ``batch_of(case)`` with ``optimizer``.

    Its output is the gradient as ``run`` itself applies it, so a run without the optimizer's step has none.
    """
    untrained = copy.deepcopy(model)
    weights = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    batch = batch_of(case)
    return bench.Step(
        run,
        lambda: _applied_gradient(run, model, optimizer, untrained),
        untrained,
        batch,
        flops=3 * sum(forward_flops(case)),  # forward, and the gradients of the input and of the weight of each product
        tokens=case["batch"] * case["sequence_length"],
        bytes_moved=WEIGHT_ACCESSES * weights + batch[0].numel() * batch[0].element_size(),
        updates=model,
        **facts,
    )


def graphed_training_step(
    case: bench.Case, model: nn.Module, optimizer: AdamW, run: Callable[[], Tensor], **facts: Any
) -> bench.Step:
    """The step of ``training_step`` as a CUDA graph; ``run`` gives its loss, and ``optimizer`` is made capturable.

    Its output is the gradient that a replay leaves. The optimizer's numbers are part of the graph, so that it cannot be
    made to descend by them; that a replay changes the weights is checked as for every training step.
    """
    eager = training_step(case, model, optimizer, run, **facts)
    assert eager.module is not None
    untrained = list(eager.module.parameters())
    step = bench.graphed(eager, case)
    return replace(step, output=lambda: _left_gradient(step.run, model, untrained))


def _left_gradient(run: Callable[[], object], model: nn.Module, untrained: list[nn.Parameter]) -> Tensor:
    """The gradient that one run from the untrained weights leaves; the weights are as before afterwards."""
    weights = [weight.detach().clone() for weight in model.parameters()]
    _put(model, untrained)
    run()
    gradient = torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])
    _put(model, weights)
    return gradient


@torch.no_grad()
def _put(model: nn.Module, values: Iterable[Tensor]) -> None:
    """Into the memory that the weights have, which a graph reads and writes."""
    for weight, value in zip(model.parameters(), values, strict=True):
        weight.copy_(value)


def _applied_gradient(run: Callable[[], object], model: nn.Module, optimizer: AdamW, untrained: nn.Module) -> Tensor:
    """−update ÷ RATE of one run from the untrained weights; weights and optimizer are as before afterwards."""
    weights, state = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    _put(model, untrained.parameters())
    optimizer.state.clear()
    for group in optimizer.param_groups:
        group.update(lr=RATE * EPSILON, eps=EPSILON, weight_decay=0.0)
    run()
    pairs = zip(untrained.parameters(), model.parameters(), strict=True)
    gradient = torch.cat([(before - after).detach().flatten() for before, after in pairs]) / RATE
    model.load_state_dict(weights)
    optimizer.load_state_dict(state)
    return gradient


def whole_batch_gradient(case: bench.Case, step: bench.Step) -> Tensor:
    """The gradient of the mean cross-entropy over the whole batch, in float64: the reference of ``training_step``."""
    model = copy.deepcopy(step.module)
    assert model is not None
    model.cpu().double()
    x_BSD, labels_BS = (value.cpu() for value in step.inputs)
    return gradient(model, F.cross_entropy(model(x_BSD.double()).flatten(0, 1), labels_BS.flatten()))


def gradient(model: nn.Module, loss: Tensor) -> Tensor:
    """The gradient of ``loss`` in all weights of ``model``, in one row."""
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(model.parameters()))])
