"""Suites of whole layers: norms before and after, naive attention, a decoder's, and those of torch and BERT."""

from tbp import bench

from .workloads.layer import FAMILY


class Quick(bench.Suite):
    family = FAMILY
    fixed = {"batch": 1, "d_model": 128, "heads": 4}
    variants = ("naive", "pre_norm", "pre_norm_twin")
    shapes = {"sequence_length": (512,)}
    counters = ("operators",)


class Nightly(bench.Suite):
    family = FAMILY
    fixed = {"batch": 1, "d_model": 512, "heads": 8}
    variants = ("naive", "pre_norm", "post_norm", "decoder", "torch", "bert")
    shapes = {"sequence_length": (256,)}
    counters = ("operators", "peak_bytes", "flops", "error")
