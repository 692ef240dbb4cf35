"""The input projections of attention: queries, keys and values out of one matrix product, where one input gives all.

Three products of one input read it three times and launch three kernels. Packed, self-attention took .5 to .8 of the
time at up to 16 positions (width 256, CPU), and no more at any length.
"""

# B batch, D model width, H query heads, G key/value heads, S query positions, T key positions, K head width

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp.blocks.linear import applied, is_bare

NAMES = ("q_proj", "k_proj", "v_proj")

Heads = tuple[Tensor, Tensor, Tensor]
"""Queries (B, H, S, K), keys and values (B, G, T, K)."""


def split_heads(projected_BSD: Tensor, heads: int) -> Tensor:
    """(B, S, heads · K) seen as (B, heads, S, K): a view, its last dimension contiguous, as flash needs."""
    batch, positions, width = projected_BSD.shape
    return projected_BSD.view(batch, positions, heads, width // heads).transpose(1, 2)


def self_heads(packed: nn.Module, x_BSD: Tensor, heads: int, kv_heads: int) -> Heads:
    """Queries, keys and values of one input, by one product."""
    all_heads = split_heads(applied(packed, x_BSD), heads + 2 * kv_heads)
    q_BHSK, k_BGSK, v_BGSK = torch.split_with_sizes(all_heads, (heads, kv_heads, kv_heads), 1)
    return q_BHSK, k_BGSK, v_BGSK


def cross_heads(
    packed: nn.Module, query: Tensor, key: Tensor, value: Tensor, heads: int, kv_heads: int, head_width: int
) -> Heads:
    """Queries of one input and keys and values of others, by one product an input."""
    rows = projection_rows(heads, kv_heads, head_width)
    q_BSD = _part(packed, query, rows[0])
    if key is value:
        k, v = split_heads(_part(packed, key, slice(rows[1].start, rows[2].stop)), 2 * kv_heads).chunk(2, dim=1)
    else:
        k, v = (split_heads(_part(packed, x, part), kv_heads) for x, part in ((key, rows[1]), (value, rows[2])))
    return split_heads(q_BSD, heads), k, v


def query_heads(packed: nn.Module, query: Tensor, heads: int, kv_heads: int, head_width: int) -> Tensor:
    """Queries alone, (B, H, S, K)."""
    return split_heads(_part(packed, query, projection_rows(heads, kv_heads, head_width)[0]), heads)


def projection_rows(heads: int, kv_heads: int, head_width: int) -> tuple[slice, slice, slice]:
    """Rows of a packed projection that give queries, keys and values."""
    q_end = heads * head_width
    k_end = q_end + kv_heads * head_width
    return slice(0, q_end), slice(q_end, k_end), slice(k_end, k_end + kv_heads * head_width)


def _part(packed: nn.Module, x: Tensor, rows: slice) -> Tensor:
    """The columns ``rows`` of ``packed(x)``, without computing the others if ``packed`` is a plain linear layer.

    Hooks, as observers and adapters set them, want to see the layer called; and a quantised one has no rows to take.
    """
    if is_bare(packed):
        return F.linear(x, packed.weight[rows], None if packed.bias is None else packed.bias[rows])
    projected: Tensor = packed(x)[..., rows]
    return projected


def pack_state(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Pre-hook of ``load_state_dict``: join three projections of ``state`` into the module's packed one.

    Checkpoints of ``NaiveMultiHeadAttention`` and of earlier releases hold three.
    """
    for kind in ("weight", "bias"):
        parts = [state.pop(f"{prefix}{name}.{kind}", None) for name in NAMES]
        if all(part is not None for part in parts):
            state[f"{prefix}qkv_proj.{kind}"] = torch.cat(parts)


def unpack_state(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Pre-hook of ``load_state_dict``: split a packed projection of ``state`` into the three that the module has."""
    for kind in ("weight", "bias"):
        packed = state.pop(f"{prefix}qkv_proj.{kind}", None)
        if packed is not None:
            for name, part in zip(NAMES, packed.chunk(3), strict=True):
                state[f"{prefix}{name}.{kind}"] = part


def block_rows(blocks: Tensor, width: int) -> Tensor:
    """Row indices of the given blocks of ``width`` rows each."""
    return (blocks[:, None] * width + torch.arange(width, device=blocks.device)).flatten()


def keep_rows(linear: nn.Linear, rows: Tensor) -> None:
    """Remove all outputs of ``linear`` but ``rows``."""
    linear.weight = nn.Parameter(linear.weight.detach()[rows], linear.weight.requires_grad)
    if linear.bias is not None:
        linear.bias = nn.Parameter(linear.bias.detach()[rows], linear.bias.requires_grad)
    linear.out_features = rows.numel()


def keep_columns(linear: nn.Linear, columns: Tensor) -> None:
    """Remove all inputs of ``linear`` but ``columns``."""
    # Contiguous, or the product would run on a strided weight.
    weight = linear.weight.detach()[:, columns].contiguous()
    linear.weight = nn.Parameter(weight, linear.weight.requires_grad)
    linear.in_features = columns.numel()
