"""One training step of a small encoder: float32, mixed precision, gradient accumulation, naive attention."""

# B batch, S sequence, D model width, V classes

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp import bench

FAMILY = "train_step"

LAYERS = 2
CLASSES = 64
MICRO_BATCHES = 4

# Gradients are compared as a weight update. At learning rate 1 the weight is so much larger than the update that the
# update's digits are lost (an error of 3e-4 at 16,384 tokens); at this power of two none are (4e-7).
LEARNING_RATE = 2.0**14
# Half precision rounds every activation.
HALF_TOLERANCES = {torch.float32: 5e-2}

Train = Callable[[nn.Module, Tensor, Tensor, torch.optim.Optimizer], object]


def _reference(case: bench.Case, step: bench.Step) -> Tensor:
    """The gradient of the mean cross-entropy over the whole batch, in float64."""
    model = copy.deepcopy(step.module)
    assert model is not None
    model.cpu().double()
    x_BSD, labels_BS = (value.cpu() for value in step.inputs)
    F.cross_entropy(model(x_BSD.double()).flatten(0, 1), labels_BS.flatten()).backward()  # type: ignore[no-untyped-call]  # torch ships it without types
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def _flops(case: bench.Case) -> int:
    """2 per multiply-add of the matrix products: once forward, and twice backward, for the gradients of the input and
    of the weight of each."""
    width, tokens = case["d_model"], case["batch"] * case["sequence_length"]
    projections = 2 * tokens * (4 + 8) * width**2  # 4 of attention, and 8 of a feed-forward network 4 widths wide
    products = 2 * 2 * tokens * case["sequence_length"] * width
    return 3 * (LAYERS * (projections + products) + 2 * tokens * width * CLASSES)


def _step(case: bench.Case, train: Train, attention: str = "MultiHeadAttention") -> bench.Step:
    encoder = bench.subject("tbp.blocks", "Encoder")
    make_attention = bench.subject("tbp.blocks", attention)
    width = case["d_model"]

    def make() -> nn.Module:
        blocks = encoder(LAYERS, width, case["heads"], 4 * width, dropout=0.0, attention=make_attention)
        return nn.Sequential(blocks, nn.Linear(width, CLASSES))

    model = case.place(make).train()
    untrained = copy.deepcopy(model)
    x_BSD = case.randn(case["batch"], case["sequence_length"], width)
    labels_BS = torch.arange(x_BSD.shape[0] * x_BSD.shape[1], device=case.device).reshape(x_BSD.shape[:2]) % CLASSES
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def update() -> Tensor:
        trained = copy.deepcopy(untrained)
        train(trained, x_BSD, labels_BS, torch.optim.SGD(trained.parameters(), lr=LEARNING_RATE))
        pairs = zip(untrained.parameters(), trained.parameters(), strict=True)
        return torch.cat([(before - after).detach().flatten() for before, after in pairs]) / LEARNING_RATE

    inputs = (x_BSD, labels_BS)
    return bench.Step(lambda: train(model, *inputs, optimizer), update, untrained, inputs, _flops(case), updates=model)


def _plain(model: nn.Module, x_BSD: Tensor, labels_BS: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    F.cross_entropy(model(x_BSD).flatten(0, 1), labels_BS.flatten()).backward()  # type: ignore[no-untyped-call]  # torch ships it without types
    optimizer.step()


def _amp(case: bench.Case, dtype: torch.dtype) -> bench.Step:
    train_with_amp = bench.subject("tbp.training", "train_with_amp")
    bench.require(case.device, dtype)
    scaler: Any = torch.amp.GradScaler(case.device) if dtype is torch.float16 else None

    def train(model: nn.Module, x_BSD: Tensor, labels_BS: Tensor, optimizer: torch.optim.Optimizer) -> object:
        return train_with_amp(model, (x_BSD, labels_BS), optimizer, dtype=dtype, scaler=scaler)

    return _step(case, train)


@bench.workload(FAMILY, "naive_attention", reference=_reference)
def naive_attention(case: bench.Case) -> bench.Step:
    return _step(case, _plain, "NaiveMultiHeadAttention")


@bench.workload(FAMILY, "float32", reference=_reference, twin="float32_twin")
def float32(case: bench.Case) -> bench.Step:
    return _step(case, _plain)


@bench.workload(FAMILY, "amp_bfloat16", reference=_reference, tolerances=HALF_TOLERANCES)
def amp_bfloat16(case: bench.Case) -> bench.Step:
    return _amp(case, torch.bfloat16)


@bench.workload(FAMILY, "amp_float16", reference=_reference, tolerances=HALF_TOLERANCES)
def amp_float16(case: bench.Case) -> bench.Step:
    return _amp(case, torch.float16)


@bench.workload(FAMILY, "accumulated", reference=_reference)
def accumulated(case: bench.Case) -> bench.Step:
    accumulate = bench.subject("tbp.training", "train_with_gradient_accumulation")

    def train(model: nn.Module, x_BSD: Tensor, labels_BS: Tensor, optimizer: torch.optim.Optimizer) -> object:
        batches = list(zip(x_BSD.chunk(MICRO_BATCHES), labels_BS.chunk(MICRO_BATCHES), strict=True))
        return accumulate(model, batches, optimizer, accumulation_steps=MICRO_BATCHES)

    return _step(case, train)
