"""Suites of decoding: one token after many, with a key/value cache and without, and the prefill."""

from tbp import bench

from .workloads.decode import FAMILY


class Quick(bench.Suite):
    family = FAMILY
    fixed = {"batch": 1, "d_model": 128, "heads": 4}
    variants = ("uncached", "cached", "cached_twin")
    shapes = {"past": (128,)}
    counters = ("operators",)


class Nightly(bench.Suite):
    family = FAMILY
    fixed = {"batch": 1, "d_model": 512, "heads": 8}
    variants = ("uncached", "cached", "cached_grouped", "cached_window", "cached_rotary", "bare", "prefill")
    shapes = {"past": (1023,)}
