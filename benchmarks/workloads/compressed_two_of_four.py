"""Inference of the small encoder of ``compressed_inference`` in 2:4 sparsity, which takes sparse tensor cores."""

import copy
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from tbp import bench

from .compressed_inference import (
    ANOTHER_FUNCTION,
    FAMILY,
    bytes_of,
    dense_model,
    dense_reference,
    half_inference_of,
    in_double,
)

# Of the same zeros in float64: roundings of bfloat16.
HALF_ERROR = 0.1
# Of the bytes of dense bfloat16: half of the weights, with 2 bits each for where they stand, biases and norms.
MOST_BYTES = 0.6


def _pruned(case: bench.Case) -> nn.Module:
    model: nn.Module = bench.subject("tbp.compression", "prune_two_of_four")(dense_model(case))
    return model.bfloat16()


@bench.workload(
    FAMILY, "two_of_four_dense", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="bfloat16"
)
def two_of_four_dense(case: bench.Case) -> bench.Step:
    """The zeros in dense storage: nothing is gained before they are left out."""
    bench.require(case.device, torch.bfloat16)
    model = _pruned(case)
    return replace(half_inference_of(case, model), conditions=_zeros(model))


@bench.workload(FAMILY, "two_of_four", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="bfloat16")
def two_of_four(case: bench.Case) -> bench.Step:
    store = bench.subject("tbp.compression", "store_two_of_four")
    unavailable: Any = bench.subject("tbp.compression", "SparsityUnavailable")
    pruned = _pruned(case)
    try:
        stored = store(copy.deepcopy(pruned))
    except unavailable as error:
        raise bench.Skip(str(error)) from None
    step = half_inference_of(case, stored)
    conditions = {
        **_zeros(pruned),
        "it computes the function of the weights that are left": lambda: (
            bench.relative_error(step.output(), in_double(pruned, step.inputs[0])) <= HALF_ERROR
        ),
        f"it takes less than {MOST_BYTES:.0%} of the bytes": lambda: bytes_of(stored) < MOST_BYTES * bytes_of(pruned),
    }
    return replace(step, flops=None, conditions=conditions)


def _zeros(model: nn.Module) -> dict[str, Any]:
    is_two_of_four = bench.subject("tbp.compression", "is_two_of_four")
    linears = [module for module in model.modules() if type(module) is nn.Linear]
    sentence = "of every four neighbouring weights two are zeros"
    return {sentence: lambda: bool(linears) and all(is_two_of_four(linear.weight) for linear in linears)}
