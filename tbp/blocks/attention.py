"""Multi-head attention: through ``F.scaled_dot_product_attention``, and the naive baseline it is timed against.

Both take batch-first (B, S, D) tensors and hold the same parameters under the same names. Masks are those of
``tbp.blocks.mask``. Positions, caches and residuals are left to the caller.
"""

# B batch, D model width, H query heads, G key/value heads, S query positions, T key positions, K head width

from __future__ import annotations

import math
from typing import Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp.blocks.mask import causal_mask, checked_mask


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention over ``num_heads`` heads (Vaswani et al. 2017, section 3.2.2).

    The S × T weights are built only with ``need_weights``. On CPU the flash kernel runs as long as ``dropout`` is 0 or
    the module is in eval mode. Attention dropout sends torch to its math path there (measured, torch 2.13).

    Args:
        d_model: width of the queries and of the output.
        num_heads: query heads; must divide ``d_model``.
        num_kv_heads: key/value heads, each shared by ``num_heads / num_kv_heads`` query heads (grouped-query
            attention, Ainslie et al. 2023); must divide ``num_heads``. None: as many as query heads.
        kdim, vdim: width of the key and value inputs, for cross-attention. None: ``d_model``.
        dropout: share of the attention weights dropped in training.
        bias: whether the four projections have one.

    Raises:
        ValueError: when the heads do not divide, or ``dropout`` is outside [0, 1).
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
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        if num_heads < 1 or d_model % num_heads:
            raise ValueError(f"num_heads={num_heads} must divide d_model={d_model}")
        if num_kv_heads < 1 or num_heads % num_kv_heads:
            raise ValueError(f"num_kv_heads={num_kv_heads} must divide num_heads={num_heads}")
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout={dropout} must be in [0, 1)")
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_width = d_model // num_heads
        self.dropout = dropout
        kv_width = num_kv_heads * self.head_width
        self.q_proj = nn.Linear(d_model, d_model, bias=bias)
        self.k_proj = nn.Linear(kdim or d_model, kv_width, bias=bias)
        self.v_proj = nn.Linear(vdim or d_model, kv_width, bias=bias)
        self.out_proj = nn.Linear(d_model, d_model, bias=bias)

    @overload
    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: Literal[False] = False,
    ) -> Tensor: ...

    @overload
    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: Literal[True],
    ) -> tuple[Tensor, Tensor]: ...

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend from (B, S, D) over (B, T, kdim) and (B, T, vdim); (B, S, D) comes back.

        A query that may look nowhere attends to 0, so its output is the output projection's bias.

        Args:
            mask: boolean, broadcastable to (B, H, S, T); True where a query may look.
            causal: query s sees keys 0 … s, in addition to ``mask``. Needs S = T. For S ≠ T pass a mask: torch
                aligns a causal one with the first key, flash-attention with the last.
            need_weights: also return the (B, H, S, T) weights, before dropout. This leaves the fast path.

        Raises:
            TypeError: for a mask that is not boolean.
            ValueError: for inputs or a mask whose shapes do not fit, or ``causal`` with S ≠ T.
        """
        self._check(query, key, value, causal)
        q_BHSK = _split(self.q_proj(query), self.num_heads)
        k_BGTK = _split(self.k_proj(key), self.num_kv_heads)
        v_BGTK = _split(self.v_proj(value), self.num_kv_heads)
        if mask is not None:
            mask = checked_mask(mask, query.size(0), self.num_heads, query.size(1), key.size(1))
        dropout = self.dropout if self.training else 0.0
        if need_weights:
            return self._forward_with_weights(q_BHSK, k_BGTK, v_BGTK, _combined(mask, causal, q_BHSK), dropout)
        if mask is not None:
            # attn_mask with is_causal runs on CPU flash and raises elsewhere: give one mask, never both.
            mask, causal = _combined(mask, causal, q_BHSK), False
        share_heads = self.num_kv_heads != self.num_heads
        if share_heads and query.is_cuda and q_BHSK.dtype not in (torch.float16, torch.bfloat16):
            # In float32 no CUDA kernel shares heads; the math path took 1.9 × as long as a kernel for all heads (H200).
            share_heads, (k_BGTK, v_BGTK) = False, self._repeated(k_BGTK, v_BGTK)
        nowhere = None
        if mask is not None and query.is_cuda:
            # Where a query may look nowhere, cuDNN's kernel of half precision gives no 0, and NaN as the query's
            # gradient (H200, torch 2.11). So it looks everywhere, and what it gets is dropped.
            nowhere = ~mask.any(dim=-1, keepdim=True)
            mask = mask | nowhere
        attended_BHSK = F.scaled_dot_product_attention(
            q_BHSK,
            k_BGTK,
            v_BGTK,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=causal,
            enable_gqa=share_heads,
        )
        if nowhere is not None:
            attended_BHSK = attended_BHSK.masked_fill(nowhere, 0.0)
        return self._merge(attended_BHSK)

    def _check(self, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> None:
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
        if causal and query.size(1) != key.size(1):
            raise ValueError(
                f"causal needs as many queries as keys, not {query.size(1)} and {key.size(1)}; "
                "pass the mask that says which of them correspond"
            )

    def _forward_with_weights(
        self, q_BHSK: Tensor, k_BGTK: Tensor, v_BGTK: Tensor, mask: Tensor | None, dropout: float
    ) -> tuple[Tensor, Tensor]:
        """Output (B, S, D) and weights (B, H, S, T); a row that may look nowhere has weights of 0."""
        k_BHTK, v_BHTK = self._repeated(k_BGTK, v_BGTK)
        scores_BHST = q_BHSK @ k_BHTK.transpose(-2, -1) / math.sqrt(self.head_width)
        if mask is None:
            weights_BHST = scores_BHST.softmax(dim=-1)
        else:
            # The dtype's lowest finite value, not -inf: the gradient of a fully masked row stays finite.
            lowest = torch.finfo(scores_BHST.dtype).min
            weights_BHST = scores_BHST.masked_fill(~mask, lowest).softmax(dim=-1).masked_fill(~mask, 0.0)
        attended_BHSK = F.dropout(weights_BHST, dropout, training=dropout > 0.0) @ v_BHTK
        return self._merge(attended_BHSK), weights_BHST

    def _repeated(self, k_BGTK: Tensor, v_BGTK: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values once per query head, (B, H, T, K) each."""
        queries_per_kv_head = self.num_heads // self.num_kv_heads
        k_BHTK = k_BGTK.repeat_interleave(queries_per_kv_head, dim=1)
        return k_BHTK, v_BGTK.repeat_interleave(queries_per_kv_head, dim=1)

    def _merge(self, attended_BHSK: Tensor) -> Tensor:
        """(B, H, S, K) to the (B, S, D) output."""
        output: Tensor = self.out_proj(attended_BHSK.transpose(1, 2).flatten(-2))
        return output


