"""Inference of a small encoder: dense, pruned, in low rank, in INT8 of several kinds, in bfloat16, in ONNX Runtime.

Weights are random, so that any width can be timed; every error is against the dense model, and for pruned ones it is
large. ``trained_task`` has models whose accuracy can be kept. Unstructured pruning is the honest null: zeros in dense
storage make nothing smaller or faster. ``compressed_with_torchao`` and ``compressed_two_of_four`` add variants.
"""

# B batch, S sequence, D model width

import copy
import dataclasses
import io
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tbp import bench

from .made_once import key_of, made_once
from .removed_weights import important_units_stay, nearest_of_its_rank, smallest_are_zeros

FAMILY = "compressed_inference"

LAYERS = 2

# Of the dense float64 output. INT8 rounds weights and activations to 256 levels, of which two blocks stay within this.
INT8_TOLERANCES = {torch.float32: 0.1}
# Half of a random model is another function, .15 to .3 away. That it computes just that function is a condition.
ANOTHER_FUNCTION = {torch.float32: 0.6}
EXACT = 1e-5  # of the step's own weights in float64, as for every float32 step

# Of the share of weights that a structured ratio leaves: heads are removed whole.
WHOLE_HEADS = 0.03


def dense_model(case: bench.Case) -> nn.Module:
    """The encoder that all variants start from, with fixed weights."""
    encoder = bench.subject("tbp.blocks", "Encoder")
    width = case["d_model"]
    return case.place(lambda: encoder(LAYERS, width, case["heads"], 4 * width, dropout=0.0)).eval()


def in_double(model: nn.Module, x_BSD: Tensor) -> Tensor:
    """The output of a float64 copy on the CPU."""
    with torch.inference_mode():
        output: Tensor = copy.deepcopy(model).cpu().double()(x_BSD.cpu().double())
    return output


def dense_reference(case: bench.Case, step: bench.Step) -> Tensor:
    """The dense model in float64, from which a compressed one may differ by its tolerance."""
    return in_double(dense_model(case), step.inputs[0])


def inference_of(case: bench.Case, model: nn.Module) -> bench.Step:
    """Inference of one batch of the case."""
    x_BSD = case.randn(case["batch"], case["sequence_length"], case["d_model"])
    flops = flops_of(case["batch"], case["sequence_length"], model)
    return bench.inference(model, x_BSD, flops=flops, tokens=x_BSD.shape[0] * x_BSD.shape[1])


def half_inference_of(case: bench.Case, model: nn.Module) -> bench.Step:
    """Inference of a model in bfloat16, as a cell whose dtype is float32: it is held against the dense one."""
    step = inference_of(dataclasses.replace(case, dtype=torch.bfloat16), model)
    return dataclasses.replace(step, dtype=torch.bfloat16, computes_in=torch.bfloat16)


def bytes_of(model: nn.Module) -> int:
    """Bytes of the model's checkpoint."""
    size: int = bench.subject("tbp.compression", "checkpoint_bytes")(model)
    return size


def flops_of(batch: int, length: int, model: nn.Module) -> int | None:
    """2 per multiply-add; the zeros of pruning in place count, as they are multiplied.

    None where INT8 products or another runtime replace floating-point ones.
    """
    linears = [module for module in model.modules() if type(module) is nn.Linear]
    if not linears:
        return None
    heads_by_width = [
        int(module.num_heads) * int(module.head_width)  # type: ignore[arg-type]  # torch gives attributes no types
        for module in model.modules()
        if hasattr(module, "num_heads") and hasattr(module, "head_width")
    ]
    products = 2 * 2 * batch * length * length * sum(heads_by_width)
    return 2 * batch * length * sum(linear.weight.numel() for linear in linears) + products


def linear_weights(model: nn.Module) -> int:
    """Entries of the weights of all plain linear layers."""
    return sum(module.weight.numel() for module in model.modules() if type(module) is nn.Linear)


