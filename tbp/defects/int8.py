"""Defects of INT8 by ``prepare`` and ``convert``: without stubs, without calibration, with no record of the engine."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch
from torch import Tensor, nn

from tbp.compression import available_engines, quantize_model
from tbp.defects.observed import relative_error
from tbp.defects.registry import RAISED, NotHere, Pair, demonstration


def naive_quantize_model(model: nn.Module, *calibration: Tensor) -> nn.Module:
    """The page's: observers put in, perhaps shown something, and taken out again. It changes torch's engine for all."""
    quantization = _quantization()
    engine = available_engines()[0]
    torch.backends.quantized.engine = engine
    model.qconfig = quantization.get_default_qconfig(engine)
    prepared = quantization.prepare(model)
    for inputs in calibration:
        prepared(inputs)
    converted: nn.Module = quantization.convert(prepared)
    return converted


def _quantization() -> ModuleType:
    try:
        return importlib.import_module("torch.ao.quantization")
    except ImportError:
        raise NotHere(f"torch {torch.__version__} has no torch.ao.quantization") from None


@contextmanager
def _engine_restored() -> Iterator[None]:
    engine = torch.backends.quantized.engine
    try:
        yield
    finally:
        torch.backends.quantized.engine = engine


def _model_and_input() -> tuple[nn.Module, Tensor]:
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)).eval(), torch.randn(64, 16)


@demonstration("int8-without-stubs", unit=RAISED)
def int8_without_stubs() -> Pair:
    """Quantised layers that get float32, since nothing quantises the input."""
    model, x_ND = _model_and_input()

    def naive() -> float:
        with _engine_restored():
            return float(naive_quantize_model(model, x_ND)(x_ND).norm())

    return naive, lambda: quantize_model(model, [x_ND])(x_ND).norm()


@demonstration("int8-without-calibration", unit="relative error of the output")
def int8_without_calibration() -> Pair:
    """Observers that saw nothing round every activation to a whole number from 0 on."""
    model, x_ND = _model_and_input()
    dense = model(x_ND)

    def naive() -> float:
        with _engine_restored():
            return relative_error(naive_quantize_model(_quantization().QuantWrapper(model))(x_ND), dense)

    return naive, lambda: relative_error(quantize_model(model, [x_ND])(x_ND), dense)


@demonstration("int8-engine-not-recorded", unit="engines that are named wrongly")
def int8_engine_not_recorded() -> Pair:
    """The engine that packed the weights runs them; the setting is whatever somebody else set last."""
    model, x_ND = _model_and_input()
    engine, *other_engines = available_engines()
    if not other_engines:
        raise NotHere(f"this torch has no other engine than {engine}")

    def naive() -> float:
        with _engine_restored():
            naive_quantize_model(_quantization().QuantWrapper(model), x_ND)
            torch.backends.quantized.engine = other_engines[0]
            return float(torch.backends.quantized.engine != engine)

    def right() -> float:
        with _engine_restored():
            quantised = quantize_model(model, [x_ND], engine)
            torch.backends.quantized.engine = other_engines[0]
            return float(quantised.engine != engine)

    return naive, right
