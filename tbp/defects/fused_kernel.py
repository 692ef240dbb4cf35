"""Calls of ``F.scaled_dot_product_attention`` that raise, or leave its fused kernel without a word."""

# B batch, H heads, S positions, K head width, D model width

from __future__ import annotations

import torch
import torch.nn.functional as F

from tbp.blocks import EncoderLayer, MultiHeadAttention, padding_mask
from tbp.defects.observed import attentions_not_fused
from tbp.defects.registry import RAISED, Pair, demonstration

NOT_FUSED = "attentions outside the fused kernel"


@demonstration("causal-beside-a-mask", unit=RAISED)
def causal_beside_a_mask() -> Pair:
    """``attn_mask`` beside ``is_causal``: the CPU's fused kernel takes both; the math kernel (dropout) raises."""
    x_BSD, mask = torch.randn(2, 8, 32), padding_mask(torch.tensor([8, 5]), 8)
    q_BHSK = x_BSD.view(2, 8, 4, 8).transpose(1, 2)
    right = MultiHeadAttention(32, 4, dropout=0.1)
    return (
        lambda: F.scaled_dot_product_attention(
            q_BHSK, q_BHSK, q_BHSK, attn_mask=mask, is_causal=True, dropout_p=0.1
        ).norm(),
        lambda: right(x_BSD, mask=mask, causal=True).norm(),
    )


@demonstration("dropout-of-the-weights", unit=NOT_FUSED)
def dropout_of_the_weights() -> Pair:
    """Dropout inside attention: the CPU's fused kernel has none. The encoder drops its branches instead."""
    x_BSD = torch.randn(2, 8, 32)
    q_BHSK = x_BSD.view(2, 8, 4, 8).transpose(1, 2)
    layer = EncoderLayer(32, 4, 64, dropout=0.1).train()
    return (
        lambda: attentions_not_fused(lambda: F.scaled_dot_product_attention(q_BHSK, q_BHSK, q_BHSK, dropout_p=0.1)),
        lambda: attentions_not_fused(lambda: layer(x_BSD)),
    )


@demonstration("three-dimensional-input", unit=NOT_FUSED)
def three_dimensional_input() -> Pair:
    """(B, S, K): heads folded into the batch, or a single head without a dimension of it."""
    x_BSD = torch.randn(2, 8, 32)
    right = MultiHeadAttention(32, 4)
    return (
        lambda: attentions_not_fused(lambda: F.scaled_dot_product_attention(x_BSD, x_BSD, x_BSD)),
        lambda: attentions_not_fused(lambda: right(x_BSD)),
    )


@demonstration("last-dimension-not-contiguous", unit=NOT_FUSED)
def last_dimension_not_contiguous() -> Pair:
    """Heads that are split as (K, H) instead of (H, K): values of a head lie H apart."""
    x_BSD = torch.randn(2, 8, 32)
    q_BHSK = x_BSD.view(2, 8, 8, 4).permute(0, 3, 1, 2)
    right = MultiHeadAttention(32, 4)
    return (
        lambda: attentions_not_fused(lambda: F.scaled_dot_product_attention(q_BHSK, q_BHSK, q_BHSK)),
        lambda: attentions_not_fused(lambda: right(x_BSD)),
    )