def in_torch(case: bench.Case, name: str, model: nn.Module, *arguments: Any) -> nn.Module:
    """``model`` quantised by the function ``name`` of the commit's ``tbp.compression``, on the CPU."""
    if case.device != "cpu":
        raise bench.Skip("torch's INT8 kernels run on the CPU only")
    return quantised(name, model, *arguments)


def quantised(name: str, model: nn.Module, *arguments: Any) -> nn.Module:
    """``model`` quantised by the function ``name`` of the commit's ``tbp.compression``, on its device.

    Raises:
        Skip: it cannot be quantised that way here.
    """
    quantise = bench.subject("tbp.compression", name)
    unavailable = bench.subject("tbp.compression", "QuantizationUnavailable")
    try:
        made = quantise(model, *arguments)
    except unavailable as error:
        raise bench.Skip(str(error)) from None
    if made.engine in torch.backends.quantized.supported_engines:
        torch.backends.quantized.engine = made.engine  # the one that sessions record
    module: nn.Module = made.module
    return module


def in_onnx_runtime(case: bench.Case, model: nn.Module, example: Tensor, *, int8: bool) -> nn.Module:
    """``model`` in ONNX Runtime; exporting takes seconds, so each graph is made once."""
    export = bench.subject("tbp.compression", "to_onnx_runtime")
    onnx_model = bench.subject("tbp.compression", "OnnxModel")
    unavailable = bench.subject("tbp.compression", "OnnxUnavailable")
    if case.device != "cpu":
        raise bench.Skip("ONNX Runtime is timed on the CPU only")
    state = io.BytesIO()
    torch.save(model.state_dict(), state)
    try:
        key = key_of("onnx", repr(model), state.getvalue(), str(example.shape), str(int8))
        graph = made_once(key, lambda: {"graph": export(model, example, int8=int8).graph})["graph"]
        module: nn.Module = onnx_model(graph.numpy().tobytes(), int8=int8)
    except unavailable as error:
        raise bench.Skip(str(error)) from None
    return module


def no_plain_linears(model: nn.Module) -> dict[str, Callable[[], bool]]:
    """The condition on a model in INT8."""
    return {"no linear layer is left in float32": lambda: linear_weights(model) == 0}


def _exact(step: bench.Step) -> dict[str, Callable[[], bool]]:
    """The condition that a step computes the function of its weights, whatever function that is."""
    module = step.module
    assert module is not None
    return {
        "it computes the function of its own weights": lambda: (
            bench.relative_error(step.output(), in_double(module, step.inputs[0])) <= EXACT
        )
    }


def structured(model: nn.Module, ratio: float) -> nn.Module:
    """``model`` without ``ratio`` of its hidden units and heads."""
    model = bench.subject("tbp.compression", "prune_hidden_units")(model, ratio)
    pruned: nn.Module = bench.subject("tbp.compression", "prune_heads")(model, ratio)
    return pruned


def _is_gone(case: bench.Case, model: nn.Module, ratio: float) -> dict[str, Callable[[], bool]]:
    weights = linear_weights(dense_model(case))
    return {
        f"{ratio:.0%} of its weights are gone": lambda: (
            abs(linear_weights(model) / weights - (1 - ratio)) <= WHOLE_HEADS
        )
    }


def _structured_step(case: bench.Case, ratio: float) -> bench.Step:
    model = structured(dense_model(case), ratio)
    step = inference_of(case, model)
    stayed = important_units_stay(model, dense_model(case))
    return dataclasses.replace(step, conditions={**_exact(step), **_is_gone(case, model, ratio), **stayed})


def _int8_step(case: bench.Case, name: str, model: nn.Module, *arguments: Any) -> bench.Step:
    made = in_torch(case, name, model, *arguments)
    return dataclasses.replace(inference_of(case, made), conditions=no_plain_linears(made))


@bench.workload(FAMILY, "dense", reference=dense_reference, twin="dense_twin")
def dense(case: bench.Case) -> bench.Step:
    return inference_of(case, dense_model(case))


