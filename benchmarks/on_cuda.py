"""Suites for a GPU alone: each kernel of attention, CUDA graphs, torch.compile, TF32, 2:4 sparsity and float8.

``asv run --bench on_cuda`` runs them. Without a GPU each cell is skipped, with the reason in the report. Launch-bound
cells have their kernels' time beside their wall time as ``track_device_seconds``.
"""

from collections.abc import Sequence
from typing import ClassVar

from tbp import bench

from .workloads import (
    attention,
    attention_backends,
    compressed_inference,
    compressed_two_of_four,  # noqa: F401 - registers variants of compressed_inference
    compressed_with_torchao,  # noqa: F401 - registers variants of compressed_inference
    decode,
    feed_forward,
    layer,
    train_step,
)
from .workloads import compile as compiling


class _OnCuda(bench.Suite):
    devices = ("cuda",)
    counters: ClassVar[Sequence[str]] = ()


class NightlyBackends(_OnCuda):
    family = attention_backends.FAMILY
    variants = tuple(
        attention_backends.variant_of(backend, kind)
        for kind in attention_backends.KINDS
        for backend in (*attention_backends.BACKENDS, attention_backends.CHOSEN)
    )
    shapes = {"sequence_length": (1024,)}
    fixed = {"tokens": 8192, "d_model": 512, "heads": 8, "queries_per_head": 4}
    dtypes = ("float32", "bfloat16")


class NightlyGrouped(_OnCuda):
    family = attention.FAMILY
    variants = ("masked", "grouped_query", "grouped_masked")
    shapes = {"sequence_length": (1024,)}
    fixed = {"tokens": 8192, "d_model": 512, "heads": 8}
    dtypes = ("float32", "bfloat16")


class NightlyTf32(_OnCuda):
    family = feed_forward.FAMILY
    variants = ("gelu", "gelu_tf32", "gelu_compiled")
    shapes = {"tokens": (8192,)}
    fixed = {"d_model": 1024, "d_ff": 4096}


class NightlyLayer(_OnCuda):
    """Small enough to wait for launches, and large enough not to."""

    family = layer.FAMILY
    variants = (
        *("pre_norm", "pre_norm_twin", "pre_norm_graphed"),
        *("pre_norm_compiled", "pre_norm_compiled_graphed"),
    )
    shapes = {"sequence_length": (16, 2048)}
    fixed = {"batch": 1, "d_model": 512, "heads": 8}
    counters = ("operators",)


class NightlyDecode(_OnCuda):
    family = decode.FAMILY
    variants = ("cached", "cached_twin", "cached_graphed", "bare")
    shapes = {"past": (127, 1023)}
    fixed = {"batch": 1, "d_model": 512, "heads": 8}


class NightlyTrainStep(_OnCuda):
    family = train_step.FAMILY
    variants = ("float32", "tf32", "tf32_twin", "graphed", "compiled", "amp_bfloat16", "amp_bfloat16_graphed")
    shapes = {"batch": (2, 64)}
    fixed = {"d_model": 256, "heads": 4, "sequence_length": 128}


class NightlyCompressed(_OnCuda):
    family = compressed_inference.FAMILY
    variants = (
        *("dense", "bfloat16", "bfloat16_compiled", "two_of_four_dense", "two_of_four", "float8", "float8_compiled"),
        *("torchao_int8", "torchao_int8_compiled", "torchao_int4"),
    )
    shapes = {"batch": (1, 64)}
    fixed = {"d_model": 1024, "heads": 16, "sequence_length": 128}
    counters = ("model_bytes", "error")


class NightlyFirstCalls(compiling.FirstCallSuite):
    """Seconds of the first call of a compiled module, on the GPU."""

    def setup_cache(self) -> compiling.FirstCalls:
        return compiling.first_calls("cuda")

    setup_cache.timeout = 300.0  # type: ignore[attr-defined]
