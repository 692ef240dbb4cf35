"""Checks of torch.compile: what it makes of a layer computes the same, how long the first call takes, what it gains."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch._dynamo.exc import TorchDynamoException

from tbp import bench
from tbp.blocks import EncoderLayer
from tbp.selftest.checks import Reading, check, median_ratio, quantity
from tbp.selftest.work import error_of, wall_s

BATCH, LENGTH, WIDTH, HEADS = 2, 64, 128, 4
MOST_ERROR = 1e-4
ROUNDS = 15


@check("torch.compile")
def compiled(device: bench.Device) -> Iterator[Reading]:
    """A compiled encoder layer beside the same layer eager."""
    yield from _in_mode("default", device)


@check("torch.compile with CUDA graphs")
def compiled_and_graphed(device: bench.Device) -> Iterator[Reading]:
    """A layer compiled in the mode that also records CUDA graphs, beside the eager one."""
    if device.name != "cuda":
        raise bench.Skip("only a GPU has it")
    yield from _in_mode("reduce-overhead", device)


def _in_mode(mode: str, device: bench.Device) -> Iterator[Reading]:
    torch.manual_seed(0)
    layer = EncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0).eval()
    x = torch.randn(BATCH, LENGTH, WIDTH)
    with torch.inference_mode():
        expected = layer.double()(x.double())
    layer, x = layer.float().to(device.name), x.to(device.name)
    eager, replaced = _call(layer, x), _call(torch.compile(layer, mode=mode), x)
    start_s = time.perf_counter()
    try:
        output = replaced().clone()
    except TorchDynamoException as error:  # not every RuntimeError: a fault of a kernel is no skip
        last = str(error).strip().splitlines()[-1:] or [""]
        raise bench.Skip(f"it fails here: {type(error).__name__}: {last[0][:200]}") from None
    device.synchronise()
    yield Reading("first call", quantity(time.perf_counter() - start_s, "s"))
    distance = error_of(output, expected)
    yield Reading("output", f"error {distance:.1e}", f"error at most {MOST_ERROR:.0e}", distance <= MOST_ERROR)
    ratio = median_ratio(lambda: wall_s(replaced, device, 3), lambda: wall_s(eager, device, 3), ROUNDS)
    yield Reading("compiled ÷ eager", f"{ratio:.2f}")


def _call(module: Any, x: torch.Tensor) -> Callable[[], torch.Tensor]:
    def call() -> torch.Tensor:
        with torch.inference_mode():
            output: torch.Tensor = module(x)
        return output

    return call
