"""INT8 against the float32 model it was made from, and the size it saves."""

import importlib
import warnings
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from tbp.blocks import Encoder
from tbp.compression import (
    Engine,
    QuantizationUnavailable,
    QuantizedModel,
    checkpoint_bytes,
    default_engine,
    engines,  # its look at the CPU is replaced
    memory_bytes,
    quantize_model,
    quantize_model_dynamically,
)

B, S, D, H, F = 4, 8, 64, 4, 128

pytest.importorskip("torch.ao.quantization", reason="this torch has no eager quantisation")

ENGINES: list[Engine] = [
    engine for engine in ("x86", "fbgemm", "onednn", "qnnpack") if engine in torch.backends.quantized.supported_engines
]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def model() -> Encoder:
    return Encoder(2, D, H, F).eval()


def quantised(model: nn.Module, method: str, engine: Engine | None = None) -> QuantizedModel:
    if method == "dynamic":
        return quantize_model_dynamically(model, engine)
    return quantize_model(model, [torch.randn(B, S, D) for _ in range(4)], engine)


def cosine(a: Tensor, b: Tensor) -> float:
    return nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).item()


@pytest.mark.parametrize("method", ["static", "dynamic"])
@pytest.mark.parametrize("engine", ENGINES)
def test_output_stays_close_to_float32(model: Encoder, method: str, engine: Engine) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # True where it comes, and meant for the caller: oneDNN without VNNI instructions may saturate.
        warnings.filterwarnings("ignore", "Default qconfig of oneDNN", UserWarning)
        made = quantised(model, method, engine)
    assert (made.method, made.engine, made.linears) == (method, engine, 2 * 4)
    x_BSD = torch.randn(B, S, D)
    # 7 to 8 bits for weights and activations: a relative error near 1 % a layer; measured 0.9997 for two blocks,
    # 0.998 with oneDNN where its 16-bit sums saturate.
    assert cosine(made.module(x_BSD), model(x_BSD)) > (0.995 if engine == "onednn" else 0.999)
    assert not any(type(module) is nn.Linear for module in made.module.modules())


@pytest.mark.parametrize("method", ["static", "dynamic"])
def test_the_model_itself_and_the_selected_engine_are_left_alone(model: Encoder, method: str) -> None:
    before, engine = {k: v.clone() for k, v in model.state_dict().items()}, torch.backends.quantized.engine
    model.train()
    made = quantised(model, method, "qnnpack" if "qnnpack" in ENGINES else None)
    assert torch.backends.quantized.engine == engine
    assert model.training
    assert not made.module.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(type(module.weight) is nn.Parameter for module in model.modules() if isinstance(module, nn.Linear))
    assert not any(hasattr(module, "qconfig") for module in model.modules())


@pytest.mark.parametrize("method", ["static", "dynamic"])
def test_weights_take_a_quarter_of_the_bytes(method: str) -> None:
    model = nn.Linear(256, 256)
    made = quantised_linear(model, method)
    in_float32, in_int8 = memory_bytes(model), memory_bytes(made)
    assert in_float32 == 4 * (256 * 256 + 256)
    # One byte an entry, the bias in float32, and at most 16 bytes of scale and zero point for each row.
    assert 256 * 256 + 4 * 256 <= in_int8 <= 256 * 256 + 4 * 256 + 16 * 256 + 64
    assert checkpoint_bytes(made) < 0.35 * checkpoint_bytes(model)


def quantised_linear(model: nn.Linear, method: str) -> nn.Module:
    if method == "dynamic":
        return quantize_model_dynamically(nn.Sequential(model)).module
    return quantize_model(model, [torch.randn(8, 256)]).module


def test_calibration_sets_the_range_of_the_activations() -> None:
    model, narrow, wide = nn.Linear(D, D), torch.randn(64, D), 100.0 * torch.randn(64, D)
    x = torch.randn(64, D)
    fitting, clipping = (quantize_model(model, [data]).module for data in (wide, narrow))
    assert cosine(clipping(x), model(x)) > 0.999
    assert cosine(fitting(100.0 * x), model(100.0 * x)) > 0.999
    assert (clipping(100.0 * x) - model(100.0 * x)).norm() > 0.5 * model(100.0 * x).norm()  # saturated


def test_a_model_with_several_arguments_is_calibrated_with_sequences() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(D, D)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            result: Tensor = self.linear(x + y)
            return result

    x, y = torch.randn(B, D), torch.randn(B, D)
    made = quantize_model(Sum(), [(x, y), [y, x]])
    assert made.module(x, y).shape == (B, D)


def test_what_cannot_be_quantised_is_refused(model: Encoder) -> None:
    with pytest.raises(ValueError, match="at least one calibration input"):
        quantize_model(model, [])
    with pytest.raises(ValueError, match=r"no nn\.Linear"):
        quantize_model_dynamically(nn.ReLU())
    with pytest.raises(ValueError, match=r"not torch\.float64 on cpu"):
        quantize_model(nn.Linear(2, 2).double(), [torch.zeros(1, 2)])


def test_an_engine_this_torch_lacks_is_refused(model: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QuantizationUnavailable, match="no engine 'abacus'"):
        quantize_model_dynamically(model, "abacus")  # type: ignore[arg-type]  # the point of the test
    assert default_engine() in ENGINES
    monkeypatch.setattr(torch.backends, "quantized", type("Nothing", (), {"supported_engines": ["onednn"]}))
    with pytest.raises(QuantizationUnavailable, match="only onednn"):
        default_engine()


@pytest.mark.parametrize(
    ("instructions", "engine"),
    [({"amx_int8", "avx512_vnni"}, "onednn"), ({"avx512_vnni"}, "x86"), ({"avx2"}, "x86"), (set(), "x86")],
)
def test_the_engine_is_chosen_by_the_cpus_instructions(
    instructions: set[str], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "cpu_features", lambda: frozenset(instructions))
    every = type("Every", (), {"supported_engines": ["qnnpack", "onednn", "x86", "fbgemm"]})
    monkeypatch.setattr(torch.backends, "quantized", every)
    assert default_engine() == engine
    arm = type("Arm", (), {"supported_engines": ["qnnpack", "onednn"]})
    monkeypatch.setattr(torch.backends, "quantized", arm)
    assert default_engine() == ("onednn" if engine == "onednn" else "qnnpack")


def test_without_calibration_the_ranges_are_taken_when_activations_come(model: Encoder) -> None:
    """The call of the page, ``quantize_model(model)``, whose result is called as the model was."""
    made, x_BSD = quantize_model(model), torch.randn(B, S, D)
    assert (made.method, made.engine, made.training) == ("dynamic", default_engine(), False)
    assert torch.equal(made(x_BSD), quantize_model_dynamically(model).module(x_BSD))
    assert f"engine={default_engine()}" in repr(made)
    assert torch.equal(made(100.0 * x_BSD, causal=True), made.module(100.0 * x_BSD, causal=True))  # options pass


def test_a_model_that_is_one_linear_layer_is_quantised_too() -> None:
    linear, x = nn.Linear(D, D), torch.randn(B, D)
    for made in (quantize_model(linear), quantize_model(linear, [x])):
        assert not any(type(module) is nn.Linear for module in made.modules())
        assert cosine(made(x), linear(x)) > 0.999


def test_keyword_arguments_calibrate(model: Encoder) -> None:
    made = quantize_model(model, [{"x_BSD": torch.randn(B, S, D)}])
    assert made.method == "static"


def test_a_torch_without_eager_quantisation_is_named(model: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(QuantizationUnavailable, match=r"no torch\.ao\.quantization"):
        quantize_model_dynamically(model)
