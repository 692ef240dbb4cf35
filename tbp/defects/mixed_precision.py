"""Defects of a mixed-precision step that is written for CUDA, with the order of its parts left to chance."""

# N items, D width, V classes

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import SGD
from torch.optim.lr_scheduler import ConstantLR

from tbp.defects.registry import Pair, demonstration
from tbp.training import naive_train_with_amp, train_with_amp
from tbp.training.objective import cross_entropy

N, D, V = 8, 256, 4  # so wide that the gradient is longer than 1, and clipping it is right
# The arithmetic is shown where the instructions are missing, too.
train_in_float16 = partial(train_with_amp, dtype=torch.float16, allow_emulation=True)


def _model() -> nn.Linear:
    return nn.Linear(D, V, bias=False)


def _batch() -> tuple[Tensor, Tensor]:
    return torch.randn(N, D), torch.arange(N) % V


@demonstration("amp-without-cuda", unit="steps in float32 under the name of AMP")
def amp_without_cuda() -> Pair:
    """``torch.cuda.amp.autocast`` switches itself off without CUDA: its time is that of float32.

    The right step computes in bfloat16, or refuses where the instructions are missing.
    """
    naive, right = _model(), _model()
    disabled = GradScaler("cuda", enabled=False)  # as GradScaler() is where CUDA is missing
    return (
        lambda: (
            naive_train_with_amp(naive, _batch(), SGD(naive.parameters(), lr=0.1), disabled).output_dtype
            == torch.float32
        ),
        lambda: train_with_amp(right, _batch()).output_dtype == torch.float32,
    )


@demonstration("amp-deprecated-imports", unit="warnings that it is deprecated")
def amp_deprecated_imports() -> Pair:
    """``torch.cuda.amp`` beside ``torch.amp``."""

    def deprecations(make_both: Callable[[], object]) -> float:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            make_both()
        return float(sum("deprecated" in str(warning.message) for warning in caught))

    return (
        lambda: deprecations(lambda: (torch.cuda.amp.autocast(), torch.cuda.amp.GradScaler())),
        lambda: deprecations(lambda: (torch.autocast("cpu"), GradScaler("cpu"))),
    )


@demonstration("clipped-while-scaled", unit="share of the step that is lost")
def clipped_while_scaled() -> Pair:
    """Gradients times 65,536, clipped to a norm of 1 and divided by 65,536 again: nothing is left of them."""
    model, batch = _model(), _batch()

    def lost(step: Callable[[nn.Linear, SGD, GradScaler], object]) -> float:
        trained = copy.deepcopy(model)
        step(trained, SGD(trained.parameters(), lr=1.0), GradScaler("cpu"))
        return 1 - float((model.weight - trained.weight).norm())

    def naive(trained: nn.Linear, optimizer: SGD, scaler: GradScaler) -> None:
        torch.autograd.backward(scaler.scale(cross_entropy(trained(batch[0]), batch[1])))
        nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        scaler.step(optimizer)

    def right(trained: nn.Linear, optimizer: SGD, scaler: GradScaler) -> None:
        train_in_float16(trained, batch, optimizer, scaler=scaler, max_norm=1.0)

    return lambda: lost(naive), lambda: lost(right)


@demonstration("step-with-nan", unit="share of the weights that become NaN")
def step_with_nan() -> Pair:
    """A batch with an infinite value: a scaler that is switched off skips nothing."""
    batch = _batch()
    batch[0][0, 0] = torch.inf
    naive, right = _model(), _model()

    def naive_share() -> float:
        naive_train_with_amp(naive, batch, SGD(naive.parameters(), lr=0.1), GradScaler("cuda", enabled=False))
        return _share_nan(naive)

    def right_share() -> float:
        train_with_amp(right, batch, SGD(right.parameters(), lr=0.1), max_norm=1.0, allow_emulation=True)
        return _share_nan(right)

    return naive_share, right_share


def _share_nan(model: nn.Module) -> float:
    return float(torch.cat([weight.detach().flatten() for weight in model.parameters()]).isnan().float().mean())


@demonstration("schedule-runs-on", unit="steps of the schedule without one of the weights")
def schedule_runs_on() -> Pair:
    """``scheduler.step()`` after a step that the scaler skipped: the learning rate falls, and nothing was learnt."""
    batch = _batch()
    batch[0][0, 0] = torch.inf

    def stepped(is_naive: bool) -> float:
        model = _model()
        optimizer, scaler = SGD(model.parameters(), lr=0.1), GradScaler("cpu")
        scheduler = ConstantLR(optimizer)
        if is_naive:
            naive_train_with_amp(model, batch, optimizer, scaler)
            scheduler.step()
        else:
            train_in_float16(model, batch, optimizer, scaler=scaler, scheduler=scheduler)
        assert not _share_nan(model), "the scaler skips the step"
        return float(scheduler.last_epoch)

    return lambda: stepped(True), lambda: stepped(False)


@demonstration("float16-without-scaler", unit="share of the gradient that becomes 0")
def float16_without_scaler() -> Pair:
    """A float16 below 6e-8 is 0, and so is a small gradient on its way back."""
    model, batch = _model(), _batch()

    def small(logits: Tensor, labels: Tensor) -> Tensor:
        return 1e-7 * cross_entropy(logits, labels)

    def naive() -> float:
        with torch.autocast("cpu", dtype=torch.float16):
            loss = small(model(batch[0]), batch[1])
        (gradient,) = torch.autograd.grad(loss, [model.weight])
        return float((gradient == 0).float().mean())

    def right() -> float:
        train_in_float16(model, batch, SGD(model.parameters(), lr=0.0), loss=small, scaler=GradScaler("cpu"))
        assert model.weight.grad is not None
        return float((model.weight.grad == 0).float().mean())

    return naive, right
