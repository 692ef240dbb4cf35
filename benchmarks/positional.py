"""Suites of positions: sinusoidal and naive, learned, rotary, and the distances of ALiBi."""

from tbp import bench

from .workloads.positional import FAMILY


class Quick(bench.Suite):
    family = FAMILY
    fixed = {"batch": 4, "d_model": 128, "heads": 4}
    variants = ("naive", "sinusoidal", "sinusoidal_twin")
    shapes = {"sequence_length": (256,)}
    counters = ("operators",)


class Nightly(bench.Suite):
    family = FAMILY
    fixed = {"batch": 4, "d_model": 256, "heads": 4}
    variants = ("naive", "sinusoidal", "learned", "rotary", "alibi")
    shapes = {"sequence_length": (1024,)}
    counters = ("operators", "peak_bytes", "error")