@bench.workload(FAMILY, "l1_70", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="dense")
def l1_70(case: bench.Case) -> bench.Step:
    model = bench.subject("tbp.compression", "prune_model")(dense_model(case), 0.7)
    sparsity = bench.subject("tbp.compression", "sparsity")
    step = inference_of(case, model)
    zeros = {"70% of its weights are zeros": lambda: abs(sparsity(model) - 0.7) < 0.001}
    zeros |= smallest_are_zeros(model, dense_model(case))
    return dataclasses.replace(step, conditions={**_exact(step), **zeros})


@bench.workload(FAMILY, "structured_30", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="dense")
def structured_30(case: bench.Case) -> bench.Step:
    return _structured_step(case, 0.3)


@bench.workload(FAMILY, "structured_50", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="dense")
def structured_50(case: bench.Case) -> bench.Step:
    return _structured_step(case, 0.5)


@bench.workload(FAMILY, "structured_70", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="dense")
def structured_70(case: bench.Case) -> bench.Step:
    return _structured_step(case, 0.7)


@bench.workload(FAMILY, "structured_50_int8", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="dense")
def structured_50_int8(case: bench.Case) -> bench.Step:
    pruned = structured(dense_model(case), 0.5)
    step = _int8_step(case, "quantize_model_dynamically", pruned)
    error = bench.relative_error(step.output(), in_double(pruned, step.inputs[0]))
    is_close = {"it computes the function of the pruned weights": lambda: error <= INT8_TOLERANCES[torch.float32]}
    return dataclasses.replace(step, conditions={**step.conditions, **_is_gone(case, pruned, 0.5), **is_close})


@bench.workload(FAMILY, "low_rank_50", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="dense")
def low_rank_50(case: bench.Case) -> bench.Step:
    model = bench.subject("tbp.compression", "factorise_model")(dense_model(case), 0.5)
    step = inference_of(case, model)
    nearest = nearest_of_its_rank(model, dense_model(case))
    return dataclasses.replace(step, conditions={**_exact(step), **_is_gone(case, model, 0.5), **nearest})


@bench.workload(FAMILY, "bfloat16", reference=dense_reference, tolerances={torch.float32: 0.1}, baseline="dense")
def bfloat16(case: bench.Case) -> bench.Step:
    bench.require(case.device, torch.bfloat16)
    return half_inference_of(case, dense_model(case).bfloat16())


@bench.workload(FAMILY, "int8_dynamic", reference=dense_reference, tolerances=INT8_TOLERANCES, baseline="dense")
def int8_dynamic(case: bench.Case) -> bench.Step:
    return _int8_step(case, "quantize_model_dynamically", dense_model(case))


@bench.workload(FAMILY, "int8_fbgemm", reference=dense_reference, tolerances=INT8_TOLERANCES, baseline="dense")
def int8_fbgemm(case: bench.Case) -> bench.Step:
    return _int8_step(case, "quantize_model_dynamically", dense_model(case), "fbgemm")


@bench.workload(FAMILY, "int8_onednn", reference=dense_reference, tolerances=INT8_TOLERANCES, baseline="dense")
def int8_onednn(case: bench.Case) -> bench.Step:
    return _int8_step(case, "quantize_model_dynamically", dense_model(case), "onednn")


@bench.workload(FAMILY, "int8_static", reference=dense_reference, tolerances=INT8_TOLERANCES, baseline="dense")
def int8_static(case: bench.Case) -> bench.Step:
    samples = [case.randn(case["batch"], case["sequence_length"], case["d_model"])]
    return _int8_step(case, "quantize_model", dense_model(case), samples)


@bench.workload(FAMILY, "onnx", reference=dense_reference, baseline="dense")
def onnx(case: bench.Case) -> bench.Step:
    return _onnx_step(case, int8=False)


@bench.workload(FAMILY, "onnx_int8", reference=dense_reference, tolerances=INT8_TOLERANCES, baseline="dense")
def onnx_int8(case: bench.Case) -> bench.Step:
    return _onnx_step(case, int8=True)


def _onnx_step(case: bench.Case, *, int8: bool) -> bench.Step:
    example = case.randn(case["batch"], case["sequence_length"], case["d_model"])
    return inference_of(case, in_onnx_runtime(case, dense_model(case), example, int8=int8))
