"""INT8 for CPU inference: static with calibrated observers, and dynamic. Every plain ``nn.Linear`` is quantised.

Takes a float32 CPU model, leaves it as it is and returns a quantised copy with the engine that packed it. Attention
products, normalisations and activations stay in float32. Subclasses of ``nn.Linear`` are left alone, such as the
output projection of ``nn.MultiheadAttention``, whose weight is read past its forward.

``torch.ao.quantization`` is deprecated and may vanish from a later torch: it is looked for when it is needed.
"""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, get_args

import torch
from torch import Tensor, nn

Engine = Literal["x86", "fbgemm", "onednn", "qnnpack"]
"""Kernel libraries of ``torch.backends.quantized``. "x86" picks fbgemm or oneDNN by the
instruction set; "qnnpack" is for ARM."""


class QuantizationUnavailable(RuntimeError):
    """This torch cannot quantise that way."""


@dataclass(frozen=True)
class QuantizedModel:
    """A quantised copy, and how it was made. Times of different engines do not belong in one series."""

    module: nn.Module  # in eval mode
    method: Literal["static", "dynamic"]
    engine: Engine
    linears: int  # quantised, at least 1


def quantize_model(
    model: nn.Module, calibration: Iterable[Tensor | Sequence[Tensor]], engine: Engine | None = None
) -> QuantizedModel:
    """Static INT8: weights per channel, activations by the ranges observers saw in ``calibration``.

    Each linear quantises its input and dequantises its output, so no stubs need to be placed by hand.

    Args:
        calibration: representative inputs, each a tensor or the sequence of the model's positional arguments.
        engine: None takes the first of x86, fbgemm and qnnpack that this torch has.

    Raises:
        QuantizationUnavailable: torch lacks eager quantisation or the engine.
        ValueError: no calibration, no ``nn.Linear``, or a model that is not float32 on CPU.
    """
    quantization, engine = _eager_quantization(), _checked_engine(engine)
    linears = _check_linears(model)
    quantised = copy.deepcopy(model).eval()
    with _engine_selected(engine), _expected_warnings_ignored():
        qconfig = quantization.get_default_qconfig(engine)
        for module in quantised.modules():
            if type(module) is nn.Linear:
                module.qconfig = qconfig
        quantised = quantization.add_quant_dequant(quantised)
        quantised = quantization.prepare(quantised)
        if not _calibrate(quantised, calibration):
            raise ValueError("static quantisation needs at least one calibration input: observers saw nothing")
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
    quantization, engine = _eager_quantization(), _checked_engine(engine)
    linears = _check_linears(model)
    with _engine_selected(engine), _expected_warnings_ignored():
        quantised = copy.deepcopy(model).eval()
        quantised = quantization.quantize_dynamic(quantised, {nn.Linear}, dtype=torch.qint8, inplace=True)
    return QuantizedModel(quantised, "dynamic", engine, linears)


def default_engine() -> Engine:
    """The first of x86, fbgemm and qnnpack that this torch was built with.

    Raises:
        QuantizationUnavailable: it has none of them.
    """
    for engine in get_args(Engine):
        if engine != "onednn" and engine in torch.backends.quantized.supported_engines:
            available: Engine = engine
            return available
    raise QuantizationUnavailable(
        f"this torch has none of the engines x86, fbgemm and qnnpack, only {_supported()}; use another build"
    )


def _supported() -> str:
    return ", ".join(torch.backends.quantized.supported_engines) or "none"


def _eager_quantization() -> ModuleType:
    """``torch.ao.quantization``, where this torch has it."""
    try:
        return importlib.import_module("torch.ao.quantization")
    except ImportError as error:
        raise QuantizationUnavailable(
            f"torch {torch.__version__} has no torch.ao.quantization (it was deprecated); use an older torch, "
            "or torchao, for INT8"
        ) from error


def _checked_engine(engine: Engine | None) -> Engine:
    if engine is None:
        return default_engine()
    if engine not in torch.backends.quantized.supported_engines:
        raise QuantizationUnavailable(f"this torch has no engine {engine!r}, only {_supported()}")
    return engine


def _check_linears(model: nn.Module) -> int:
    """Number of plain linears to quantise, all of them float32 on the CPU."""
    linears = [module for module in model.modules() if type(module) is nn.Linear]
    if not linears:
        raise ValueError("the model has no nn.Linear to quantise")
    for linear in linears:
        if linear.weight.dtype != torch.float32 or linear.weight.device.type != "cpu":
            raise ValueError(
                f"INT8 needs float32 weights on CPU, not {linear.weight.dtype} on {linear.weight.device}; "
                "call model.float().cpu() first"
            )
    return len(linears)


def _calibrate(prepared: nn.Module, calibration: Iterable[Tensor | Sequence[Tensor]]) -> int:
    """Shows every calibration input to the observers; returns how many there were."""
    seen = 0
    with torch.no_grad():
        for arguments in calibration:
            prepared(*((arguments,) if isinstance(arguments, Tensor) else arguments))
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
