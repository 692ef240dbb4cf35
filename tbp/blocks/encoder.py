"""The Transformer encoder, built from this package's blocks; with ``causal`` a decoder-only model. Embeddings and heads
are left to the caller."""

# B batch, S sequence positions, D model width

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from tbp.blocks.attention import MultiHeadAttention
from tbp.blocks.cache import KeyValueCache
from tbp.blocks.feed_forward import Activation, FeedForward
from tbp.blocks.linear import dropped

AttentionFactory = Callable[[int, int], nn.Module]
"""Builds attention from (d_model, num_heads): a class of ``tbp.blocks``, or a ``functools.partial`` of one that sets
more of its options."""


class EncoderLayer(nn.Module):
    """Self-attention and a feed-forward network, each with dropout and a residual around it.

    Args:
        d_model, num_heads, d_ff: widths and heads.
        dropout: on both branches and inside the feed-forward network. Attention weights keep all of theirs,
            unlike in ``nn.TransformerEncoderLayer``: attention dropout costs the fast path (see
            ``MultiHeadAttention``).
        activation: of the feed-forward network.
        pre_norm: normalise what enters a branch (Xiong et al. 2020) instead of its sum with the residual.
        attention: builds the attention.
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
        attention: AttentionFactory = MultiHeadAttention,
    ) -> None:
        super().__init__()
        self.pre_norm = pre_norm
        self.attention = attention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.attention_norm = nn.LayerNorm(d_model)
        self.feed_forward_norm = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x_BSD: Tensor, mask: Tensor | None = None, *, causal: bool = False, cache: KeyValueCache | None = None
    ) -> Tensor:
        """(B, S, D) to (B, S, D); the other arguments as ``MultiHeadAttention`` takes them."""
        if self.pre_norm:
            x_BSD = x_BSD + self._attend(self.attention_norm(x_BSD), mask, causal, cache)
            x_BSD = x_BSD + dropped(self.dropout, self.feed_forward(self.feed_forward_norm(x_BSD)))
        else:
            x_BSD = self.attention_norm(x_BSD + self._attend(x_BSD, mask, causal, cache))
            x_BSD = self.feed_forward_norm(x_BSD + dropped(self.dropout, self.feed_forward(x_BSD)))
        return x_BSD

    def _attend(self, x_BSD: Tensor, mask: Tensor | None, causal: bool, cache: KeyValueCache | None) -> Tensor:
        # The naive attention, and that of other projects, knows no cache.
        cached = {} if cache is None else {"cache": cache}
        return dropped(self.dropout, self.attention(x_BSD, x_BSD, x_BSD, mask, causal=causal, **cached))


class Encoder(nn.Module):
    """``num_layers`` encoder layers; with ``pre_norm`` a last normalisation, which post-norm layers already
    end in.

    Args:
        num_layers: at least 1; the other arguments are those of ``EncoderLayer``.
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
        attention: AttentionFactory = MultiHeadAttention,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers={num_layers} must be at least 1")
        self.layers = nn.ModuleList(
            EncoderLayer(d_model, num_heads, d_ff, dropout, activation, pre_norm=pre_norm, attention=attention)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(d_model) if pre_norm else nn.Identity()

    def forward(
        self,
        x_BSD: Tensor,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        caches: Sequence[KeyValueCache] | None = None,
    ) -> Tensor:
        """(B, S, D) to (B, S, D); ``mask`` and ``causal`` as ``MultiHeadAttention`` takes them.

        Args:
            caches: one a layer, as ``caches()`` makes them: ``x_BSD`` holds the next positions only.
        """
        for index, layer in enumerate(self.layers):
            cache = None if caches is None else caches[index]
            x_BSD = layer(x_BSD, mask, causal=causal, cache=cache)
        output_BSD: Tensor = self.norm(x_BSD)
        return output_BSD

    def caches(self, batch: int, max_len: int) -> list[KeyValueCache]:
        """An empty cache for each layer."""
        return [layer.attention.cache(batch, max_len) for layer in self.layers]  # type: ignore[union-attr,operator]
