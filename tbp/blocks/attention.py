"""Multi-head attention through ``F.scaled_dot_product_attention``, over whole sequences or with a key/value cache.

It takes batch-first (B, S, D) tensors, and masks of ``tbp.blocks.mask``. Residuals are left to the caller. The naive
baseline that it is timed against is ``tbp.blocks.naive_attention``.
"""

# B batch, D model width, H query heads, G key/value heads, S query positions, T key positions, K head width

from __future__ import annotations

from functools import partial
from typing import Literal, overload

import torch
from torch import Tensor, nn

from tbp.blocks.cache import KeyValueCache
from tbp.blocks.dot_product import EVERYTHING, Visibility, attend, attend_with_weights
from tbp.blocks.linear import applied
from tbp.blocks.mask import checked_mask
from tbp.blocks.projections import (
    Heads,
    block_rows,
    cross_heads,
    keep_columns,
    keep_rows,
    pack_state,
    projection_rows,
    query_heads,
    self_heads,
    split_heads,
)
from tbp.blocks.ragged import attend_ragged, checked_ragged
from tbp.blocks.rotary import RotaryEmbedding, alibi_slopes
from tbp.blocks.table import ConstantTable


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention over ``num_heads`` heads (Vaswani et al. 2017, section 3.2.2).

    The S × T weights are built only with ``need_weights``. On CPU the flash kernel runs as long as ``dropout`` is 0 or
    the module is in eval mode. Attention dropout sends torch to its math path there (measured, torch 2.13).

    One packed projection, ``qkv_proj``, makes queries, keys and values: (H + 2 G) · K rows, in that order. With
    ``kdim`` or ``vdim`` there are three, ``q_proj``, ``k_proj`` and ``v_proj``. Checkpoints with three load into both.

    Args:
        d_model: width of the queries and of the output.
        num_heads: query heads; must divide ``d_model``.
        num_kv_heads: key/value heads, each shared by ``num_heads / num_kv_heads`` query heads (grouped-query
            attention, Ainslie et al. 2023); must divide ``num_heads``. None: as many as query heads.
        kdim, vdim: width of the key and value inputs, for cross-attention. None: ``d_model``.
        dropout: share of the attention weights dropped in training.
        bias: whether the projections have one.
        rotary: rotates queries and keys by their positions; K wide. Layers may share one.
        alibi: subtract distances from the scores (Press et al. 2022). The (H, S, T) distances are built on each call.
        window: a query sees only keys less than this many positions away (sliding window, Beltagy et al. 2020).
            None: all of them. Long sequences without a mask take time and memory of S · window.

    Raises:
        ValueError: when the heads do not divide, or ``dropout``, ``window`` or ``rotary`` do not fit.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        *,
        num_kv_heads: int | None = None,
        kdim: int | None = None,
        vdim: int | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        rotary: RotaryEmbedding | None = None,
        alibi: bool = False,
        window: int | None = None,
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        _check_options(d_model, num_heads, num_kv_heads, dropout, window, rotary)
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_width = d_model // num_heads
        self.dropout = dropout
        self.window = window
        self.rotary = rotary
        self.alibi = ConstantTable(partial(alibi_slopes, num_heads)) if alibi else None
        kv_width = num_kv_heads * self.head_width
        self.qkv_proj: nn.Linear | None = None
        if kdim in (None, d_model) and vdim in (None, d_model):
            self.qkv_proj = nn.Linear(d_model, d_model + 2 * kv_width, bias=bias)
            self.register_load_state_dict_pre_hook(pack_state)  # type: ignore[no-untyped-call]  # torch ships it without types
        else:
            self.q_proj = nn.Linear(d_model, d_model, bias=bias)
            self.k_proj = nn.Linear(kdim or d_model, kv_width, bias=bias)
            self.v_proj = nn.Linear(vdim or d_model, kv_width, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    @overload
    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: Literal[False] = False,
        cache: KeyValueCache | None = None,
        append: bool = True,
    ) -> Tensor: ...

    @overload
    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: Literal[True],
        cache: KeyValueCache | None = None,
        append: bool = True,
    ) -> tuple[Tensor, Tensor]: ...

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: bool = False,
        cache: KeyValueCache | None = None,
        append: bool = True,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend from (B, S, D) over (B, T, kdim) and (B, T, vdim); (B, S, D) comes back.

        A query that may look nowhere attends to 0, so its output is the output projection's bias.

        Args:
            key: None for self-attention: the query itself.
            value: None for the key.
            mask: boolean, broadcastable to (B, H, S, T); True where a query may look. With a cache T counts all of it.
            causal: query s sees keys 0 … s, in addition to ``mask``; with a cache, also all that it held before.
                Without one it needs S = T, as torch aligns a causal mask with the first key, others with the last.
            need_weights: also return the (B, H, S, T) weights, before dropout. This leaves the fast path.
            cache: the keys and values of earlier positions; those of ``key`` and ``value`` are appended to it.
            append: False attends over what the cache holds, and looks at neither ``key`` nor ``value``.

        Raises:
            TypeError: for a mask that is not boolean.
            ValueError: for inputs or a mask whose shapes do not fit, or ``causal`` with S ≠ T and no cache.
            RuntimeError: for a cache while gradients are recorded.
        """
        key = query if key is None else key
        value = key if value is None else value
        if query.is_nested:
            if not query is key is value or mask is not None or need_weights or cache is not None:
                raise ValueError("nested input is for self-attention without mask, weights or cache")
            return self._forward_ragged(query, causal)
        self._check(query, key, value, causal, cache)
        q_BHSK, k_BGTK, v_BGTK = self._heads(query, key, value, cache, append)
        if mask is not None:
            mask = checked_mask(mask, query.size(0), self.num_heads, query.size(1), k_BGTK.size(2))
        visible = self._visibility(mask, causal)
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            attended_BHSK, weights_BHST = attend_with_weights(q_BHSK, k_BGTK, v_BGTK, visible, dropout)
            return self._merge(attended_BHSK), weights_BHST
        return self._merge(attend(q_BHSK, k_BGTK, v_BGTK, visible, dropout))

    def cache(
        self, batch: int, max_len: int, *, dtype: torch.dtype | None = None, device: torch.device | None = None
    ) -> KeyValueCache:
        """An empty cache of ``max_len`` positions; dtype and device are those of the weights unless given.

        Quantised weights have neither: torch's defaults stand in.
        """
        weight = next(self.parameters(), None)
        if weight is not None:
            dtype, device = dtype or weight.dtype, device or weight.device
        return KeyValueCache(batch, self.num_kv_heads, max_len, self.head_width, dtype=dtype, device=device)

    def remember(self, memory: Tensor) -> KeyValueCache:
        """A full cache of the keys and values of ``memory`` (B, T, D), for cross-attention with ``append=False``.

        A decoder attends to the same memory at each token; so they are projected once.
        """
        _, k_BGTK, v_BGTK = self._project(memory, memory, memory)
        cache = self.cache(memory.size(0), memory.size(1), dtype=k_BGTK.dtype, device=memory.device)
        cache.append(k_BGTK, v_BGTK)
        return cache

    @property
    def value_weight(self) -> Tensor:
        """(G · K, vdim) weight that makes the values."""
        if self.qkv_proj is None:
            return self.v_proj.weight
        return self.qkv_proj.weight[projection_rows(self.num_heads, self.num_kv_heads, self.head_width)[2]]

    def keep_heads(self, kept_G: Tensor) -> None:
        """Remove all key/value heads but ``kept_G``, with the query heads that they serve. Makes new parameters."""
        queries_per_kv_head = self.num_heads // self.num_kv_heads
        kv_rows = block_rows(kept_G, self.head_width)
        q_rows = block_rows(kept_G, self.head_width * queries_per_kv_head)
        if self.qkv_proj is None:
            for linear, rows in ((self.q_proj, q_rows), (self.k_proj, kv_rows), (self.v_proj, kv_rows)):
                keep_rows(linear, rows)
        else:
            _, k, v = projection_rows(self.num_heads, self.num_kv_heads, self.head_width)
            keep_rows(self.qkv_proj, torch.cat((q_rows, k.start + kv_rows, v.start + kv_rows)))
        keep_columns(self.out_proj, q_rows)
        if self.alibi is not None:
            self.alibi.keep(block_rows(kept_G, queries_per_kv_head))
        self.num_kv_heads = kept_G.numel()
        self.num_heads = self.num_kv_heads * queries_per_kv_head

    def _check(self, query: Tensor, key: Tensor, value: Tensor, causal: bool, cache: KeyValueCache | None) -> None:
        if query is key is value and query.dim() == 3:
            return  # 2 µs less, of 90 at one position: the same tensor fits itself
        if not query.dim() == key.dim() == value.dim() == 3:
            # SDPA would take them, on its math path.
            raise ValueError(
                "query, key and value must be (batch, positions, width), not "
                f"{tuple(query.shape)}, {tuple(key.shape)}, {tuple(value.shape)}"
            )
        if query.size(0) != key.size(0) or key.shape[:2] != value.shape[:2]:
            raise ValueError(
                "query, key and value must share the batch, key and value also the positions, not "
                f"{tuple(query.shape)}, {tuple(key.shape)}, {tuple(value.shape)}"
            )
        ordered = causal or self.window is not None or self.alibi is not None
        if ordered and cache is None and query.size(1) != key.size(1):
            raise ValueError(
                f"causal, window and alibi need as many queries as keys, not {query.size(1)} and {key.size(1)}; "
                "pass the mask that says which of them correspond"
            )

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> Heads:
        """Queries, keys and values by heads, not rotated."""
        heads, kv_heads = self.num_heads, self.num_kv_heads
        packed = self._modules.get("qkv_proj")  # as an attribute it takes .5 µs more, of 50 at one position
        if packed is None:
            k_BGTK = split_heads(self.k_proj(key), kv_heads)
            return split_heads(self.q_proj(query), heads), k_BGTK, split_heads(self.v_proj(value), kv_heads)
        if query is key and key is value:
            return self_heads(packed, query, heads, kv_heads)
        return cross_heads(packed, query, key, value, heads, kv_heads, self.head_width)

    def _heads(self, query: Tensor, key: Tensor, value: Tensor, cache: KeyValueCache | None, append: bool) -> Heads:
        """Queries, and all keys and values that they attend to."""
        if not append:
            return self._remembered(query, cache)
        q_BHSK, k_BGSK, v_BGSK = self._project(query, key, value)
        if self.rotary is not None:
            first = 0 if cache is None else cache.length
            q_BHSK, k_BGSK = self.rotary(q_BHSK, first), self.rotary(k_BGSK, first)
        if cache is None:
            return q_BHSK, k_BGSK, v_BGSK
        cache.append(k_BGSK, v_BGSK)
        return q_BHSK, cache.keys, cache.values

    def _forward_ragged(self, query: Tensor, causal: bool) -> Tensor:
        positions_MD, offsets = checked_ragged(query)
        x_1MD = positions_MD.unsqueeze(0)
        dropout = self.dropout if self.training else 0.0
        heads = self._project(x_1MD, x_1MD, x_1MD)
        attended_1HMK = attend_ragged(heads, offsets, self._visibility(None, causal), dropout, self.rotary)
        return torch.nested.nested_tensor_from_jagged(self._merge(attended_1HMK)[0], offsets)

    def _remembered(self, query: Tensor, cache: KeyValueCache | None) -> Heads:
        if cache is None:
            raise ValueError("append=False attends over a cache: pass the one that remember() made")
        if self.rotary is not None or self.alibi is not None or self.window is not None:
            raise ValueError(
                "append=False is for cross-attention, which knows no positions: no rotary, alibi or window"
            )
        if self.qkv_proj is None:
            q_BHSK = split_heads(self.q_proj(query), self.num_heads)
        else:
            q_BHSK = query_heads(self.qkv_proj, query, self.num_heads, self.num_kv_heads, self.head_width)
        return q_BHSK, cache.keys, cache.values

    def _visibility(self, mask: Tensor | None, causal: bool) -> Visibility:
        if mask is None and not causal and self.window is None and self.alibi is None:
            return EVERYTHING
        return Visibility(mask, causal, self.window, None if self.alibi is None else self.alibi.values)

    def _merge(self, attended_BHSK: Tensor) -> Tensor:
        """(B, H, S, K) to the (B, S, D) output."""
        out_proj = self._modules["out_proj"]
        return applied(out_proj, attended_BHSK.transpose(1, 2).flatten(-2))  # type: ignore[arg-type]  # it is always there


def _check_options(
    d_model: int, num_heads: int, num_kv_heads: int, dropout: float, window: int | None, rotary: RotaryEmbedding | None
) -> None:
    if num_heads < 1 or d_model % num_heads:
        raise ValueError(f"num_heads={num_heads} must divide d_model={d_model}")
    if num_kv_heads < 1 or num_heads % num_kv_heads:
        raise ValueError(f"num_kv_heads={num_kv_heads} must divide num_heads={num_heads}")
    if not 0.0 <= dropout < 1.0:
        raise ValueError(f"dropout={dropout} must be in [0, 1)")
    if window is not None and window < 1:
        raise ValueError(f"window={window} must be at least 1")
    if rotary is not None and rotary.head_width != d_model // num_heads:
        raise ValueError(f"rotary is for heads {rotary.head_width} wide; it must be {d_model // num_heads}")
