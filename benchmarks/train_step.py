"""Suites of training steps: float32, mixed precision, gradient accumulation, naive attention."""

from tbp import bench

from .workloads.train_step import FAMILY


class Quick(bench.Suite):
    family = FAMILY
    fixed = {"d_model": 64, "heads": 4, "sequence_length": 32}
    variants = ("float32", "float32_twin", "amp_bfloat16", "amp_float16")
    shapes = {"batch": (4,)}


class Nightly(bench.Suite):
    family = FAMILY
    fixed = {"d_model": 128, "heads": 4, "sequence_length": 128}
    variants = ("naive_attention", "float32", "amp_bfloat16", "amp_float16", "accumulated")
    shapes = {"batch": (8,)}
    counters = ("operators", "peak_bytes", "flops", "model_bytes", "error")
