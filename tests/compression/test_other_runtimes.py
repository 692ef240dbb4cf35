"""torchao and ONNX Runtime: that they compute the same, are smaller, leave the model alone, and are skipped visibly."""

import builtins
import importlib
import importlib.util
from typing import Any

import pytest
import torch
from torch import nn

from tbp.blocks import Encoder
from tbp.compression import (
    OnnxUnavailable,
    QuantizationUnavailable,
    checkpoint_bytes,
    memory_bytes,
    quantize_model_with_torchao,
    to_onnx_runtime,
)

B, S, D, H, F = 1, 8, 64, 4, 128


@pytest.fixture
def model() -> Encoder:
    torch.manual_seed(0)
    return Encoder(1, D, H, F, dropout=0.0).eval()


def test_torchao_makes_the_model_smaller_and_leaves_it_alone(model: Encoder) -> None:
    pytest.importorskip("torchao")
    x_BSD = torch.randn(B, S, D)
    before = model(x_BSD)
    for scheme in ("int8_weight_only", "int8_dynamic"):
        made = quantize_model_with_torchao(model, scheme)
        assert (made.method, made.engine, made.linears) == (scheme, "torchao", type_count(model, nn.Linear))
        assert nn.functional.cosine_similarity(made(x_BSD).flatten(), before.flatten(), dim=0).item() > 0.999
        assert memory_bytes(made) < 0.35 * memory_bytes(model)
        assert checkpoint_bytes(made) < 0.45 * checkpoint_bytes(model)  # names and headers are most of a small file
    assert torch.equal(model(x_BSD), before)
    with pytest.raises(ValueError, match=r"no nn\.Linear"):
        quantize_model_with_torchao(nn.ReLU())


def test_precision_of_the_process_is_left_alone(model: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchao before 0.18 changes it, so that every later float32 product on CUDA would be in TF32."""
    quantization = pytest.importorskip("torchao.quantization")
    quantize = quantization.quantize_

    def as_before(*arguments: object) -> None:
        torch.set_float32_matmul_precision("high")
        quantize(*arguments)

    monkeypatch.setattr(quantization, "quantize_", as_before)
    quantize_model_with_torchao(model, "int8_weight_only")
    assert torch.get_float32_matmul_precision() == "highest"


def test_int4_says_why_it_cannot_run_where_it_cannot(model: Encoder) -> None:
    pytest.importorskip("torchao")
    try:
        made = quantize_model_with_torchao(model, "int4_weight_only")
    except QuantizationUnavailable as error:
        assert "torchao cannot do int4_weight_only on cpu here: " in str(error)  # noqa: PT017  # either is right
    else:
        assert memory_bytes(made) < 0.25 * memory_bytes(model)


def type_count(model: nn.Module, kind: type[nn.Module]) -> int:
    return sum(type(module) is kind for module in model.modules())


@pytest.mark.slow
def test_onnx_runtime_computes_the_same_in_float32_and_nearly_in_int8(model: Encoder) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    model.train()
    x_BSD = torch.randn(B, S, D)
    expected = model(x_BSD)  # its dropout is 0
    exact, int8 = (to_onnx_runtime(model, x_BSD, int8=is_int8, threads=1) for is_int8 in (False, True))
    assert model.training
    torch.testing.assert_close(exact(x_BSD), expected, rtol=0, atol=1e-5)  # other fusions, other rounding
    assert nn.functional.cosine_similarity(int8(x_BSD).flatten(), expected.flatten(), dim=0).item() > 0.999
    assert 0.9 < memory_bytes(exact) / memory_bytes(model) < 1.5  # the graph's nodes beside the weights
    assert checkpoint_bytes(int8) < 0.5 * checkpoint_bytes(exact)
    assert (exact.int8, int8.int8) == (False, True)


@pytest.mark.parametrize("missing", ["torchao", "onnxruntime"])
def test_a_missing_package_is_named_with_the_way_to_install_it(
    missing: str, model: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in ("onnx", "onnxscript"):
            return builtins  # as if it were there
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises((QuantizationUnavailable, OnnxUnavailable), match=f"{missing} is not installed: pip install"):
        quantize_model_with_torchao(model) if missing == "torchao" else to_onnx_runtime(model, torch.zeros(B, S, D))
