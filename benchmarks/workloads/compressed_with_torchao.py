"""Inference of the small encoder of ``compressed_inference`` with torchao's weights: INT8, INT4, float8, compiled."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from tbp import bench
from tbp.bench.devices import cpu_flags

from .compiled import compiled
from .compressed_inference import (
    ANOTHER_FUNCTION,
    FAMILY,
    INT8_TOLERANCES,
    bytes_of,
    dense_model,
    dense_reference,
    half_inference_of,
    inference_of,
    quantised,
)

# e4m3 has 3 bits: a product of two rounded values is off by up to an eighth, of hundreds added up by far less.
FLOAT8_TOLERANCES = {torch.float32: 0.2}


def _step(case: bench.Case, scheme: str) -> bench.Step:
    """A step whose linear layers are torch's, with weights of another class."""
    model = dense_model(case)
    made = quantised("quantize_model_with_torchao", model, scheme)
    return _smaller(inference_of(case, made), model, 0.5)


def _smaller(step: bench.Step, dense: nn.Module, share: float) -> bench.Step:
    module, most_bytes = step.module, share * bytes_of(dense)
    assert module is not None
    smaller = {f"it takes less than {share:.0%} of the bytes": lambda: bytes_of(module) < most_bytes}
    return replace(step, flops=None, conditions={**step.conditions, **smaller})


@bench.workload(FAMILY, "torchao_int8", reference=dense_reference, tolerances=INT8_TOLERANCES, baseline="dense")
def torchao_int8(case: bench.Case) -> bench.Step:
    return _step(case, "int8_dynamic")


@bench.workload(
    FAMILY, "torchao_int8_compiled", reference=dense_reference, tolerances=INT8_TOLERANCES, baseline="dense"
)
def torchao_int8_compiled(case: bench.Case) -> bench.Step:
    """On a CPU for those that it pays for: compiling takes 22 s.

    Of dense it took .42 with AVX-512 VNNI, where torch's own dynamic INT8 took .26; with AMX .36, and that .46.
    """
    if case.device == "cpu" and "amx_int8" not in cpu_flags():
        raise bench.Skip(
            "this CPU has no AMX, without which torch's own INT8 is faster than torchao's, compiled or not"
        )
    return compiled(_step(case, "int8_dynamic"))


@bench.workload(FAMILY, "torchao_int4", reference=dense_reference, tolerances=ANOTHER_FUNCTION, baseline="dense")
def torchao_int4(case: bench.Case) -> bench.Step:
    return _step(case, "int4_weight_only")


def _float8(case: bench.Case) -> bench.Step:
    """In bfloat16 but for the products of linear layers."""
    bench.require(case.device, torch.bfloat16)
    model = dense_model(case).bfloat16()
    made = quantised("quantize_model_with_torchao", model, "float8_dynamic")
    step = _smaller(half_inference_of(case, made), model, 0.6)  # biases and norms stay in bfloat16
    in_float8 = {"the weight of each linear layer is in float8": lambda: all(map(_is_float8, _weights(made)))}
    # The roof is that of bfloat16, as torch.mm multiplies no float8.
    return replace(step, conditions={**step.conditions, **in_float8})


def _weights(model: nn.Module) -> list[Tensor]:
    return [module.weight for module in model.modules() if isinstance(module, nn.Linear)]


def _is_float8(weight: Tensor) -> bool:
    names = weight.__tensor_flatten__()[0] if hasattr(weight, "__tensor_flatten__") else ()
    return any(getattr(weight, name).dtype is torch.float8_e4m3fn for name in names)


@bench.workload(FAMILY, "float8", reference=dense_reference, tolerances=FLOAT8_TOLERANCES, baseline="bfloat16")
def float8(case: bench.Case) -> bench.Step:
    return _float8(case)


@bench.workload(
    FAMILY, "float8_compiled", reference=dense_reference, tolerances=FLOAT8_TOLERANCES, baseline="bfloat16_compiled"
)
def float8_compiled(case: bench.Case) -> bench.Step:
    return compiled(_float8(case))


@bench.workload(
    FAMILY, "bfloat16_compiled", reference=dense_reference, tolerances={torch.float32: 0.1}, baseline="bfloat16"
)
def bfloat16_compiled(case: bench.Case) -> bench.Step:
    bench.require(case.device, torch.bfloat16)
    return compiled(half_inference_of(case, dense_model(case).bfloat16()))
