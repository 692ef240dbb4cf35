"""Suites of distillation: one step of a student that learns from a teacher, and the naive one."""

from tbp import bench

from .workloads.distillation import FAMILY


class _Distillation(bench.Suite):
    family = FAMILY
    fixed = {"d_model": 128, "heads": 4, "sequence_length": 32}


class Quick(_Distillation):
    variants = ("distilled",)
    shapes = {"batch": (4,)}
    counters = ()


class Nightly(_Distillation):
    variants = ("naive", "distilled")
    shapes = {"batch": (8,)}
    counters = ("operators", "peak_bytes", "error")
