"""Attention masks: boolean, 4-D, broadcastable to (B, H, S, T); True where a query may look at a key.

One form only. A (B, S) mask means a padding mask to one reader and (S, T) to another as soon as the sizes
coincide. An additive float mask under ``mask == 0`` means its opposite. So both are refused.
"""

# B batch, H query heads, S query positions, T key positions

from __future__ import annotations

import torch
from torch import Tensor


def padding_mask(lengths_B: Tensor, key_length: int) -> Tensor:
    """(B, 1, 1, T) mask that hides the keys from each sequence's length on; a length of 0 hides them all."""
    if lengths_B.dim() != 1:
        raise ValueError(f"lengths must be one-dimensional (B,), not {tuple(lengths_B.shape)}")
    positions_T = torch.arange(key_length, device=lengths_B.device)
    return (positions_T < lengths_B[:, None])[:, None, None, :]


def causal_mask(length: int, device: torch.device | None = None, *, cached: int = 0) -> Tensor:
    """(1, 1, S, T) mask under which position s sees positions 0 … s, after ``cached`` earlier ones that all see."""
    return torch.ones(1, 1, length, cached + length, dtype=torch.bool, device=device).tril(cached)


def window_mask(
    length: int, window: int, device: torch.device | None = None, *, causal: bool = True, cached: int = 0
) -> Tensor:
    """(1, 1, S, T) mask of sliding-window attention: a query sees keys less than ``window`` positions away.

    With ``causal`` these are its own position and the ``window`` − 1 before it, otherwise as many after it too.
    """
    near = torch.ones(1, 1, length, cached + length, dtype=torch.bool, device=device).triu(cached - window + 1)
    return near.tril(cached if causal else cached + window - 1)


def checked_mask(mask: Tensor, batch: int, heads: int, query_length: int, key_length: int) -> Tensor:
    """``mask`` itself, once it is sure to be boolean, 4-D and broadcastable to (B, H, S, T).

    Raises:
        TypeError: for a dtype other than bool, additive float masks among them.
        ValueError: for any other shape.
    """
    if mask.dtype != torch.bool:
        raise TypeError(
            f"an attention mask must be boolean (True: may be attended), not {mask.dtype}; "
            "write `additive_mask == 0` or `integer_mask != 0` to convert one"
        )
    wanted = (batch, heads, query_length, key_length)
    if mask.dim() != 4 or not all(have in (1, want) for have, want in zip(mask.shape, wanted, strict=True)):
        raise ValueError(
            f"an attention mask must be 4-D and broadcastable to (batch, heads, queries, keys) = {wanted}, "
            f"not {tuple(mask.shape)}; a padding mask (B, T) becomes mask[:, None, None, :]"
        )
    return mask
