"""The defect of a feed-forward network that knows ReLU only."""

from __future__ import annotations

import torch
from torch import Tensor

from tbp.blocks import FeedForward
from tbp.defects.registry import Pair, demonstration


@demonstration("relu-only", unit="share of hidden values without a gradient")
def relu_only() -> Pair:
    """Half of the hidden values are cut off; SwiGLU at 2/3 of the width has as many weights, and cuts off none."""

    def share(network: FeedForward) -> float:
        hidden: list[Tensor] = []
        network.up.register_forward_hook(lambda *call: hidden.append(call[-1]))
        (gradient,) = torch.autograd.grad(network(torch.randn(32, 64)).square().sum(), hidden)
        return float((gradient == 0).float().mean())

    naive, right = (FeedForward(64, 256, dropout=0.0, activation=activation) for activation in ("relu", "swiglu"))
    return lambda: share(naive), lambda: share(right)
