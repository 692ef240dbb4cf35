"""Suites of feed-forward networks: ReLU, GELU and SwiGLU with about equal numbers of weights."""

from tbp import bench

from .workloads.feed_forward import FAMILY


class _FeedForward(bench.Suite):
    family = FAMILY
    fixed = {"d_model": 256, "d_ff": 1024}


class Quick(_FeedForward):
    variants = ("relu", "gelu", "gelu_twin", "swiglu")
    shapes = {"tokens": (128,)}


class Nightly(_FeedForward):
    variants = ("relu", "gelu", "swiglu", "swiglu_packed", "gelu_compiled", "gelu_backward")
    shapes = {"tokens": (1024,)}
    counters = ("operators", "peak_bytes", "flops", "error")


class NightlyHalf(_FeedForward):
    variants = ("gelu",)
    shapes = {"tokens": (1024,)}
    dtypes = ("float16", "bfloat16")
    counters = ()
