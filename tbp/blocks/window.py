"""Sliding-window attention in blocks: time and memory grow with S · window, not with S² (Beltagy et al. 2020)."""

# B batch, H query heads, G key/value heads, S positions, K head width, W window, N blocks, V keys that a block sees

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def windowed_attention(
    q_BHSK: Tensor, k_BGSK: Tensor, v_BGSK: Tensor, window: int, *, causal: bool, dropout: float = 0.0
) -> Tensor:
    """(B, H, S, K): each query attends to the keys less than ``window`` positions away, with ``causal`` the earlier.

    Blocks of ``window`` queries see the keys of their block, of the one before, and without ``causal`` of the one
    after. So no key outside is multiplied, up to the two or three block widths, and no S × S mask is made.
    """
    batch, heads, length, width = q_BHSK.shape
    blocks = -(-length // window)
    after = blocks * window - length
    q = F.pad(q_BHSK, (0, 0, 0, after)).view(batch, heads, blocks, window, width)
    reach = 2 if causal else 3
    k, v = (_overlapping(x, window, after, reach) for x in (k_BGSK, v_BGSK))
    attended = F.scaled_dot_product_attention(
        _blocks_first(q),
        k,
        v,
        attn_mask=_visible(length, blocks, window, causal, q_BHSK.device).repeat(batch, 1, 1, 1),
        dropout_p=dropout,
        enable_gqa=heads != k_BGSK.size(1),
    )
    merged = attended.view(batch, blocks, heads, window, width).transpose(1, 2).flatten(2, 3)
    return merged[:, :, :length]


def _overlapping(x_BGSK: Tensor, window: int, after: int, reach: int) -> Tensor:
    """(B · N, G, V, K): the keys or values that each block sees; zeros stand before the first and after the last."""
    padded = F.pad(x_BGSK, (0, 0, window, after + (reach - 2) * window))
    seen: Tensor = padded.unfold(2, reach * window, window)
    return _blocks_first(seen.transpose(-2, -1))


def _blocks_first(x: Tensor) -> Tensor:
    """(B, H, N, rows, K) as (B · N, H, rows, K)."""
    return x.transpose(1, 2).flatten(0, 1)


def _visible(length: int, blocks: int, window: int, causal: bool, device: torch.device) -> Tensor:
    """(N, 1, W, V) mask. Queries of the padding see everything: what they get is dropped, and no row is empty."""
    query_NW1 = torch.arange(blocks * window, device=device).view(blocks, window, 1)
    first_key_N11 = torch.arange(-window, (blocks - 1) * window, window, device=device).view(blocks, 1, 1)
    key_N1V = first_key_N11 + torch.arange((2 if causal else 3) * window, device=device)
    distance = query_NW1 - key_N1V
    near = (distance < window) & (distance >= (0 if causal else 1 - window))
    inside = (key_N1V >= 0) & (key_N1V < length)
    return ((near & inside) | (query_NW1 >= length)).unsqueeze(1)
