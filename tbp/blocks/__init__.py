"""Transformer building blocks: attention, positional encoding, feed-forward network, encoder.

Code under test: torch only. Each ``Naive...`` class is the baseline its namesake is timed against, with the
same parameter names, so weights load from one into the other.
"""

from __future__ import annotations

from tbp.blocks.attention import MultiHeadAttention, NaiveMultiHeadAttention
from tbp.blocks.encoder import AttentionFactory, Encoder, EncoderLayer
from tbp.blocks.feed_forward import Activation, FeedForward
from tbp.blocks.mask import causal_mask, checked_mask, padding_mask
from tbp.blocks.positional import NaivePositionalEncoding, PositionalEncoding

__all__ = [
    "Activation",
    "AttentionFactory",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "MultiHeadAttention",
    "NaiveMultiHeadAttention",
    "NaivePositionalEncoding",
    "PositionalEncoding",
    "causal_mask",
    "checked_mask",
    "padding_mask",
]
