"""Transformer building blocks: attention, positions, feed-forward network, encoder, decoder, key/value cache.

Code under test: torch only. Each ``Naive...`` class is the baseline its namesake is timed against, and weights load
from one into the other. ``converted`` translates checkpoints of other code.
"""

from __future__ import annotations

from tbp.blocks.attention import MultiHeadAttention
from tbp.blocks.cache import KeyValueCache
from tbp.blocks.checkpoint import converted
from tbp.blocks.decoder import Decoder, DecoderCache, DecoderLayer
from tbp.blocks.encoder import AttentionFactory, Encoder, EncoderLayer
from tbp.blocks.feed_forward import Activation, FeedForward
from tbp.blocks.mask import causal_mask, checked_mask, padding_mask, window_mask
from tbp.blocks.naive_attention import NaiveMultiHeadAttention
from tbp.blocks.positional import LearnedPositionalEncoding, NaivePositionalEncoding, PositionalEncoding
from tbp.blocks.rotary import RotaryEmbedding

__all__ = [
    "Activation",
    "AttentionFactory",
    "Decoder",
    "DecoderCache",
    "DecoderLayer",
    "Encoder",
    "EncoderLayer",
    "FeedForward",
    "KeyValueCache",
    "LearnedPositionalEncoding",
    "MultiHeadAttention",
    "NaiveMultiHeadAttention",
    "NaivePositionalEncoding",
    "PositionalEncoding",
    "RotaryEmbedding",
    "causal_mask",
    "checked_mask",
    "converted",
    "padding_mask",
    "window_mask",
]
