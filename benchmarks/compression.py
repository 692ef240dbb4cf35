"""The suite of compressing itself: pruning, low rank, quantising with and without calibration."""

from tbp import bench

from .workloads.compression import FAMILY


class Nightly(bench.Suite):
    family = FAMILY
    variants = ("copy", "l1_70", "structured_50", "low_rank_50", "int8_dynamic", "int8_static")
    shapes = {"d_model": (128,)}  # a factorisation takes half a second at 256
    fixed = {"heads": 8, "sequence_length": 64}
    devices = ("cpu",)
    counters = ()
