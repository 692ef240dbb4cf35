"""Suites of attention: the naive baseline against scaled_dot_product_attention."""

from tbp import bench

from .workloads.attention import FAMILY


class _Attention(bench.Suite):
    family = FAMILY
    fixed = {"tokens": 2048, "d_model": 256, "heads": 4}


class Quick(_Attention):
    fixed = {"tokens": 512, "d_model": 128, "heads": 4}
    variants = ("naive", "sdpa", "sdpa_twin")
    shapes = {"sequence_length": (256,)}


class Nightly(_Attention):
    variants = ("naive", "sdpa", "sdpa_causal", "grouped_query")
    shapes = {"sequence_length": (64, 1024, 2048)}
    counters = ("operators", "peak_bytes", "flops", "error")


class NightlyHalf(_Attention):
    variants = ("naive", "sdpa")
    shapes = {"sequence_length": (1024,)}
    dtypes = ("float16", "bfloat16")
    counters = ()
