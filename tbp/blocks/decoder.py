"""The Transformer decoder: causal self-attention, attention to an encoder's output, and a feed-forward network.

Decoding one token at a time takes a ``DecoderCache`` a layer. A decoder-only model is ``Encoder`` with ``causal``.
"""

# B batch, S positions of the target, T positions of the memory, D model width

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from tbp.blocks.attention import MultiHeadAttention
from tbp.blocks.cache import KeyValueCache
from tbp.blocks.feed_forward import Activation, FeedForward
from tbp.blocks.linear import dropped


@dataclass(frozen=True)
class DecoderCache:
    """Keys and values of one layer: of the target so far, and of the memory."""

    target: KeyValueCache
    memory: KeyValueCache


class DecoderLayer(nn.Module):
    """Causal self-attention, cross-attention and a feed-forward network, each with dropout and a residual around it.

    Args:
        d_model, num_heads, d_ff, dropout, activation, pre_norm: as those of ``EncoderLayer``.
        num_kv_heads: of both attentions, as ``MultiHeadAttention`` takes it.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.1,
        activation: Activation = "relu",
        *,
        pre_norm: bool = True,
        num_kv_heads: int | None = None,
    ) -> None:
        super().__init__()
        self.pre_norm = pre_norm
        self.attention = MultiHeadAttention(d_model, num_heads, num_kv_heads=num_kv_heads)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, num_kv_heads=num_kv_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.attention_norm = nn.LayerNorm(d_model)
        self.cross_attention_norm = nn.LayerNorm(d_model)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x_BSD: Tensor,
        memory_BTD: Tensor,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        *,
        cache: DecoderCache | None = None,
    ) -> Tensor:
        """(B, S, D) and the encoder's (B, T, D) to (B, S, D).

        Args:
            mask, memory_mask: which positions of the target, and of the memory, a query may look at.
            cache: ``x_BSD`` holds the next positions only, and the cached memory stands for ``memory_BTD``.
        """
        if self.pre_norm:
            x_BSD = x_BSD + self._attend(self.attention_norm(x_BSD), mask, cache)
            x_BSD = x_BSD + self._attend_across(self.cross_attention_norm(x_BSD), memory_BTD, memory_mask, cache)
            return x_BSD + self._feed_forward(self.feed_forward_norm(x_BSD))
        x_BSD = self.attention_norm(x_BSD + self._attend(x_BSD, mask, cache))
        x_BSD = self.cross_attention_norm(x_BSD + self._attend_across(x_BSD, memory_BTD, memory_mask, cache))
        normalised_BSD: Tensor = self.feed_forward_norm(x_BSD + self._feed_forward(x_BSD))
        return normalised_BSD

    def cache(self, memory_BTD: Tensor, max_len: int) -> DecoderCache:
        """A cache of up to ``max_len`` positions of the target, with the memory's keys and values."""
        target = self.attention.cache(memory_BTD.size(0), max_len)
        return DecoderCache(target, self.cross_attention.remember(memory_BTD))

    def _attend(self, x_BSD: Tensor, mask: Tensor | None, cache: DecoderCache | None) -> Tensor:
        target = None if cache is None else cache.target
        return dropped(self.dropout, self.attention(x_BSD, mask=mask, causal=True, cache=target))

    def _attend_across(
        self, x_BSD: Tensor, memory_BTD: Tensor, mask: Tensor | None, cache: DecoderCache | None
    ) -> Tensor:
        if cache is None:
            attended_BSD = self.cross_attention(x_BSD, memory_BTD, mask=mask)
        else:
            attended_BSD = self.cross_attention(x_BSD, mask=mask, cache=cache.memory, append=False)
        return dropped(self.dropout, attended_BSD)

    def _feed_forward(self, x_BSD: Tensor) -> Tensor:
        return dropped(self.dropout, self.feed_forward(x_BSD))


class Decoder(nn.Module):
    """``num_layers`` decoder layers; with ``pre_norm`` a last normalisation.

    Args:
        num_layers: at least 1; the other arguments are those of ``DecoderLayer``.
    """

    def __init__(
        self,
        num_layers: int,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.1,
        activation: Activation = "relu",
        *,
        pre_norm: bool = True,
        num_kv_heads: int | None = None,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers={num_layers} must be at least 1")
        self.layers = nn.ModuleList(
            DecoderLayer(d_model, num_heads, d_ff, dropout, activation, pre_norm=pre_norm, num_kv_heads=num_kv_heads)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model) if pre_norm else nn.Identity()

    def forward(
        self,
        x_BSD: Tensor,
        memory_BTD: Tensor,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        *,
        caches: Sequence[DecoderCache] | None = None,
    ) -> Tensor:
        """As ``DecoderLayer.forward``; ``caches`` has one a layer, as ``caches()`` makes them."""
        for index, layer in enumerate(self.layers):
            cache = None if caches is None else caches[index]
            x_BSD = layer(x_BSD, memory_BTD, mask, memory_mask, cache=cache)
        output_BSD: Tensor = self.norm(x_BSD)
        return output_BSD

    def caches(self, memory_BTD: Tensor, max_len: int) -> list[DecoderCache]:
        """A cache for each layer, with the memory's keys and values."""
        return [layer.cache(memory_BTD, max_len) for layer in self.layers]  # type: ignore[operator]
