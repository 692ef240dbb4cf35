"""The FLOPs that tbp's own suites declare, against those torch counts of the matrix products it runs."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import benchmarks.attention
import benchmarks.compressed_inference
import benchmarks.feed_forward
import benchmarks.train_step  # noqa: F401 - each registers its workloads
from tbp.bench import Case
from tbp.bench.workloads import find

SHAPE = {"batch": 2, "sequence_length": 16, "tokens": 32, "d_model": 32, "heads": 4, "d_ff": 64}

# Causal attention declares half of the S² products, and torch runs and counts all of them.
DECLARED = [
    ("attention", "naive"),
    ("attention", "sdpa"),
    ("attention", "grouped_query"),
    ("feed_forward", "gelu"),
    ("feed_forward", "swiglu"),
    ("train_step", "naive_attention"),
    ("train_step", "float32"),
    ("train_step", "accumulated"),
    ("compressed_inference", "dense"),
    ("compressed_inference", "pruned_unstructured"),
    ("compressed_inference", "pruned_structured"),
]


@pytest.mark.parametrize(("family", "variant"), DECLARED)
def test_declared_flops_are_those_of_the_products(family: str, variant: str):
    step = find(family, variant).build(Case(SHAPE, torch.float32, "cpu"))
    # The counter knows no flash attention of the CPU: its plain products are counted instead.
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):
        step.run()
    assert step.flops == counted.get_total_flops()


def test_integer_products_are_no_flops():
    assert find("compressed_inference", "int8_dynamic").build(Case(SHAPE, torch.float32, "cpu")).flops is None
