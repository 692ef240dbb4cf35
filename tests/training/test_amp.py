"""The mixed-precision step against float32, ``GradScaler("cpu")`` being a complete scaler."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import SGD, Optimizer

from tbp.training import (
    HalfPrecisionUnavailable,
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


def test_an_output_in_another_dtype_is_refused_unless_it_was_announced(model: nn.Module) -> None:
    class Float(nn.Module):  # as a layer norm ends on CUDA, or autocast off would end
        def forward(self, x: Tensor) -> Tensor:
            return x.float()

    ending_in_float32 = nn.Sequential(model, Float())
    with pytest.raises(HalfPrecisionUnavailable, match=r"returned torch\.float32 under torch\.bfloat16"):
        train_with_amp(ending_in_float32, batch(), sgd(model), allow_emulation=True)
    step = train_with_amp(ending_in_float32, batch(), sgd(model), output_dtype=torch.float32, allow_emulation=True)
    assert step.output_dtype == torch.float32


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
