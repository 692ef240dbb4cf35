"""Suites of learning-rate schedules: one step of warm-up and decay, by tbp, by transformers and by hand."""

from tbp import bench

from .workloads.schedule import FAMILY


class Quick(bench.Suite):
    family = FAMILY
    variants = ("linear",)
    shapes = {"groups": (2,)}
    devices = ("cpu",)
    counters = ()


class Nightly(bench.Suite):
    family = FAMILY
    variants = ("by_hand", "naive", "linear")
    shapes = {"groups": (2,)}
    devices = ("cpu",)
    counters = ("error",)
