"""Checks of CUDA graphs: a training step that is recorded once and replayed trains as the eager one does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import nn

from tbp import bench
from tbp.bench import counters
from tbp.bench.graphs import WARM_RUNS
from tbp.blocks import EncoderLayer
from tbp.selftest.checks import Reading, check, median_ratio
from tbp.selftest.work import wall_s

# Small enough that launching its kernels takes most of the step's time.
BATCH, LENGTH, WIDTH, HEADS = 2, 16, 64, 4
REPLAYS = 5
# Relative to the largest weight: sums in another order, after eight steps of AdamW at this rate.
LEARNING_RATE, MOST_ERROR = 1e-3, 1e-4
ROUNDS = 15


@check("CUDA graph of a training step")
def training(device: bench.Device) -> Iterator[Reading]:
    """Replays train as eager steps do, and wait less for launches; ``bench.graphed`` records them."""
    if device.name != "cuda":
        raise bench.Skip("only a GPU has it")
    yield from replays(device.name)
    eager, _ = _training_step(device.name)
    replay = _recorded(_training_step(device.name)[0])
    ratio = median_ratio(lambda: wall_s(replay, device, 1), lambda: wall_s(eager, device, 1), ROUNDS)
    yield Reading("replay ÷ eager, wall time", f"{ratio:.2f}")
    for name, call in (("eager", eager), ("replayed", replay)):
        yield Reading(f"wall ÷ GPU time, {name}", f"{wall_s(call, device) / counters.device_seconds(call):.2f}")


def replays(device_name: str) -> Iterator[Reading]:
    """The weights after replays beside those after as many eager steps, with tensors on that device."""
    eager, eager_weights = _training_step(device_name)
    run, weights = _training_step(device_name)
    replay = _recorded(run)
    for _ in range(REPLAYS):
        replay()
    for _ in range(WARM_RUNS + REPLAYS):
        eager()
    pairs = list(zip(weights, eager_weights, strict=True))
    error = max(float(((weight - other).abs().max() / other.abs().max()).detach()) for weight, other in pairs)
    value, most = f"error {error:.1e}", f"error at most {MOST_ERROR:.0e}"
    yield Reading(f"weights after {REPLAYS} replays", value, most, error <= MOST_ERROR)


def _recorded(run: Callable[[], torch.Tensor]) -> Callable[[], object]:
    return bench.graphed(bench.Step(run, run), bench.Case({}, torch.float32, "cuda")).run


def _training_step(device_name: str) -> tuple[Callable[[], torch.Tensor], list[nn.Parameter]]:
    """A step of AdamW that gives its loss, and the weights that it trains."""
    torch.manual_seed(0)
    model = EncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0).to(device_name)
    x, target = (torch.randn(BATCH, LENGTH, WIDTH).to(device_name) for _ in range(2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, fused=True, capturable=True)

    def run() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), target)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without types
        optimizer.step()
        return loss.detach()

    return run, list(model.parameters())
