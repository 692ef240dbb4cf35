"""Checks of torch.compile: what it makes of a layer computes the same, how long the first call takes, what it gains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch

from tbp import bench
from tbp.blocks import EncoderLayer
from tbp.selftest.checks import Reading, check, median_ratio, quantity
from tbp.selftest.work import error_of, wall_s

BATCH, LENGTH, WIDTH, HEADS = 2, 64, 128, 4
# Its modes; the second records CUDA graphs.
MODES = {"cpu": ("default",), "cuda": ("default", "reduce-overhead")}
MOST_ERROR = 1e-4
ROUNDS = 15


@check("torch.compile")
def compiled(device: bench.Device) -> Iterator[Reading]:
    """A compiled encoder layer in each mode, beside the same layer eager."""
    torch.manual_seed(0)
    layer = EncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0).eval()
    x = torch.randn(BATCH, LENGTH, WIDTH)
    with torch.inference_mode():
        expected = layer.double()(x.double())
    layer, x = layer.float().to(device.name), x.to(device.name)

    def call(module: Any) -> torch.Tensor:
        with torch.inference_mode():
            output: torch.Tensor = module(x)
        return output

    for mode in MODES[device.name]:
        made = torch.compile(layer, mode=mode)
        start_s = time.perf_counter()
        try:
            output = call(made)
        except RuntimeError as error:  # of which torch.compile's are
            last = str(error).strip().splitlines()[-1:] or [""]
            raise bench.Skip(f"it fails here: {type(error).__name__}: {last[0][:200]}") from None
        device.synchronise()
        yield Reading(f"first call, {mode}", quantity(time.perf_counter() - start_s, "s"))
        distance = error_of(output, expected)
        yield Reading(
            f"output, {mode}", f"error {distance:.1e}", f"error at most {MOST_ERROR:.0e}", distance <= MOST_ERROR
        )
        ratio = median_ratio(
            lambda: wall_s(lambda: call(made), device, 3),  # noqa: B023
            lambda: wall_s(lambda: call(layer), device, 3),
            ROUNDS,
        )
        yield Reading(f"compiled ÷ eager, {mode}", f"{ratio:.2f}")
