"""Demonstrations of defects, as values to keep: how much is wrong with the naive snippet, and with the right one."""

from typing import Any

from tbp import bench
from tbp.bench.devices import settle

# Kept here beside ``tbp.defects``, since asv looks for parameters in commits that lack it too.
DEFECTS = (
    *("weights-always-built", "no-attention-dropout"),
    *("mask-in-float16", "fully-masked-row", "additive-mask-inverted", "mask-of-two-dimensions"),
    *("mask-of-three-dimensions", "causal-beside-a-mask", "dropout-of-the-weights", "three-dimensional-input"),
    *("last-dimension-not-contiguous", "sequence-first-table", "odd-width", "float16-upcast", "table-in-float32"),
    *("table-in-checkpoint", "past-the-table", "relu-only"),
    *("share-called-steps", "warm-up-cut-off", "schedule-needs-transformers", "tail-never-steps", "mean-of-means"),
    *("amp-without-cuda", "amp-deprecated-imports", "clipped-while-scaled", "step-with-nan", "schedule-runs-on"),
    "float16-without-scaler",
    *("zeros-save-no-bytes", "zeros-save-no-products", "zeros-grow-back", "pruning-again", "packed-weight-missed"),
    *("int8-without-stubs", "int8-without-calibration", "int8-engine-not-recorded"),
    *("softened-over-positions", "all-labels-ignored", "padding-in-soft-term", "gradient-into-teacher"),
    "class-ruled-out",
)


def outcomes(defect: str) -> tuple[Any, Any]:
    """The outcomes of the naive snippet and of the right one, by the commit's own demonstration.

    Raises:
        Skip: the commit lacks the demonstration, or cannot show it here.
    """
    settle()
    if defect not in bench.subject("tbp.defects", "DEMONSTRATIONS"):
        raise bench.Skip(f"this commit has no demonstration of {defect}")
    try:
        naive, right = bench.subject("tbp.defects", "outcomes")(defect)
    except bench.subject("tbp.defects", "NotHere") as reason:
        raise bench.Skip(str(reason)) from None
    return naive, right
