"""The work of compressing itself: pruning, factorising, quantising, calibrating. Its results are timed elsewhere.

Each run compresses a new copy of the same encoder; ``copy`` is that copy alone, which the others are held against.
"""

import copy as copies
import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from tbp import bench

from .compressed_inference import (
    ANOTHER_FUNCTION,
    INT8_TOLERANCES,
    dense_model,
    in_double,
    linear_weights,
    no_plain_linears,
    structured,
)

FAMILY = "compression"

CALIBRATION_INPUTS = 8  # of one sequence each


def _input(case: bench.Case) -> Tensor:
    return case.randn(1, case["sequence_length"], case["d_model"])


def _of_dense(case: bench.Case, step: bench.Step) -> Tensor:
    return in_double(dense_model(case), step.inputs[0])


def _of_torchs_pruning(case: bench.Case, step: bench.Step) -> Tensor:
    model = dense_model(case)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            prune.l1_unstructured(module, "weight", amount=0.7)  # type: ignore[no-untyped-call]  # no types
            prune.remove(module, "weight")  # type: ignore[no-untyped-call]  # no types
    return in_double(model, step.inputs[0])


def _step(case: bench.Case, compress: Callable[[nn.Module], nn.Module]) -> bench.Step:
    """A step whose run gives the compressed copy, and whose output is that copy's for one input."""
    dense, x_BSD = dense_model(case), _input(case)

    def run() -> nn.Module:
        return compress(copies.deepcopy(dense))

    def output() -> Tensor:
        with torch.inference_mode():
            result: Tensor = run().eval()(x_BSD)
        return result

    return bench.Step(run, output, module=dense, inputs=(x_BSD,), makes_modules=True)


def _smaller(step: bench.Step, share: float) -> bench.Step:
    """The step on condition that its result has ``share`` of the weights."""
    dense, compress = step.module, step.run
    assert dense is not None

    def is_smaller() -> bool:
        made = compress()
        assert isinstance(made, nn.Module)
        return abs(linear_weights(made) / linear_weights(dense) - share) < 0.03  # whole heads, whole ranks

    return dataclasses.replace(step, conditions={f"{share:.0%} of the weights are left": is_smaller})


@bench.workload(FAMILY, "copy", reference=_of_dense, twin="copy_twin")
def copy(case: bench.Case) -> bench.Step:
    return _step(case, lambda model: model)


@bench.workload(FAMILY, "l1_70", reference=_of_torchs_pruning, baseline="copy")
def l1_70(case: bench.Case) -> bench.Step:
    prune_model = bench.subject("tbp.compression", "prune_model")
    return _step(case, lambda model: prune_model(model, 0.7))


@bench.workload(FAMILY, "structured_50", reference=_of_dense, tolerances=ANOTHER_FUNCTION, baseline="copy")
def structured_50(case: bench.Case) -> bench.Step:
    bench.subject("tbp.compression", "prune_heads")
    return _smaller(_step(case, lambda model: structured(model, 0.5)), 0.5)


@bench.workload(FAMILY, "low_rank_50", reference=_of_dense, tolerances=ANOTHER_FUNCTION, baseline="copy")
def low_rank_50(case: bench.Case) -> bench.Step:
    factorise_model = bench.subject("tbp.compression", "factorise_model")
    return _smaller(_step(case, lambda model: factorise_model(model, 0.5)), 0.5)


@bench.workload(FAMILY, "int8_dynamic", reference=_of_dense, tolerances=INT8_TOLERANCES, baseline="copy")
def int8_dynamic(case: bench.Case) -> bench.Step:
    quantise = bench.subject("tbp.compression", "quantize_model_dynamically")
    return _int8_step(case, lambda model: quantise(model).module)


@bench.workload(FAMILY, "int8_static", reference=_of_dense, tolerances=INT8_TOLERANCES, baseline="copy")
def int8_static(case: bench.Case) -> bench.Step:
    quantise = bench.subject("tbp.compression", "quantize_model")
    inputs = case.randn(CALIBRATION_INPUTS, 1, case["sequence_length"], case["d_model"]).unbind()
    return _int8_step(case, lambda model: quantise(model, inputs).module)


def _int8_step(case: bench.Case, compress: Callable[[nn.Module], nn.Module]) -> bench.Step:
    if case.device != "cpu":
        raise bench.Skip("torch's INT8 kernels run on the CPU only")
    unavailable = bench.subject("tbp.compression", "QuantizationUnavailable")
    try:
        made = compress(dense_model(case))
    except unavailable as error:
        raise bench.Skip(str(error)) from None
    return dataclasses.replace(_step(case, compress), conditions=no_plain_linears(made))
