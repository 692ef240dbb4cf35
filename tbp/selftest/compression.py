"""Checks of compressed weights: 2:4 sparsity, float8 and INT8 compute what their rounding allows, and in what time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import torch
from torch import nn

from tbp import bench
from tbp.compression import (
    QuantizationUnavailable,
    SparsityUnavailable,
    memory_bytes,
    prune_two_of_four,
    quantize_model_with_torchao,
    store_two_of_four,
)
from tbp.selftest.checks import Reading, check, median_ratio
from tbp.selftest.work import error_of, wall_s

# Large enough on a GPU that a product takes longer than its launch; multiples of what each kernel wants.
SIZES = {"cuda": (4096, 4096), "cpu": (64, 256)}  # rows, width
ROUNDS = 15
# Relative to the largest value, of products of hundreds of terms: bfloat16 has 8 bits, float8 (e4m3) 4, INT8 8 with
# one scale for a row.
MOST_ERROR = {"two_of_four": 2e-2, "float8_dynamic": 0.1, "int8_dynamic": 5e-2}


@check("2:4 sparsity")
def two_of_four(device: bench.Device) -> Iterator[Reading]:
    """A layer of which two in four weights are zeros, stored without them, in bfloat16."""
    dense, x = _layer(device)
    dense = prune_two_of_four(dense).bfloat16()
    try:
        stored = store_two_of_four(copy.deepcopy(dense))
    except SparsityUnavailable as error:
        raise bench.Skip(str(error)) from None
    yield from beside(dense, stored, x.bfloat16(), device, MOST_ERROR["two_of_four"])


@check("float8")
def float8(device: bench.Device) -> Iterator[Reading]:
    """A layer whose weights and inputs are in float8, beside bfloat16."""
    dense, x = _layer(device)
    yield from _by_torchao(dense.bfloat16(), x.bfloat16(), "float8_dynamic", device)


@check("INT8 by torchao")
def int8(device: bench.Device) -> Iterator[Reading]:
    """A layer whose weights and inputs are in INT8, eager, beside float32."""
    yield from _by_torchao(*_layer(device), "int8_dynamic", device)


def _by_torchao(dense: nn.Module, x: torch.Tensor, scheme: str, device: bench.Device) -> Iterator[Reading]:
    try:
        made = quantize_model_with_torchao(dense, scheme)  # type: ignore[arg-type]  # two of its literals
    except QuantizationUnavailable as error:
        raise bench.Skip(str(error)) from None
    yield from beside(dense, made, x, device, MOST_ERROR[scheme])


def beside(dense: nn.Module, small: nn.Module, x: torch.Tensor, device: bench.Device, most: float) -> Iterator[Reading]:
    """Error against the dense weights in float64, bytes and time of the compressed layer."""
    with torch.inference_mode():
        expected = copy.deepcopy(dense).cpu().double()(x.cpu().double())
        distance = error_of(small(x), expected)
    yield Reading("output", f"error {distance:.1e}", f"error at most {most:.0e}", distance <= most)
    size, dense_size = memory_bytes(small), memory_bytes(dense)
    yield Reading("bytes ÷ dense", f"{size / dense_size:.2f}", "below 0.7", size < 0.7 * dense_size)
    ratio = median_ratio(lambda: wall_s(_call(small, x), device, 3), lambda: wall_s(_call(dense, x), device, 3), ROUNDS)
    yield Reading("time ÷ dense", f"{ratio:.2f}")


def _call(module: nn.Module, x: torch.Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.inference_mode():
            return module(x)

    return call


def _layer(device: bench.Device) -> tuple[nn.Module, torch.Tensor]:
    rows, width = SIZES[device.name]
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(width, width)).eval()
    return layer.to(device.name), torch.randn(rows, width).to(device.name)
