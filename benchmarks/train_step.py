"""Suites of training steps: float32, mixed precision, optimizers, checkpointed activations, and the naive ones."""

from tbp import bench

from .workloads.train_step import FAMILY


class Quick(bench.Suite):
    """As wide as mixed precision needs to pay (``NightlyWidths``); the twin is sampled in turns with ``float32``.

    At a width of 512 its sessions alone took a quarter of a quick run's time.
    """

    family = FAMILY
    fixed = {"heads": 4, "sequence_length": 32, "batch": 4}
    variants = ("float32", "amp_bfloat16")
    shapes = {"d_model": (384,)}


class Nightly(bench.Suite):
    family = FAMILY
    fixed = {"heads": 4, "batch": 2}
    variants = (
        "naive_attention",
        "float32",
        "adamw_for_loop",
        "adamw_foreach",
        "adamw_recommended",
        "naive_amp",
        "amp_bfloat16",
        "amp_float16",
    )
    shapes = {"d_model": (256,), "sequence_length": (64,)}
    counters = ("operators", "peak_bytes", "flops", "model_bytes", "error")


class NightlyWidths(bench.Suite):
    """Widths around the one from which matrix products dominate: below it mixed precision costs time.

    ``Quick`` has the next width.
    """

    family = FAMILY
    fixed = {"heads": 4, "sequence_length": 32, "batch": 4}
    variants = ("naive_amp", "amp_bfloat16")
    shapes = {"d_model": (64, 128, 256)}
    counters = ("peak_bytes",)


class NightlyBatches(bench.Suite):
    """Batches around the one from which activations take more memory than the optimizer: there checkpointing pays."""

    family = FAMILY
    fixed = {"d_model": 128, "heads": 4, "sequence_length": 64}
    variants = ("adamw_for_loop", "checkpointed")
    shapes = {"batch": (1, 4, 16)}
    counters = ("peak_bytes",)
