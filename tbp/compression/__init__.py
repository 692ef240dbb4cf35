"""Smaller models: pruning, INT8 quantisation, and their size in bytes.

Code under test: torch only, and ``tbp.blocks`` where pruning must know which matrices belong together.
"""

from __future__ import annotations

from tbp.compression.pruning import prunable_weights, prune_heads, prune_hidden_units, prune_model, sparsity
from tbp.compression.quantization import (
    Engine,
    QuantizationUnavailable,
    QuantizedModel,
    default_engine,
    quantize_model,
    quantize_model_dynamically,
)
from tbp.compression.size import checkpoint_bytes, memory_bytes

__all__ = [
    "Engine",
    "QuantizationUnavailable",
    "QuantizedModel",
    "checkpoint_bytes",
    "default_engine",
    "memory_bytes",
    "prunable_weights",
    "prune_heads",
    "prune_hidden_units",
    "prune_model",
    "quantize_model",
    "quantize_model_dynamically",
    "sparsity",
]
