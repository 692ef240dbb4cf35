"""Attention over heads that are projected already: which kernel computes it, under which mask.

Queries are (B, H, S, K), keys and values (B, G, T, K); T − S keys come before the first query. A query that may look
nowhere attends to 0.
"""

# B batch, H query heads, G key/value heads, S query positions, T key positions, K head width

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tbp.blocks.mask import causal_mask, window_mask
from tbp.blocks.rotary import alibi_bias
from tbp.blocks.window import windowed_attention

# At this many windows and more, blocks take less time than all S² products under a mask: .77 at 4, .26 at 16 (windows
# of 128, one CPU thread); at 2 they take 1.10.
MIN_WINDOWS_FOR_BLOCKS = 4


@dataclass(frozen=True)
class Visibility:
    """Which keys a query looks at, and how willingly."""

    mask: Tensor | None = None  # boolean, broadcastable to (B, H, S, T)
    causal: bool = False
    window: int | None = None
    slopes: Tensor | None = None  # (H,), of ALiBi

    def allowed(self, length: int, cached: int, device: torch.device) -> Tensor | None:
        """The conjunction of all three as one mask; None where it hides nothing."""
        if self.window is not None:
            near = window_mask(length, self.window, device, causal=self.causal, cached=cached)
        elif self.causal and length > 1:  # a single query is the last position and sees all before it
            near = causal_mask(length, device, cached=cached)
        else:
            return self.mask
        return near if self.mask is None else self.mask & near

    def bias(self, q_BHSK: Tensor, cached: int) -> Tensor | None:
        """ALiBi's (1, H, S, T) in the dtype of the queries, computed in float32 at least."""
        if self.slopes is None:
            return None
        exact = torch.promote_types(q_BHSK.dtype, torch.float32)
        return alibi_bias(self.slopes.to(exact), q_BHSK.size(2), cached).to(q_BHSK.dtype)


EVERYTHING = Visibility()
"""All keys, and all alike."""


def attend(q_BHSK: Tensor, k_BGTK: Tensor, v_BGTK: Tensor, visible: Visibility, dropout: float) -> Tensor:
    """(B, H, S, K), by the fastest kernel that fits."""
    length = q_BHSK.size(2)
    cached = k_BGTK.size(2) - length
    if visible is EVERYTHING and not cached:
        return _sdpa(q_BHSK, k_BGTK, v_BGTK, None, None, dropout)
    if length == 1 and cached:
        return _attend_one(q_BHSK, k_BGTK, v_BGTK, visible, dropout)
    plain = visible.mask is None and visible.slopes is None and cached == 0
    if plain and visible.window is not None and length >= MIN_WINDOWS_FOR_BLOCKS * visible.window:
        return windowed_attention(q_BHSK, k_BGTK, v_BGTK, visible.window, causal=visible.causal, dropout=dropout)
    if plain and visible.window is None:
        return _sdpa(q_BHSK, k_BGTK, v_BGTK, None, None, dropout, causal=visible.causal)
    # attn_mask with is_causal runs on CPU flash and raises elsewhere: give one mask, never both.
    mask = visible.allowed(length, cached, q_BHSK.device)
    return _sdpa(q_BHSK, k_BGTK, v_BGTK, mask, visible.bias(q_BHSK, cached), dropout)


def attend_with_weights(
    q_BHSK: Tensor, k_BGTK: Tensor, v_BGTK: Tensor, visible: Visibility, dropout: float
) -> tuple[Tensor, Tensor]:
    """(B, H, S, K) and the weights (B, H, S, T) before dropout; a row that may look nowhere has weights of 0."""
    length, cached = q_BHSK.size(2), k_BGTK.size(2) - q_BHSK.size(2)
    k_BHTK, v_BHTK = _repeated(q_BHSK, k_BGTK, v_BGTK)
    scores_BHST = q_BHSK @ k_BHTK.transpose(-2, -1) / math.sqrt(q_BHSK.size(-1))
    bias, mask = visible.bias(q_BHSK, cached), visible.allowed(length, cached, q_BHSK.device)
    if bias is not None:
        scores_BHST = scores_BHST + bias
    if mask is None:
        weights_BHST = scores_BHST.softmax(dim=-1)
    else:
        # The dtype's lowest finite value, not -inf: the gradient of a fully masked row stays finite.
        lowest = torch.finfo(scores_BHST.dtype).min
        weights_BHST = scores_BHST.masked_fill(~mask, lowest).softmax(dim=-1).masked_fill(~mask, 0.0)
    return F.dropout(weights_BHST, dropout, training=dropout > 0.0) @ v_BHTK, weights_BHST


