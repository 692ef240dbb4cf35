"""The suite of models that are really trained: what compression costs in accuracy, and gains in time and size."""

from tbp import bench

from .workloads.trained_task import FAMILY, error_rate


class Nightly(bench.Suite):
    family = FAMILY
    variants = (
        *("dense", "dense_twin", "int8", "pruned", "pruned_int8", "student", "student_int8"),
        *("onnx", "pruned_onnx_int8"),
    )
    shapes = {"batch": (1,)}
    devices = ("cpu",)
    counters = ("model_bytes",)
    track_error_rate = error_rate
