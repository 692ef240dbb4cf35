"""Accumulated gradients against those of the whole batch at once."""

# B batch, S sequence positions, V vocabulary

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import SGD

from tbp.training import (
    Batch,
    HalfPrecisionUnavailable,
    create_scheduler,
    labelled_items,
    naive_train_with_gradient_accumulation,
    train_with_gradient_accumulation,
)

B, S, V = 3, 8, 11


class RecordingSGD(SGD):
    """SGD that keeps the gradients of every step it makes."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model.parameters(), lr=0.0)  # the weights stay, so steps can be compared
        self.gradients: list[Tensor] = []

    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closures here
        parts = [p.grad.flatten() for group in self.param_groups for p in group["params"] if p.grad is not None]
        self.gradients.append(torch.cat(parts).clone())


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(V, 16), nn.Linear(16, V))


def micro_batch(labelled: int, batch: int = B) -> Batch:
    """(inputs, labels), ``labelled`` positions of each sequence counted."""
    labels_BS = torch.randint(V, (batch, S))
    labels_BS[:, labelled:] = -100
    return torch.randint(V, (batch, S)), labels_BS


def whole_batch_gradient(model: nn.Module, group: list[Batch]) -> Tensor:
    inputs, labels = (torch.cat([batch[part] for batch in group]) for part in (0, 1))
    loss = F.cross_entropy(model(inputs).flatten(0, 1), labels.flatten())
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


def test_every_step_has_the_gradient_of_its_whole_batch_and_the_tail_steps_too(model: nn.Module) -> None:
    batches = [micro_batch(labelled) for labelled in (8, 1, 3, 2, 8, 1)]
    batches.append(micro_batch(5, batch=1))  # a ragged last batch, as DataLoader gives
    optimizer = RecordingSGD(model)
    losses = train_with_gradient_accumulation(model, batches, optimizer, accumulation_steps=4)
    groups = [batches[:4], batches[4:]]
    assert len(optimizer.gradients) == len(losses) == 2
    for gradient, group in zip(optimizer.gradients, groups, strict=True):
        # Sums in another order: float32 rounding of values below 1.
        torch.testing.assert_close(gradient, whole_batch_gradient(model, group), rtol=0, atol=1e-6)
    inputs, labels = (torch.cat([batch[part] for batch in groups[0]]) for part in (0, 1))
    torch.testing.assert_close(losses[0], F.cross_entropy(model(inputs).flatten(0, 1), labels.flatten()).detach())


def test_the_naive_baseline_leaves_the_gradient_of_the_tail_behind(model: nn.Module) -> None:
    batches = [micro_batch(S) for _ in range(5)]
    naive_train_with_gradient_accumulation(model, batches, RecordingSGD(model), accumulation_steps=4)
    assert all(parameter.grad is not None for parameter in model.parameters())  # for the next epoch to add to


def test_equal_micro_batches_agree_with_the_naive_baseline(model: nn.Module) -> None:
    batches = [micro_batch(S) for _ in range(4)]
    right, naive = RecordingSGD(model), RecordingSGD(model)
    losses = train_with_gradient_accumulation(model, batches, right)
    naive_losses = naive_train_with_gradient_accumulation(model, batches, naive)
    torch.testing.assert_close(right.gradients[0], naive.gradients[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(losses[0], naive_losses.sum())


def test_gradients_left_over_from_before_do_not_count(model: nn.Module) -> None:
    batches, optimizer = [micro_batch(4)], RecordingSGD(model)
    expected = whole_batch_gradient(model, batches)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 100.0)
    train_with_gradient_accumulation(model, batches, optimizer)
    torch.testing.assert_close(optimizer.gradients[0], expected, rtol=0, atol=1e-6)


def test_a_group_without_a_label_is_0_and_not_nan(model: nn.Module) -> None:
    optimizer = RecordingSGD(model)
    losses = train_with_gradient_accumulation(model, [micro_batch(0), micro_batch(0)], optimizer)
    assert losses.tolist() == [0.0]
    assert torch.count_nonzero(optimizer.gradients[0]) == 0
    assert train_with_gradient_accumulation(model, [], optimizer).shape == (0,)


def test_clipping_and_schedule_act_once_per_optimizer_step(model: nn.Module) -> None:
    optimizer = RecordingSGD(model)
    scheduler = create_scheduler(optimizer, 10, 2)
    batches = [micro_batch(4) for _ in range(5)]
    train_with_gradient_accumulation(model, batches, optimizer, 2, scheduler=scheduler, max_norm=0.01)
    assert scheduler.last_epoch == len(optimizer.gradients) == 3
    for gradient in optimizer.gradients:
        assert gradient.norm().item() == pytest.approx(0.01, rel=1e-3)


def test_the_whole_gradient_is_clipped_and_no_part_of_it(model: nn.Module) -> None:
    """Clipped before the last micro-batch, or each by itself, the direction is another one."""
    batches = [micro_batch(labelled) for labelled in (8, 2, 5)]
    expected = whole_batch_gradient(model, batches)
    max_norm = 0.5 * expected.norm().item()
    optimizer = RecordingSGD(model)
    train_with_gradient_accumulation(model, batches, optimizer, 3, max_norm=max_norm)
    torch.testing.assert_close(optimizer.gradients[0], 0.5 * expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_accumulates_scaled_and_is_unscaled_and_clipped_once(
    model: nn.Module, dtype: torch.dtype
) -> None:
    batches = [micro_batch(labelled) for labelled in (8, 2, 5)]
    expected = whole_batch_gradient(model, batches)
    max_norm = 0.5 * expected.norm().item()
    optimizer, scaler = RecordingSGD(model), GradScaler("cpu") if dtype == torch.float16 else None
    losses = train_with_gradient_accumulation(
        model, batches, optimizer, 3, max_norm=max_norm, dtype=dtype, scaler=scaler, allow_emulation=True
    )
    assert losses.dtype == torch.float32
    # Of the largest gradient: roundings to 8 or 11 bits through two layers.
    atol = (4e-2 if dtype == torch.bfloat16 else 5e-3) * expected.abs().max().item()
    torch.testing.assert_close(optimizer.gradients[0], 0.5 * expected, rtol=0, atol=atol)
    assert not torch.allclose(optimizer.gradients[0], 0.5 * expected, rtol=0, atol=1e-6)  # float32 would be this near


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_group_with_an_infinite_gradient_is_skipped_and_the_next_one_steps(dtype: torch.dtype) -> None:
    model = nn.Linear(4, V)
    optimizer, scaler = RecordingSGD(model), GradScaler("cpu") if dtype == torch.float16 else None
    scheduler = create_scheduler(optimizer, 10, 2)
    batches = [(torch.randn(2, 4), torch.tensor([1, 2])) for _ in range(4)]
    batches[1] = (torch.full((2, 4), torch.inf), batches[1][1])
    train_with_gradient_accumulation(
        model, batches, optimizer, 2, max_norm=1.0, scheduler=scheduler, dtype=dtype, scaler=scaler,
        allow_emulation=True,
    )  # fmt: skip
    assert scheduler.last_epoch == len(optimizer.gradients) == 1
    assert optimizer.gradients[0].isfinite().all()


def test_a_dtype_that_would_not_be_computed_in_is_refused(model: nn.Module) -> None:
    class InFloat32(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", enabled=False):
                return self.inner(x)

    with pytest.raises(HalfPrecisionUnavailable, match="computed in float32"):
        train_with_gradient_accumulation(
            InFloat32(model), [micro_batch(4)], RecordingSGD(model), dtype=torch.bfloat16, allow_emulation=True
        )
    with pytest.raises(ValueError, match="float16 needs an enabled GradScaler"):
        train_with_gradient_accumulation(model, [], RecordingSGD(model), dtype=torch.float16)
    with pytest.raises(ValueError, match="float32 has float32's range"):
        train_with_gradient_accumulation(model, [], RecordingSGD(model), scaler=GradScaler("cpu"))


def test_another_loss_is_given_as_a_sum_and_a_count() -> None:
    model = nn.Linear(4, 1)
    optimizer = RecordingSGD(model)
    batches = [(torch.randn(n, 4), torch.randn(n, 1)) for n in (5, 2)]

    def summed_square(model: nn.Module, batch: Batch) -> Tensor:
        return F.mse_loss(model(batch[0]), batch[1], reduction="sum")

    def rows(batch: Batch) -> Tensor:
        return torch.tensor(len(batch[0]))

    losses = train_with_gradient_accumulation(model, batches, optimizer, summed_loss=summed_square, item_count=rows)
    inputs, targets = (torch.cat([batch[part] for batch in batches]) for part in (0, 1))
    torch.testing.assert_close(losses[0], F.mse_loss(model(inputs), targets).detach())


def test_training_reduces_the_loss(model: nn.Module) -> None:
    batches = [micro_batch(S) for _ in range(8)]
    optimizer = SGD(model.parameters(), lr=1.0)
    first = train_with_gradient_accumulation(model, batches, optimizer)[0]
    for _ in range(5):
        last = train_with_gradient_accumulation(model, batches, optimizer)[-1]
    assert last < first


def test_nonsense_is_refused_and_labels_are_counted(model: nn.Module) -> None:
    with pytest.raises(ValueError, match="accumulation_steps=0"):
        train_with_gradient_accumulation(model, [], RecordingSGD(model), 0)
    assert labelled_items(micro_batch(5)).item() == B * 5
