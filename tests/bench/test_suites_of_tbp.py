"""tbp's own suites: the names and versions that its history hangs on, and the FLOPs that its workloads declare."""

from pathlib import Path

import pytest
import torch
from asv_runner.discovery import disc_benchmarks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import benchmarks.workloads.accumulation
import benchmarks.workloads.attention
import benchmarks.workloads.compressed_inference
import benchmarks.workloads.distillation
import benchmarks.workloads.distributed
import benchmarks.workloads.feed_forward
import benchmarks.workloads.schedule
import benchmarks.workloads.train_step  # each registers its workloads
from tbp.bench import PROTOCOL, Case
from tbp.bench.suite import PEAK
from tbp.bench.workloads import find

SHAPE = {
    "batch": 2, "sequence_length": 16, "tokens": 32, "d_model": 32, "heads": 4, "d_ff": 64, "micro_batches": 2,
}  # fmt: skip

# Causal attention declares half of the S² products, and torch runs and counts all of them.
DECLARED = [
    ("attention", "naive"),
    ("attention", "sdpa"),
    ("attention", "grouped_query"),
    ("feed_forward", "gelu"),
    ("feed_forward", "swiglu"),
    ("train_step", "naive_attention"),
    ("train_step", "float32"),
    ("train_step", "adamw_recommended"),
    ("accumulation", "ragged"),
    ("distillation", "distilled"),
    ("compressed_inference", "dense"),
    ("compressed_inference", "l1_70"),
    ("compressed_inference", "structured_50"),
    ("compressed_inference", "low_rank_50"),
]


def test_asv_finds_the_suites_and_nothing_in_their_workloads():
    """Stored results are found by these names and versions: another one leaves a history behind without a word."""
    discovered = {
        benchmark.name: benchmark.version for benchmark in disc_benchmarks(str(Path(benchmarks.__file__).parent))
    }
    assert sorted(name for name in discovered if name.endswith(".torchtime_step")) == [
        "accumulation.Nightly.torchtime_step",
        "accumulation.NightlyRagged.torchtime_step",
        "accumulation.Quick.torchtime_step",
        "attention.Nightly.torchtime_step",
        "attention.NightlyBackward.torchtime_step",
        "attention.NightlyHalf.torchtime_step",
        "attention.NightlyLengths.torchtime_step",
        "attention.NightlyOneSequence.torchtime_step",
        "attention.NightlyShort.torchtime_step",
        "attention.NightlyVariants.torchtime_step",
        "attention.Quick.torchtime_step",
        "compressed_inference.Nightly.torchtime_step",
        "compressed_inference.NightlyBatch.torchtime_step",
        "compressed_inference.NightlyWidths.torchtime_step",
        "compressed_inference.Quick.torchtime_step",
        "compression.Nightly.torchtime_step",
        "decode.Nightly.torchtime_step",
        "decode.Quick.torchtime_step",
        "distillation.Nightly.torchtime_step",
        "distillation.Quick.torchtime_step",
        "distributed.Nightly.torchtime_step",
        "feed_forward.Nightly.torchtime_step",
        "feed_forward.NightlyHalf.torchtime_step",
        "feed_forward.Quick.torchtime_step",
        "layer.Nightly.torchtime_step",
        "layer.Quick.torchtime_step",
        "on_cuda.NightlyBackends.torchtime_step",
        "on_cuda.NightlyCompressed.torchtime_step",
        "on_cuda.NightlyDecode.torchtime_step",
        "on_cuda.NightlyGrouped.torchtime_step",
        "on_cuda.NightlyLayer.torchtime_step",
        "on_cuda.NightlyTf32.torchtime_step",
        "on_cuda.NightlyTrainStep.torchtime_step",
        "positional.Nightly.torchtime_step",
        "positional.Quick.torchtime_step",
        "schedule.Nightly.torchtime_step",
        "schedule.Quick.torchtime_step",
        "train_step.Nightly.torchtime_step",
        "train_step.NightlyBatches.torchtime_step",
        "train_step.NightlyWidths.torchtime_step",
        "train_step.Quick.torchtime_step",
        "trained_task.Nightly.torchtime_step",
    ]
    assert {
        "attention.Quick.track_operators",
        "compile.Nightly.track_first_call_seconds",
        "defects.Nightly.track_naive",
        "defects.Nightly.track_right",
        "design.Nightly.track_error_rate",
    } <= discovered.keys()
    versions = {version: name.rpartition(".")[2] for name, version in discovered.items()}
    assert versions.keys() == {str(PROTOCOL), PEAK, f"{PROTOCOL}, 60 epochs"}
    assert versions[PEAK] == "track_peak_bytes"


@pytest.mark.parametrize(("family", "variant"), DECLARED)
def test_declared_flops_are_those_of_the_products(family: str, variant: str):
    step = find(family, variant).build(Case(SHAPE, torch.float32, "cpu"))
    # The counter knows no flash attention of the CPU: its plain products are counted instead.
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):
        step.run()
    assert step.flops == counted.get_total_flops()


def test_integer_products_are_no_flops():
    assert find("compressed_inference", "int8_dynamic").build(Case(SHAPE, torch.float32, "cpu")).flops is None
