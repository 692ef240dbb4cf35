"""Sliding-window attention in blocks: time and memory grow with S · window, not with S² (Beltagy et al. 2020)."""

# B batch, H query heads, G key/value heads, S positions, K head width, N blocks, P positions a block, V keys it sees

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Smaller blocks multiply fewer keys outside the windows, and copy each key into more blocks. 64 queries took .87 of the
# time of 128 (windows of 128 to 1024, one CPU thread); 32 would take .97 of that, and twice the memory.
BLOCK = 64
# At most this many blocks share a key, so that the copies stay small beside the S² that they save.
MOST_COPIES = 8


def windowed_attention(
    q_BHSK: Tensor, k_BGSK: Tensor, v_BGSK: Tensor, window: int, *, causal: bool, dropout: float = 0.0
) -> Tensor:
    """(B, H, S, K): each query attends to the keys less than ``window`` positions away, with ``causal`` the earlier.

    A block of queries sees the keys of its block, those of a window before it, and without ``causal`` those after it.
    So no S × S mask is made, and few products are that no window needs.
    """
    batch, heads, length, width = q_BHSK.shape
    block = min(window, max(BLOCK, window // MOST_COPIES))
    blocks = -(-length // block)
    after = blocks * block - length
    q = F.pad(q_BHSK, (0, 0, 0, after)).view(batch, heads, blocks, block, width)
    ahead = 0 if causal else window
    k, v = (_overlapping(x, window, block, after + ahead, window + block + ahead) for x in (k_BGSK, v_BGSK))
    visible_NPV = _visible(length, blocks, block, window, causal, q_BHSK.device)
    attended = F.scaled_dot_product_attention(
        _blocks_first(q),
        k,
        v,
        attn_mask=visible_NPV.unsqueeze(1).repeat(batch, 1, 1, 1),
        dropout_p=dropout,
        enable_gqa=heads != k_BGSK.size(1),
    )
    merged = attended.view(batch, blocks, heads, block, width).transpose(1, 2).flatten(2, 3)
    return merged[:, :, :length]


def _overlapping(x_BGSK: Tensor, before: int, block: int, after: int, reach: int) -> Tensor:
    """(B · N, G, V, K): the keys or values that each block sees; zeros stand before the first and after the last."""
    seen: Tensor = F.pad(x_BGSK, (0, 0, before, after)).unfold(2, reach, block)
    return _blocks_first(seen.transpose(-2, -1))


def _blocks_first(x: Tensor) -> Tensor:
    """(B, H, N, rows, K) as (B · N, H, rows, K)."""
    return x.transpose(1, 2).flatten(0, 1)


def _visible(length: int, blocks: int, block: int, window: int, causal: bool, device: torch.device) -> Tensor:
    """(N, P, V) mask. Queries of the padding see everything: what they get is dropped, and no row is empty."""
    query_NP1 = torch.arange(blocks * block, device=device).view(blocks, block, 1)
    first_key_N11 = torch.arange(blocks, device=device).view(blocks, 1, 1) * block - window
    key_N1V = first_key_N11 + torch.arange(window + block + (0 if causal else window), device=device)
    distance = query_NP1 - key_N1V
    near = (distance < window) & (distance >= (0 if causal else 1 - window))
    inside = (key_N1V >= 0) & (key_N1V < length)
    return (near & inside) | (query_NP1 >= length)
