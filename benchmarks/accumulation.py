"""Suites of gradient accumulation: equal and ragged micro-batches, and the naive one."""

from tbp import bench

from .workloads.accumulation import FAMILY


class _Accumulation(bench.Suite):
    family = FAMILY
    fixed = {"d_model": 128, "heads": 4, "sequence_length": 16, "batch": 16}


class Quick(_Accumulation):
    variants = ("ragged",)
    shapes = {"micro_batches": (4,)}
    counters = ()


class Nightly(_Accumulation):
    variants = ("naive", "accumulated")
    shapes = {"micro_batches": (1, 16)}
    counters = ("peak_bytes", "error")


class NightlyRagged(_Accumulation):
    variants = ("naive_ragged", "ragged")
    shapes = {"micro_batches": (4,)}
    counters = ("error",)