def _attend_one(q_BH1K: Tensor, k_BGTK: Tensor, v_BGTK: Tensor, visible: Visibility, dropout: float) -> Tensor:
    """One query after T − 1 keys, as in decoding: it sees all of them, or the last ``window``.

    The queries that share a key/value head are folded into one sequence, so that its keys are read once for all of
    them: .39 to .54 of the time with 4 to 8 queries a head (one sequence, 1024 to 4096 keys, CPU).
    """
    mask = visible.mask
    bias = None if visible.slopes is None else visible.bias(q_BH1K, k_BGTK.size(2) - 1)
    if visible.window is not None:
        k_BGTK, v_BGTK = k_BGTK[:, :, -visible.window :], v_BGTK[:, :, -visible.window :]
        mask = mask if mask is None or mask.size(-1) == 1 else mask[..., -visible.window :]
        bias = None if bias is None else bias[..., -visible.window :]
    heads, kv_heads = q_BH1K.size(1), k_BGTK.size(1)
    if heads == kv_heads:
        return _sdpa(q_BH1K, k_BGTK, v_BGTK, mask, bias, dropout)

    def folded(x: Tensor | None) -> Tensor | None:
        return x if x is None or x.size(1) == 1 else x.reshape(x.size(0), kv_heads, heads // kv_heads, x.size(-1))

    q_BGHK = q_BH1K.reshape(q_BH1K.size(0), kv_heads, heads // kv_heads, q_BH1K.size(-1))
    return _sdpa(q_BGHK, k_BGTK, v_BGTK, folded(mask), folded(bias), dropout).reshape(q_BH1K.shape)


def _sdpa(
    q_BHSK: Tensor,
    k_BGTK: Tensor,
    v_BGTK: Tensor,
    mask: Tensor | None,
    bias: Tensor | None,
    dropout: float,
    *,
    causal: bool = False,
) -> Tensor:
    """``F.scaled_dot_product_attention``, kept away from the kernels that are slow or wrong for these arguments."""
    share_heads = k_BGTK.size(1) != q_BHSK.size(1)
    if share_heads and q_BHSK.is_cuda and q_BHSK.dtype not in (torch.float16, torch.bfloat16):
        # In float32 no CUDA kernel shares heads; the math path took 1.9 × as long as a kernel for all heads (H200).
        share_heads, (k_BGTK, v_BGTK) = False, _repeated(q_BHSK, k_BGTK, v_BGTK)
    nowhere = None
    if mask is not None and q_BHSK.is_cuda:
        # Where a query may look nowhere, cuDNN's kernel of half precision gives no 0, and NaN as the query's
        # gradient (H200, torch 2.11). So it looks everywhere, and what it gets is dropped.
        nowhere = ~mask.any(dim=-1, keepdim=True)
        mask = mask | nowhere
    if bias is not None:
        mask = bias if mask is None else bias.masked_fill(~mask, -math.inf)
    attended_BHSK = F.scaled_dot_product_attention(
        q_BHSK, k_BGTK, v_BGTK, attn_mask=mask, dropout_p=dropout, is_causal=causal, enable_gqa=share_heads
    )
    return attended_BHSK if nowhere is None else attended_BHSK.masked_fill(nowhere, 0.0)


def _repeated(q_BHSK: Tensor, k_BGTK: Tensor, v_BGTK: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values once per query head, (B, H, T, K) each."""
    queries_per_kv_head = q_BHSK.size(1) // k_BGTK.size(1)
    if queries_per_kv_head == 1:
        return k_BGTK, v_BGTK
    return k_BGTK.repeat_interleave(queries_per_kv_head, 1), v_BGTK.repeat_interleave(queries_per_kv_head, 1)
