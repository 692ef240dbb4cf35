"""Checks of peak memory: the caching allocator's on a GPU, the profiler's events on a CPU."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from tbp import bench
from tbp.bench import counters
from tbp.blocks import FeedForward
from tbp.selftest.checks import Reading, check, quantity

FIRST_BYTES, SECOND_BYTES = 100 << 20, 50 << 20
WIDTH, HIDDEN, ROWS = 256, 1024, 512


@check("peak of the allocator")
def peak(device: bench.Device) -> Iterator[Reading]:
    """Two tensors that are alive together are the peak, to the byte."""

    def two_at_once() -> None:
        first = torch.empty(FIRST_BYTES, dtype=torch.uint8, device=device.name)
        second = torch.empty(SECOND_BYTES, dtype=torch.uint8, device=device.name)
        del first, second

    expected = FIRST_BYTES + SECOND_BYTES
    seen = counters.peak_bytes(two_at_once, device.name)
    yield Reading("two tensors at once", f"{seen:,} B", f"{expected:,} B", seen == expected)


@check("peak of a training step")
def training_peak(device: bench.Device) -> Iterator[Reading]:
    """Forward and backward of a feed-forward network hold its activations and gradients, on every device about as many.

    Gradients of an earlier step count as what was alive before where they are kept, so they are dropped first.
    """
    seen = {}
    for name in dict.fromkeys(("cpu", device.name)):
        network = FeedForward(WIDTH, HIDDEN, dropout=0.0).to(name)
        rows = torch.randn(ROWS, WIDTH, device=name)

        def step(network: FeedForward = network, rows: torch.Tensor = rows) -> None:
            network.zero_grad()
            F.mse_loss(network(rows), rows).backward()  # type: ignore[no-untyped-call]

        seen[name] = counters.peak_bytes(step, name)
    least = 4 * ROWS * HIDDEN  # one activation of the hidden layer
    for name, size in seen.items():
        yield Reading(f"on {name}", quantity(size, "B"), f"at least {quantity(least, 'B')}", size >= least)
    if device.name != "cpu":
        yield Reading(f"{device.name} ÷ cpu", f"{seen[device.name] / seen['cpu']:.2f}")
