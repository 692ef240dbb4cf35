"""Defects of naive multi-head attention: matmul, softmax, matmul."""

from __future__ import annotations

import torch

from tbp.blocks import MultiHeadAttention, NaiveMultiHeadAttention
from tbp.defects.observed import largest_tensor_bytes
from tbp.defects.registry import Pair, demonstration

LENGTH = 512


@demonstration("weights-always-built", unit="bytes of the largest tensor")
def weights_always_built() -> Pair:
    """The weights of all pairs of positions, though nobody asked for them."""
    x_BSD = torch.randn(1, LENGTH, 64)
    naive, right = NaiveMultiHeadAttention(64, 4), MultiHeadAttention(64, 4)
    return lambda: largest_tensor_bytes(lambda: naive(x_BSD)), lambda: largest_tensor_bytes(lambda: right(x_BSD))


@demonstration("no-attention-dropout", unit="share of outputs that no dropout changed")
def no_attention_dropout() -> Pair:
    """Training without dropout of the weights: the class has no such argument."""
    x_BSD = torch.randn(2, 16, 64)

    def share_unchanged(attention: torch.nn.Module) -> float:
        attention.train()
        return float((attention(x_BSD) == attention(x_BSD)).float().mean())

    naive, right = NaiveMultiHeadAttention(64, 4), MultiHeadAttention(64, 4, dropout=0.1)
    return lambda: share_unchanged(naive), lambda: share_unchanged(right)
