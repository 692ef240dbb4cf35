"""Suites of inference with a small encoder: dense, pruned in place and for real, INT8."""

from tbp import bench

from .workloads.compressed_inference import FAMILY


class Quick(bench.Suite):
    family = FAMILY
    variants = ("dense", "dense_twin", "pruned_structured", "int8_dynamic")
    shapes = {"batch": (1,)}
    fixed = {"d_model": 128, "heads": 4, "sequence_length": 64}
    counters = ("model_bytes",)


class Nightly(bench.Suite):
    family = FAMILY
    variants = ("dense", "pruned_unstructured", "pruned_structured", "int8_dynamic", "int8_static")
    shapes = {"batch": (1, 8)}
    fixed = {"d_model": 512, "heads": 8, "sequence_length": 64}
    counters = ("operators", "peak_bytes", "flops", "model_bytes", "error")
