"""Suites of attention: the naive baseline, the block in its variants, and the other ways that torch offers."""

from tbp import bench

from .workloads import attention, attention_of_lengths


class _Attention(bench.Suite):
    family = attention.FAMILY
    fixed = {"tokens": 2048, "d_model": 256, "heads": 4, "window": 128}


class Quick(_Attention):
    fixed = {"tokens": 1024, "d_model": 128, "heads": 4}
    variants = ("naive", "sdpa", "sdpa_twin")
    shapes = {"sequence_length": (1024,)}


class Nightly(_Attention):
    variants = ("naive", "sdpa", "sdpa_causal", "grouped_query", "torch_fast", "torch_slow")
    shapes = {"sequence_length": (1024,), "batch": (1,)}
    counters = ("operators", "peak_bytes", "flops", "error")


class NightlyOneSequence(_Attention):
    """Growth with the length alone, in a model so narrow that the S² products and weights soon are most of the work."""

    fixed = {"batch": 1, "d_model": 64, "heads": 1}
    variants = ("naive", "sdpa")
    shapes = {"sequence_length": (64, 256, 1024, 2048)}
    counters = ("peak_bytes",)


class NightlyVariants(_Attention):
    variants = ("masked", "sliding_window", "flex_window", "rotary", "alibi")
    shapes = {"sequence_length": (1024,), "batch": (1,)}


class NightlyLengths(_Attention):
    family = attention_of_lengths.FAMILY
    variants = ("padded", "ragged")
    shapes = {"sequence_length": (256,)}


class NightlyShort(_Attention):
    fixed = {"tokens": 16, "d_model": 256, "heads": 4}
    variants = ("sdpa", "torch_fast", "torch_slow")
    shapes = {"sequence_length": (1, 16)}
    counters = ("operators",)


class NightlyBackward(_Attention):
    variants = ("naive_backward", "sdpa_backward")
    shapes = {"sequence_length": (64, 512), "batch": (2,)}
    counters = ("peak_bytes",)


class NightlyHalf(_Attention):
    variants = ("sdpa",)
    shapes = {"sequence_length": (1024,), "batch": (1,)}
    dtypes = ("float16", "bfloat16")
    counters = ()
