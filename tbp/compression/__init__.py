"""Smaller and faster models: pruning, INT8 and INT4, low rank, ONNX Runtime, and sizes in bytes.

Code under test: torch, and ``tbp.blocks`` where pruning must know which matrices belong together. torchao and ONNX
Runtime are imported by the functions that need them.
"""

from __future__ import annotations

from tbp.compression.engines import Engine, QuantizationUnavailable, available_engines, default_engine
from tbp.compression.low_rank import LowRankLinear, factorise_model
from tbp.compression.onnx_runtime import OnnxModel, OnnxUnavailable, to_onnx_runtime
from tbp.compression.projected_attention import ProjectedAttention, with_projected_attention
from tbp.compression.pruning import prunable_weights, prune_heads, prune_hidden_units, prune_model, sparsity
from tbp.compression.quantization import QuantizedModel, quantize_model, quantize_model_dynamically
from tbp.compression.semi_structured import (
    SparsityUnavailable,
    is_two_of_four,
    prune_two_of_four,
    store_two_of_four,
)
from tbp.compression.size import checkpoint_bytes, memory_bytes
from tbp.compression.with_torchao import quantize_model_with_torchao

__all__ = [
    "Engine",
    "LowRankLinear",
    "OnnxModel",
    "OnnxUnavailable",
    "ProjectedAttention",
    "QuantizationUnavailable",
    "QuantizedModel",
    "SparsityUnavailable",
    "available_engines",
    "checkpoint_bytes",
    "default_engine",
    "factorise_model",
    "is_two_of_four",
    "memory_bytes",
    "prunable_weights",
    "prune_heads",
    "prune_hidden_units",
    "prune_model",
    "prune_two_of_four",
    "quantize_model",
    "quantize_model_dynamically",
    "quantize_model_with_torchao",
    "sparsity",
    "store_two_of_four",
    "to_onnx_runtime",
    "with_projected_attention",
]
