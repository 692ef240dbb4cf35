"""``nn.MultiheadAttention`` with plain linears in place of packed parameters, so that it can be pruned and quantised.

Takes a module that torch made and gives one that computes the same. torch's has its input projections as parameters
without a module, and reads the output projection's weight past its forward: nothing can swap them for INT8 or low rank.
"""

# B batch, E model width, H heads, S query positions, T key positions, K head width

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp.blocks.projections import block_rows, keep_columns, keep_rows
from tbp.compression.replace import replace_modules


class ProjectedAttention(nn.Module):
    """Drop-in for an ``nn.MultiheadAttention`` without ``bias_k``, ``bias_v`` and ``add_zero_attn``.

    It takes over the weights. Inputs, masks and outputs are those of torch's module, 2-D inputs included. A query that
    may look nowhere gives NaN, or what torch's SDPA makes of it, as there.

    Raises:
        ValueError: for an attention with one of the three options.
    """

    # nn.TransformerEncoderLayer reads these. Without a packed bias it leaves its fused kernel, which takes raw weights.
    in_proj_bias = None
    in_proj_weight = None
    _qkv_same_embed_dim = False

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        if not can_be_projected(attention):
            raise ValueError("an nn.MultiheadAttention with bias_k, bias_v or add_zero_attn cannot be taken apart")
        self.num_heads = self.num_kv_heads = attention.num_heads
        self.head_width = attention.head_dim
        self.batch_first = attention.batch_first
        self.dropout = attention.dropout
        packed = attention.in_proj_weight
        weights = [attention.q_proj_weight, attention.k_proj_weight, attention.v_proj_weight]
        is_trained = weights[0].requires_grad if packed is None else packed.requires_grad
        biases = [None] * 3 if attention.in_proj_bias is None else attention.in_proj_bias.chunk(3)
        self.q_proj, self.k_proj, self.v_proj = (
            _linear(weight, bias, is_trained)
            for weight, bias in zip(weights if packed is None else packed.chunk(3), biases, strict=True)
        )
        out = attention.out_proj
        self.out_proj = _linear(out.weight, out.bias, out.weight.requires_grad)
        self.train(attention.training)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Output and, with ``need_weights``, the weights, as ``nn.MultiheadAttention.forward`` gives them.

        Raises:
            ValueError: for ``is_causal`` without the mask that it is a hint for, or a mask for another number of heads.
        """
        if is_causal and attn_mask is None:
            raise ValueError("is_causal is a hint about attn_mask: pass the causal attn_mask too")
        is_batched = query.dim() == 3
        is_sequence_first = is_batched and not self.batch_first
        inputs = [x if is_batched else x.unsqueeze(0) for x in (query, key, value)]
        inputs = [x.transpose(0, 1) for x in inputs] if is_sequence_first else inputs
        q_BHSK, k_BHTK, v_BHTK = (
            projection(x).unflatten(-1, (self.num_heads, self.head_width)).transpose(1, 2)
            for projection, x in zip((self.q_proj, self.k_proj, self.v_proj), inputs, strict=True)
        )
        mask = self._mask(attn_mask, key_padding_mask, q_BHSK)
        dropout = self.dropout if self.training else 0.0
        weights: Tensor | None = None
        if need_weights:
            weights = (q_BHSK @ k_BHTK.transpose(-2, -1) / math.sqrt(self.head_width) + mask).softmax(dim=-1)
            attended_BHSK = F.dropout(weights, dropout, training=dropout > 0.0) @ v_BHTK
            weights = weights.mean(dim=1) if average_attn_weights else weights
        else:
            bias = mask if isinstance(mask, Tensor) else None
            attended_BHSK = F.scaled_dot_product_attention(q_BHSK, k_BHTK, v_BHTK, attn_mask=bias, dropout_p=dropout)
        output = self.out_proj(attended_BHSK.transpose(1, 2).flatten(-2))
        output = output.transpose(0, 1) if is_sequence_first else output
        if not is_batched:
            output, weights = output.squeeze(0), None if weights is None else weights.squeeze(0)
        return output, weights

    @property
    def value_weight(self) -> Tensor:
        """(H · K, vdim) weight that makes the values."""
        return self.v_proj.weight

    def keep_heads(self, kept_H: Tensor) -> None:
        """Remove all heads but ``kept_H``. Makes new parameters."""
        rows = block_rows(kept_H, self.head_width)
        for linear in (self.q_proj, self.k_proj, self.v_proj):
            keep_rows(linear, rows)
        keep_columns(self.out_proj, rows)
        self.num_heads = self.num_kv_heads = kept_H.numel()

    def _mask(self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, q_BHSK: Tensor) -> Tensor | float:
        """The bias of the scores, broadcastable to (B, H, S, T); 0 without masks."""
        total: Tensor | float = 0.0
        if attn_mask is not None:
            if attn_mask.dim() == 3:
                if attn_mask.size(0) != q_BHSK.size(0) * self.num_heads:
                    raise ValueError(
                        f"a 3-D attn_mask needs batch × heads = {q_BHSK.size(0)} × {self.num_heads} matrices, not "
                        f"{attn_mask.size(0)}; after heads were removed pass the (S, T) one"
                    )
                attn_mask = attn_mask.view(-1, self.num_heads, *attn_mask.shape[1:])
            total = total + _additive(attn_mask, q_BHSK.dtype)
        if key_padding_mask is not None:
            padding_BT = key_padding_mask if key_padding_mask.dim() == 2 else key_padding_mask.unsqueeze(0)
            total = total + _additive(padding_BT[:, None, None, :], q_BHSK.dtype)
        return total


def can_be_projected(attention: nn.MultiheadAttention) -> bool:
    """True where ``ProjectedAttention`` computes the same."""
    return attention.bias_k is None and attention.bias_v is None and not attention.add_zero_attn


def with_projected_attention(model: nn.Module) -> nn.Module:
    """Replace every ``nn.MultiheadAttention``, in place; a model that is one itself comes back as another."""
    if type(model) is nn.MultiheadAttention:
        return ProjectedAttention(model) if can_be_projected(model) else model
    replace_modules(
        model, nn.MultiheadAttention, lambda child: ProjectedAttention(child) if can_be_projected(child) else child
    )
    for encoder in model.modules():
        if isinstance(encoder, nn.TransformerEncoder):
            # It would pack padded batches for the fused kernel of its layers, which they left.
            encoder.use_nested_tensor = False
    return model


def _linear(weight: Tensor, bias: Tensor | None, is_trained: bool) -> nn.Linear:
    """A linear layer with copies of the two."""
    linear = nn.Linear(weight.size(1), weight.size(0), bias=bias is not None, device="meta")
    linear.weight = nn.Parameter(weight.detach().clone(), is_trained)
    if bias is not None:
        linear.bias = nn.Parameter(bias.detach().clone(), is_trained)
    return linear


def _additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """torch's masks: True, or -inf, where a query may not look."""
    if mask.dtype == torch.bool:
        return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, -torch.inf)
    return mask.to(dtype)
