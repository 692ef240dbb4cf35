"""The suite of models that are really trained: the accuracy that compression costs, the time and size that it saves."""

from tbp import bench

from .workloads.trained_task import FAMILY, error_rate


class Nightly(bench.Suite):
    family = FAMILY
    variants = (
        *("dense", "dense_twin", "int8", "pruned", "pruned_int8", "student", "student_int8"),
        *("onnx", "student_onnx_int8"),
    )
    shapes = {"batch": (1,)}
    devices = ("cpu",)
    counters = ("model_bytes",)
    timeout = 1200.0  # the first process trains: 38 s on two idle cores, minutes on shared ones
    track_error_rate = error_rate
