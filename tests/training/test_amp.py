"""The mixed-precision step against float32, ``GradScaler("cpu")`` being a complete scaler."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import SGD, Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from tbp.training import (
    HalfPrecisionUnavailable,
    create_optimizer,
    create_scheduler,
    half_precision_support,
    naive_train_with_amp,
    precision,
    train_with_amp,
)

D, V = 16, 5

# Relative to the largest gradient. Rounding of inputs, weights and gradients to 11 (float16) or 8 (bfloat16)
# bits, through two layers.
GRADIENT_TOLERANCE = {torch.float16: 5e-3, torch.bfloat16: 4e-2}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def model() -> nn.Module:
    return nn.Sequential(nn.Linear(D, 32), nn.ReLU(), nn.Linear(32, V))


def batch(device: str = "cpu") -> tuple[Tensor, Tensor]:
    return torch.randn(8, D, device=device), torch.randint(V, (8,), device=device)


def sgd(model: nn.Module) -> Optimizer:
    return SGD(model.parameters(), lr=1.0)


def gradients(model: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def parameters(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()]).clone()


def scaler_for(dtype: torch.dtype, device: str = "cpu") -> GradScaler | None:
    return GradScaler(device) if dtype == torch.float16 else None


def step_equals_float32(model: nn.Module, dtype: torch.dtype, device: str) -> None:
    expected_model, data = copy.deepcopy(model), batch(device)
    expected_loss = nn.functional.cross_entropy(expected_model(data[0]), data[1])
    torch.autograd.backward(expected_loss)
    before = parameters(model)
    step = train_with_amp(
        model, data, sgd(model), dtype=dtype, scaler=scaler_for(dtype, device), allow_emulation=device == "cpu"
    )
    assert step.stepped
    assert step.output_dtype == dtype
    assert step.loss.dtype == torch.float32
    tolerance = GRADIENT_TOLERANCE[dtype]
    torch.testing.assert_close(step.loss, expected_loss.detach(), rtol=tolerance, atol=0)
    expected = gradients(expected_model)
    torch.testing.assert_close(gradients(model), expected, rtol=0, atol=tolerance * expected.abs().max().item())
    torch.testing.assert_close(parameters(model), before - gradients(model))  # learning rate 1, unscaled


class CountedOperators(TorchDispatchMode):
    """The names of the operators that ran."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_step_is_float32s_within_the_dtypes_rounding(model: nn.Module, dtype: torch.dtype) -> None:
    step_equals_float32(model, dtype, "cpu")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gradients_are_clipped_after_unscaling(model: nn.Module, dtype: torch.dtype) -> None:
    before = parameters(model)
    train_with_amp(
        model, batch(), sgd(model), dtype=dtype, scaler=scaler_for(dtype), max_norm=0.01, allow_emulation=True
    )
    # Clipped while still scaled by 65,536 the update would be 65,536 times smaller.
    assert (parameters(model) - before).norm().item() == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_step_with_infinite_gradients_is_skipped_with_its_scheduler_step(
    model: nn.Module, dtype: torch.dtype
) -> None:
    optimizer, scaler = sgd(model), scaler_for(dtype)
    scheduler = create_scheduler(optimizer, 10, 0)
    inputs, labels = batch()
    before = parameters(model)

    def run(inputs: Tensor) -> bool:
        return train_with_amp(
            model,
            (inputs, labels),
            optimizer,
            dtype=dtype,
            scaler=scaler,
            scheduler=scheduler,
            max_norm=1.0,
            allow_emulation=True,
        ).stepped

    assert not run(inputs.masked_fill(inputs > 0, float("inf")))
    assert torch.equal(parameters(model), before)
    assert scheduler.last_epoch == 0
    if scaler is not None:
        assert scaler.get_scale() == 65536.0 / 2
    assert run(inputs)  # and training goes on
    assert scheduler.last_epoch == 1
    assert not torch.equal(parameters(model), before)


def test_the_scale_grows_over_steps_that_share_a_scaler(model: nn.Module) -> None:
    scaler, optimizer = GradScaler("cpu", init_scale=8.0, growth_interval=2), sgd(model)
    for _ in range(4):
        assert train_with_amp(
            model, batch(), optimizer, dtype=torch.float16, scaler=scaler, allow_emulation=True
        ).stepped
    assert scaler.get_scale() == 32.0


class InFloat32(nn.Module):
    """``inner`` with autocast off, as a module that is sensitive to rounding switches it off for itself."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            logits = self.inner(x)
        return logits if labels is None else nn.functional.cross_entropy(logits, labels)


class Ending(nn.Module):
    """Logits in float32, as a layer norm gives them on CUDA."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float()


