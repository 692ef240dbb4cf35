"""Defects of ``scores.masked_fill(mask == 0, -1e9)``: an attention mask of any dtype and shape that broadcasts."""

# B batch, H heads, S query positions, T key positions, D model width

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tbp.blocks import MultiHeadAttention, NaiveMultiHeadAttention, padding_mask
from tbp.defects.registry import RAISED, Pair, demonstration

# As many sequences and heads as positions: where sizes coincide, a mask of another meaning broadcasts.
SIZE = 4
HIDDEN = "share of the attention that goes to hidden keys"


def _on_hidden(attention: nn.Module, mask: Tensor, visible_BHST: Tensor) -> float:
    """Share of the attention, over all queries, that goes to keys that are not to be seen."""
    _, weights_BHST = attention(torch.randn(SIZE, SIZE, 32), mask=mask, need_weights=True)
    return float(weights_BHST.masked_fill(visible_BHST, 0.0).sum(-1).mean())


def _pair(naive_mask: Tensor, right_mask: Tensor, visible_BHST: Tensor) -> Pair:
    def shown(attention: nn.Module, mask: Tensor) -> Callable[[], float]:
        return lambda: _on_hidden(attention, mask, visible_BHST)

    return shown(NaiveMultiHeadAttention(32, SIZE), naive_mask), shown(MultiHeadAttention(32, SIZE), right_mask)


def _padding() -> Tensor:
    """(B, 1, 1, T) of sequences of 3, 2, 1 and 3 positions."""
    return padding_mask(torch.tensor([3, 2, 1, 3]), SIZE)


@demonstration("mask-in-float16", unit=RAISED)
def mask_in_float16() -> Pair:
    """Minus a billion is no float16."""
    x_BSD, mask = torch.randn(SIZE, SIZE, 32, dtype=torch.float16), _padding()
    naive, right = NaiveMultiHeadAttention(32, 4).half(), MultiHeadAttention(32, 4).half()
    return lambda: naive(x_BSD, mask=mask).norm(), lambda: right(x_BSD, mask=mask).norm()


@demonstration("fully-masked-row", unit=HIDDEN)
def fully_masked_row() -> Pair:
    """A sequence of which nothing may be seen: equal weights for all of it."""
    nothing = torch.zeros(SIZE, 1, 1, SIZE, dtype=torch.bool)
    return _pair(nothing, nothing, nothing)


@demonstration("additive-mask-inverted", unit=HIDDEN)
def additive_mask_inverted() -> Pair:
    """A mask of 0 (seen) and -inf (hidden), as ``nn.MultiheadAttention`` takes it, means its opposite."""
    visible = _padding()
    additive = torch.zeros(visible.shape).masked_fill(~visible, -torch.inf)
    return _pair(additive, additive, visible)


@demonstration("mask-of-two-dimensions", unit=HIDDEN)
def mask_of_two_dimensions() -> Pair:
    """(B, T) padding, read as (S, T) where the sizes coincide: each query gets the mask of another sequence."""
    visible = _padding()
    return _pair(visible[:, 0, 0], visible[:, 0, 0], visible)


@demonstration("mask-of-three-dimensions", unit=HIDDEN)
def mask_of_three_dimensions() -> Pair:
    """(B, S, T), read as (H, S, T) where the sizes coincide: each head gets the mask of a sequence."""
    visible = _padding()
    mask_BST = visible[:, 0].expand(SIZE, SIZE, SIZE)
    return _pair(mask_BST, mask_BST, visible)