class NaiveMultiHeadAttention(nn.Module):
    """The baseline: matmul, softmax, matmul. Slow and wrong on purpose; do not train with it.

    The S × T weights are built on every call. ``masked_fill(mask == 0, -1e9)`` takes any mask that
    broadcasts. It raises in float16, gives a fully masked row uniform weights, and reads an additive float mask as its
    opposite.
    The parameters have the names of ``MultiHeadAttention``, so one's ``state_dict`` loads into the other.

    Args:
        d_model: width of inputs and output.
        num_heads: must divide ``d_model``.
    """

    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        if num_heads < 1 or d_model % num_heads:
            raise ValueError(f"num_heads={num_heads} must divide d_model={d_model}")
        self.num_heads = num_heads
        self.head_width = d_model // num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """(B, S, D), and with ``need_weights`` the (B, H, S, T) weights, which are built either way."""
        q_BHSK = _split(self.q_proj(query), self.num_heads)
        k_BHTK = _split(self.k_proj(key), self.num_heads)
        v_BHTK = _split(self.v_proj(value), self.num_heads)
        scores_BHST = torch.matmul(q_BHSK, k_BHTK.transpose(-2, -1)) / math.sqrt(self.head_width)
        if mask is not None:
            scores_BHST = scores_BHST.masked_fill(mask == 0, -1e9)
        if causal:
            visible_11ST = torch.ones(1, 1, query.size(1), key.size(1), device=query.device).tril()
            scores_BHST = scores_BHST.masked_fill(visible_11ST == 0, -1e9)
        weights_BHST = torch.softmax(scores_BHST, dim=-1)
        attended_BSD = torch.matmul(weights_BHST, v_BHTK).transpose(1, 2).contiguous().flatten(-2)
        output: Tensor = self.out_proj(attended_BSD)
        return (output, weights_BHST) if need_weights else output


def _split(projected_BSD: Tensor, heads: int) -> Tensor:
    """(B, S, heads · K) seen as (B, heads, S, K): a view, its last dimension contiguous, as flash needs."""
    batch, positions, width = projected_BSD.shape
    return projected_BSD.view(batch, positions, heads, width // heads).transpose(1, 2)


def _combined(mask: Tensor | None, causal: bool, q_BHSK: Tensor) -> Tensor | None:
    """The conjunction of ``mask`` and, with ``causal``, the causal mask; None without either."""
    if not causal:
        return mask
    causal_11SS = causal_mask(q_BHSK.size(-2), q_BHSK.device)
    return causal_11SS if mask is None else mask & causal_11SS
