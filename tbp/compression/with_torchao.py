"""INT8, INT4 and float8 through torchao, which is where ``torch.ao.quantization`` moves to.

Takes a model, leaves it as it is and returns a quantised copy. torchao counts on ``torch.compile``: eager, its INT8
took as long as float32 (1.07), compiled .44 of it, after 33 s of compiling (2-layer encoder of width 512, batch 1, one
thread of a Zen 4). torch's own dynamic INT8 took .31 there, eager.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Literal

import torch
from torch import nn

from tbp.compression.engines import QuantizationUnavailable
from tbp.compression.projected_attention import with_projected_attention
from tbp.compression.quantization import QuantizedModel
from tbp.compression.quiet import quiet_libraries

Scheme = Literal["int8_weight_only", "int8_dynamic", "int4_weight_only", "float8_dynamic"]

# Weights that share one scale, as torchao's own examples have it; it must divide each layer's input width.
INT4_GROUP = 32

_CONFIGS: dict[Scheme, Callable[[ModuleType], object]] = {
    "int8_weight_only": lambda torchao: torchao.Int8WeightOnlyConfig(),
    "int8_dynamic": lambda torchao: torchao.Int8DynamicActivationInt8WeightConfig(),
    "int4_weight_only": lambda torchao: torchao.Int4WeightOnlyConfig(group_size=INT4_GROUP),
    "float8_dynamic": lambda torchao: torchao.Float8DynamicActivationFloat8WeightConfig(granularity=torchao.PerRow()),
}


def quantize_model_with_torchao(model: nn.Module, scheme: Scheme = "int8_dynamic") -> QuantizedModel:
    """A copy whose plain linears hold weights of ``scheme``, on the device that they are on. Compile it to be fast.

    Args:
        scheme: "int8_weight_only" and "int4_weight_only" keep the activations as they are; "int8_dynamic" takes their
            range when they come. INT4 needs kernels that few devices have: torchao 0.18 has none for the CPU.
            "float8_dynamic" has a scale for each row of weights and of activations, in e4m3; it needs a model in
            bfloat16, on a GPU that multiplies float8 (compute capability 8.9).

    Raises:
        QuantizationUnavailable: torchao is missing, or cannot quantise that way on this device.
        ValueError: a model without ``nn.Linear``.
    """
    quantised = with_projected_attention(copy.deepcopy(model).eval())
    linears = sum(type(module) is nn.Linear for module in quantised.modules())
    if not linears:
        raise ValueError("the model has no nn.Linear to quantise")
    with quiet_libraries():
        try:
            torchao = importlib.import_module("torchao.quantization")
        except ImportError as error:
            raise QuantizationUnavailable("torchao is not installed: pip install torchao") from error
        precision = torch.get_float32_matmul_precision()
        try:
            torchao.quantize_(quantised, _CONFIGS[scheme](torchao))
        # For want of a kernel library, of a device, of a name in this version, of an instruction.
        except (ImportError, NotImplementedError, AttributeError, AssertionError) as error:
            raise QuantizationUnavailable(
                f"torchao cannot do {scheme} on {_device(quantised)} here: {error}; choose another scheme"
            ) from error
        finally:
            torch.set_float32_matmul_precision(precision)  # torchao before 0.18 switched TF32 on for the whole process
    return QuantizedModel(quantised, scheme, "torchao", linears)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
