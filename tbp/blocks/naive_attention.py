"""The naive attention that ``MultiHeadAttention`` is timed against."""

# B batch, D model width, H heads, S query positions, T key positions, K head width

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tbp.blocks.projections import split_heads, unpack_state


class NaiveMultiHeadAttention(nn.Module):
    """The baseline: three projections, matmul, softmax, matmul. Slow and wrong on purpose; do not train with it.

    The S × T weights are built on every call. ``masked_fill(mask == 0, -1e9)`` takes any mask that
    broadcasts. It raises in float16, gives a fully masked row uniform weights, and reads an additive float mask as its
    opposite.
    A ``state_dict`` of ``MultiHeadAttention`` loads into it, and the other way round.

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
        self.register_load_state_dict_pre_hook(unpack_state)  # type: ignore[no-untyped-call]  # torch ships it without types

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """(B, S, D), and with ``need_weights`` the (B, H, S, T) weights, which are built either way."""
        key = query if key is None else key
        value = key if value is None else value
        q_BHSK = split_heads(self.q_proj(query), self.num_heads)
        k_BHTK = split_heads(self.k_proj(key), self.num_heads)
        v_BHTK = split_heads(self.v_proj(value), self.num_heads)
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
