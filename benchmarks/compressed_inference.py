"""Suites of inference with a small encoder: dense, pruned, in low rank, INT8, bfloat16, in ONNX Runtime."""

from tbp import bench

from .workloads import compressed_with_torchao  # noqa: F401 - registers variants of the family
from .workloads.compressed_inference import FAMILY


class Quick(bench.Suite):
    family = FAMILY
    variants = ("dense", "dense_twin", "int8_dynamic", "structured_50_int8")
    shapes = {"batch": (1,)}
    fixed = {"d_model": 512, "heads": 8, "sequence_length": 64}
    counters = ("model_bytes", "error")


class Nightly(bench.Suite):
    family = FAMILY
    variants = (
        *("dense", "dense_twin", "l1_70", "structured_30", "structured_50", "structured_70", "low_rank_50", "bfloat16"),
        *("int8_dynamic", "int8_static", "structured_50_int8"),
        *("torchao_int8", "torchao_int8_compiled", "torchao_int4", "onnx", "onnx_int8"),
    )
    shapes = {"batch": (1,)}
    fixed = {"d_model": 512, "heads": 8, "sequence_length": 64}
    counters = ("model_bytes", "error")


class NightlyBatch(bench.Suite):
    family = FAMILY
    variants = ("dense", "int8_fbgemm", "int8_onednn", "structured_50_int8", "onnx_int8")
    shapes = {"batch": (4,)}
    fixed = {"d_model": 512, "heads": 8, "sequence_length": 64}
    devices = ("cpu",)
    counters = ("model_bytes", "error")


class NightlyWidths(bench.Suite):
    """Widths around the one from which matrix products dominate: below it compression gains nothing."""

    family = FAMILY
    variants = ("dense", "structured_50", "int8_dynamic")
    shapes = {"d_model": (64, 128, 512)}
    fixed = {"batch": 1, "heads": 8, "sequence_length": 64}
    devices = ("cpu",)
    counters = ("model_bytes", "error")