@pytest.mark.parametrize("form", ["logits", "loss alone"])
def test_a_step_that_computes_in_float32_is_refused(model: nn.Module, form: str) -> None:
    before, refused = parameters(model), InFloat32(model) if form == "loss alone" else nn.Sequential(InFloat32(model))
    with pytest.raises(HalfPrecisionUnavailable, match=r"computed in float32 under torch\.bfloat16 autocast"):
        train_with_amp(refused, batch(), sgd(model), allow_emulation=True)
    assert torch.equal(parameters(model), before)


def test_a_model_that_ends_in_float32_has_computed_in_half_precision_before(model: nn.Module) -> None:
    step = train_with_amp(nn.Sequential(model, Ending()), batch(), sgd(model), allow_emulation=True)
    assert step.output_dtype == torch.float32
    assert step.stepped


def test_gradients_that_are_not_clipped_are_not_looked_at(model: nn.Module) -> None:
    """bfloat16 has float32's range: a pass over every gradient to look for inf costs what clipping costs."""
    inputs, labels = batch()
    with CountedOperators() as counted:
        assert train_with_amp(model, (inputs, labels), sgd(model), allow_emulation=True).stepped
    assert not {name for name in counted.names if "norm" in name or "isfinite" in name}
    with CountedOperators() as counted:
        train_with_amp(model, (inputs, labels), sgd(model), max_norm=1.0, allow_emulation=True)
    assert {name for name in counted.names if "norm" in name}  # the counter sees one


def test_without_an_optimizer_the_model_keeps_that_of_create_optimizer(model: nn.Module) -> None:
    expected_model, data = copy.deepcopy(model), batch()
    optimizer = create_optimizer(expected_model)
    for _ in range(3):  # moments that were forgotten between steps would show in the second
        train_with_amp(expected_model, data, optimizer, allow_emulation=True)
        step = train_with_amp(model, data, allow_emulation=True)
        assert step.stepped
        assert torch.equal(parameters(model), parameters(expected_model))


def test_a_scaler_goes_with_float16_only(model: nn.Module) -> None:
    optimizer = sgd(model)
    for scaler in (None, GradScaler("cpu", enabled=False)):
        with pytest.raises(ValueError, match="float16 needs an enabled GradScaler"):
            train_with_amp(model, batch(), optimizer, dtype=torch.float16, scaler=scaler, allow_emulation=True)
    with pytest.raises(ValueError, match="bfloat16 has float32's range"):
        train_with_amp(model, batch(), optimizer, scaler=GradScaler("cpu"), allow_emulation=True)
    with pytest.raises(ValueError, match="no parameters"):
        train_with_amp(nn.ReLU(), batch(), optimizer)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_cpu_without_the_instructions_is_refused(
    model: nn.Module, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "cpu_features", lambda: frozenset({"avx2"}))
    before = parameters(model)
    with pytest.raises(HalfPrecisionUnavailable, match="this CPU has no"):
        train_with_amp(model, batch(), sgd(model), dtype=dtype, scaler=scaler_for(dtype))
    assert torch.equal(parameters(model), before)


@pytest.mark.parametrize(
    ("feature", "dtype", "supported"),
    [
        ("avx512_bf16", torch.bfloat16, True),
        ("amx_bf16", torch.bfloat16, True),
        ("avx512_bf16", torch.float16, False),
        ("amx_fp16", torch.float16, True),
        ("f16c", torch.float16, False),  # converts, but does not compute
    ],
)
def test_support_is_told_by_instructions(
    feature: str, dtype: torch.dtype, supported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "cpu_features", lambda: frozenset({feature}))
    reason = half_precision_support("cpu", dtype)
    assert (reason is None) == supported
    if reason is not None:
        assert str(dtype) in reason


def test_unknown_devices_and_dtypes_fail_loudly() -> None:
    with pytest.raises(ValueError, match=r"not torch\.float32"):
        half_precision_support("cpu", torch.float32)
    with pytest.raises(ValueError, match="'meta' is unknown"):
        half_precision_support("meta", torch.float16)
    if not torch.cuda.is_available():
        assert half_precision_support("cuda", torch.float16) == "no CUDA device is available"
    assert precision.cpu_features() == precision.cpu_features()


@pytest.mark.skipif(torch.cuda.is_available(), reason="the fault shows without a CUDA device")
def test_the_naive_baseline_runs_in_float32_without_cuda(model: nn.Module) -> None:
    expected_model, data = copy.deepcopy(model), batch()
    torch.autograd.backward(nn.functional.cross_entropy(expected_model(data[0]), data[1]))
    step = naive_train_with_amp(model, data, sgd(model), GradScaler("cuda", enabled=False))
    assert step.output_dtype == torch.float32
    assert torch.equal(gradients(model), gradients(expected_model))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_step_on_cuda_is_float32s_within_the_dtypes_rounding(model: nn.Module, dtype: torch.dtype) -> None:
    if reason := half_precision_support("cuda", dtype):
        pytest.skip(reason)
    step_equals_float32(model.cuda(), dtype, "cuda")
