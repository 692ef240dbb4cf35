"""Inference of a small encoder: dense, pruned (in place and for real), INT8 (static and dynamic).

Unstructured pruning is the honest null: zeros in dense storage make nothing smaller or faster.
"""

# B batch, S sequence, D model width

import copy
from typing import Any

import torch
from torch import Tensor, nn

from tbp import bench

FAMILY = "compressed_inference"

LAYERS = 2
PRUNING_RATIO = 0.5

# INT8 rounds weights and activations to 256 levels; two blocks of it stay within this of the dense float64 output.
INT8_TOLERANCES = {torch.float32: 0.1}


def _dense_model(case: bench.Case) -> nn.Module:
    encoder = bench.subject("tbp.blocks", "Encoder")
    width = case["d_model"]
    return case.place(lambda: encoder(LAYERS, width, case["heads"], 4 * width, dropout=0.0)).eval()


def _double(model: nn.Module, step: bench.Step) -> Tensor:
    output: Tensor = copy.deepcopy(model).cpu().double()(step.inputs[0].cpu().double())
    return output.detach()


def _dense_reference(case: bench.Case, step: bench.Step) -> Tensor:
    """The dense model in float64, from which a compressed one may differ by its tolerance."""
    return _double(_dense_model(case), step)


def _reference_of_its_weights(case: bench.Case, step: bench.Step) -> Tensor:
    """The step's weights in float64: a pruned model is another function, and must compute it exactly."""
    assert step.module is not None
    return _double(step.module, step)


def _step(case: bench.Case, model: nn.Module) -> bench.Step:
    x_BSD = case.randn(case["batch"], case["sequence_length"], case["d_model"])
    return bench.inference(model, x_BSD, flops=_flops(case, model))


def _flops(case: bench.Case, model: nn.Module) -> int | None:
    """2 per multiply-add; the zeros of pruning in place count, as they are multiplied.

    None where INT8 products replace floating-point ones.
    """
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linears:
        return None
    tokens = case["batch"] * case["sequence_length"]
    products = 2 * 2 * tokens * case["sequence_length"] * case["d_model"]
    return 2 * tokens * sum(linear.weight.numel() for linear in linears) + LAYERS * products


def _quantised(case: bench.Case, name: str, *calibration: Any) -> bench.Step:
    quantise = bench.subject("tbp.compression", name)
    unavailable = bench.subject("tbp.compression", "QuantizationUnavailable")
    if case.device != "cpu":
        raise bench.Skip("torch's INT8 kernels run on the CPU only")
    try:
        return _step(case, quantise(_dense_model(case), *calibration).module)
    except unavailable as error:
        raise bench.Skip(str(error)) from None


@bench.workload(FAMILY, "dense", reference=_dense_reference, twin="dense_twin")
def dense(case: bench.Case) -> bench.Step:
    return _step(case, _dense_model(case))


@bench.workload(FAMILY, "pruned_unstructured", reference=_reference_of_its_weights)
def pruned_unstructured(case: bench.Case) -> bench.Step:
    return _step(case, bench.subject("tbp.compression", "prune_model")(_dense_model(case), PRUNING_RATIO))


@bench.workload(FAMILY, "pruned_structured", reference=_reference_of_its_weights)
def pruned_structured(case: bench.Case) -> bench.Step:
    return _step(case, bench.subject("tbp.compression", "prune_hidden_units")(_dense_model(case), PRUNING_RATIO))


@bench.workload(FAMILY, "int8_dynamic", reference=_dense_reference, tolerances=INT8_TOLERANCES)
def int8_dynamic(case: bench.Case) -> bench.Step:
    return _quantised(case, "quantize_model_dynamically")


@bench.workload(FAMILY, "int8_static", reference=_dense_reference, tolerances=INT8_TOLERANCES)
def int8_static(case: bench.Case) -> bench.Step:
    samples = [case.randn(case["batch"], case["sequence_length"], case["d_model"])]
    return _quantised(case, "quantize_model", samples)
