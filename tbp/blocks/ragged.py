"""Attention over sequences of different lengths without padding: jagged nested tensors.

Padding to the longest multiplies zeros. A nested tensor holds only the positions there are, so projections and
feed-forward networks take them all in one product, and attention takes each sequence by itself.
"""

# M positions of all sequences, H query heads, G key/value heads, K head width

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tbp.blocks.dot_product import Visibility, attend
from tbp.blocks.projections import Heads
from tbp.blocks.rotary import RotaryEmbedding


def checked_ragged(query: Tensor) -> tuple[Tensor, Tensor]:
    """The positions (M, D) of a nested tensor one after the other, and the (B + 1,) offsets of its sequences.

    Raises:
        ValueError: it is not jagged, or has holes.
    """
    jagged: Any = query  # its methods are not in torch's types
    if query.layout != torch.jagged or jagged.lengths() is not None:
        raise ValueError(
            "a nested input must be jagged and without holes: torch.nested.nested_tensor(…, layout=torch.jagged)"
        )
    return jagged.values(), jagged.offsets()


def attend_ragged(
    heads: Heads, offsets: Tensor, visible: Visibility, dropout: float, rotary: RotaryEmbedding | None
) -> Tensor:
    """(1, H, M, K) of heads (1, ·, M, K) whose sequences start at ``offsets``; each attends to itself alone.

    On CUDA one kernel takes all sequences, unless window or positions need them one by one. On CPU torch has no such
    kernel, and takes the math path: a call a sequence took .35 of its time (8 sequences up to 256 long, width 256).
    """
    one_kernel = visible.window is None and visible.slopes is None and rotary is None
    if heads[0].is_cuda and one_kernel:
        return _attend_nested(heads, offsets, visible, dropout)
    sizes = offsets.diff().tolist()
    parts = zip(*(torch.split(x, sizes, dim=2) for x in heads), strict=True)
    attended = []
    for q_1HSK, k_1GSK, v_1GSK in parts:
        if rotary is not None:
            q_1HSK, k_1GSK = rotary(q_1HSK), rotary(k_1GSK)
        attended.append(attend(q_1HSK, k_1GSK, v_1GSK, visible, dropout))
    return torch.cat(attended, dim=2)


def _attend_nested(heads: Heads, offsets: Tensor, visible: Visibility, dropout: float) -> Tensor:
    """By torch's own kernel for jagged tensors. Not yet run on CUDA hardware."""
    q, k, v = (
        torch.nested.nested_tensor_from_jagged(x[0].transpose(0, 1).contiguous(), offsets).transpose(1, 2)
        for x in heads
    )
    attended = F.scaled_dot_product_attention(
        q, k, v, dropout_p=dropout, is_causal=visible.causal, enable_gqa=k.size(1) != q.size(1)
    )
    return attended.transpose(1, 2).values().transpose(0, 1).unsqueeze(0)
