"""INT8 for CPU inference: static with calibrated observers, and dynamic. Every plain ``nn.Linear`` is quantised.

Takes a float32 CPU model, leaves it as it is and returns a quantised copy with the engine that packed it. Attention
products, normalisations and activations stay in float32. In the copy ``nn.MultiheadAttention`` becomes a
``ProjectedAttention``, whose projections are plain. Subclasses of ``nn.Linear`` are left alone.

``torch.ao.quantization`` is deprecated and may vanish from a later torch: it is looked for when it is needed.
"""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tbp.compression.engines import Engine, QuantizationUnavailable, checked_engine
from tbp.compression.projected_attention import with_projected_attention

Inputs = Tensor | Sequence[Tensor] | Mapping[str, Tensor]
"""One call of a model: its only argument, its positional arguments, or its keyword arguments."""

Method = Literal["static", "dynamic", "int8_weight_only", "int8_dynamic", "int4_weight_only", "float8_dynamic"]
"""How a model was quantised: the first two by torch itself, the others by torchao."""


class QuantizedModel(nn.Module):
    """A quantised copy in evaluation mode, called as the model was, with a record of how it was made.

    Times of different methods or engines do not belong in one series.
    """

    def __init__(self, module: nn.Module, method: Method, engine: str, linears: int) -> None:
        super().__init__()
        self.module = module.eval()
        self.method = method
        self.engine = engine  # one of ``Engine``, or "torchao"
        self.linears = linears  # quantised, at least 1
        self.training = False

    def forward(self, *arguments: Any, **options: Any) -> Any:
        """The output of the quantised copy."""
        return self.module(*arguments, **options)

    def extra_repr(self) -> str:
        """The record, for ``print``."""
        return f"method={self.method}, engine={self.engine}, linears={self.linears}"


def quantize_model(
    model: nn.Module, calibration: Iterable[Inputs] | None = None, engine: Engine | None = None
) -> QuantizedModel:
    """INT8 with weights per channel: static with ``calibration``, dynamic without.

    Static: each linear quantises its input by the range that an observer saw, and dequantises its output, so no stubs
    are placed by hand. An observer that saw nothing has no range. So without ``calibration`` the ranges are taken when
    activations come, as ``quantize_model_dynamically`` does; the result's ``method`` names the one that was used.

    Args:
        calibration: representative inputs, each a tensor, the sequence of the model's positional arguments, or the
            mapping of its keyword arguments. At least one.
        engine: None takes ``default_engine()``, chosen by the CPU's instructions.

    Raises:
        QuantizationUnavailable: torch lacks eager quantisation or the engine.
        ValueError: an empty calibration, no ``nn.Linear``, or a model that is not float32 on CPU.
    """
    if calibration is None:
        return quantize_model_dynamically(model, engine)
    quantization, engine = _eager_quantization(), checked_engine(engine)
    quantised, linears = _copy_to_quantise(model)
    with _engine_selected(engine), _expected_warnings_ignored():
        qconfig = quantization.get_default_qconfig(engine)
        for module in quantised.modules():
            if type(module) is nn.Linear:
                module.qconfig = qconfig
        quantised = quantization.add_quant_dequant(quantised)
        quantised = quantization.prepare(quantised)
        if not _calibrate(quantised, calibration):
            raise ValueError(
                "static quantisation needs at least one calibration input: observers saw nothing. "
                "Pass calibration=None for dynamic quantisation, which needs none"
            )
        quantised = quantization.convert(quantised)
    return QuantizedModel(quantised, "static", engine, linears)


def quantize_model_dynamically(model: nn.Module, engine: Engine | None = None) -> QuantizedModel:
    """Dynamic INT8: weights packed now, each activation's range taken when it comes. Needs no calibration.

    Args:
        engine: as in ``quantize_model``.

    Raises:
        QuantizationUnavailable: torch lacks eager quantisation or the engine.
        ValueError: no ``nn.Linear``, or a model that is not float32 on CPU.
    """
    quantization, engine = _eager_quantization(), checked_engine(engine)
    quantised, linears = _copy_to_quantise(model)
    with _engine_selected(engine), _expected_warnings_ignored():
        quantised = quantization.quantize_dynamic(quantised, {nn.Linear}, dtype=torch.qint8, inplace=True)
    return QuantizedModel(quantised, "dynamic", engine, linears)


def _eager_quantization() -> ModuleType:
    """``torch.ao.quantization``, where this torch has it."""
    try:
        return importlib.import_module("torch.ao.quantization")
    except ImportError as error:
        raise QuantizationUnavailable(
            f"torch {torch.__version__} has no torch.ao.quantization (it was deprecated); use an older torch, "
            "or quantize_model_with_torchao, for INT8"
        ) from error


def _copy_to_quantise(model: nn.Module) -> tuple[nn.Module, int]:
    """A copy of which every linear can be quantised, and their number; all of them are float32 on the CPU."""
    copied = with_projected_attention(copy.deepcopy(model).eval())
    linears = [module for module in copied.modules() if type(module) is nn.Linear]
    if not linears:
        raise ValueError("the model has no nn.Linear to quantise")
    for linear in linears:
        if linear.weight.dtype != torch.float32 or linear.weight.device.type != "cpu":
            raise ValueError(
                f"INT8 needs float32 weights on CPU, not {linear.weight.dtype} on {linear.weight.device}; "
                "call model.float().cpu() first"
            )
    if type(copied) is nn.Linear:  # both recipes replace children, and would leave the model itself as it is
        copied = nn.Sequential(copied)
    return copied, len(linears)


def _calibrate(prepared: nn.Module, calibration: Iterable[Inputs]) -> int:
    """Shows every calibration input to the observers; returns how many there were."""
    seen = 0
    with torch.no_grad():
        for inputs in calibration:
            if isinstance(inputs, Mapping):
                prepared(**inputs)
            else:
                prepared(*((inputs,) if isinstance(inputs, Tensor) else inputs))
            seen += 1
    return seen


@contextmanager
def _engine_selected(engine: Engine) -> Iterator[None]:
    """Selects ``engine`` for the block; weights packed in it run with that engine from then on."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = engine
    try:
        yield
    finally:
        torch.backends.quantized.engine = before


@contextmanager
def _expected_warnings_ignored() -> Iterator[None]:
    """Silences torch's warnings about its own calls; warnings of the model being calibrated still come through."""
    with warnings.catch_warnings():
        # Known, and answered by looking for the module first.
        warnings.filterwarnings("ignore", "torch.ao.quantization is deprecated", DeprecationWarning)
        # torch's own default qconfig sets reduce_range.
        warnings.filterwarnings("ignore", "Please use quant_min and quant_max", UserWarning)
        # torch packs its weights through these functions; nothing here calls them.
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor, torch.quantize_per_channel", UserWarning)
        yield
