"""The roof: how many floating-point operations, and bytes, a second this process gets out of the machine.

Measured after the timing, in the same process, dtype and number of threads, because it moves. From run to run it moves
by a tenth, under load it falls to a fifth. The share of it that a step reaches bounds how much faster the step could be
(the roofline model: Williams, Waterman, Patterson, CACM 52(4), 2009).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .devices import Device

# Of square products, tried in this order. The first takes 1–10 ms on one core. After one of less than SHORT_S the next
# is tried, of eight times the work: many cores, and a GPU, need larger products to be busy.
WIDTHS = (512, 1024, 2048, 4096, 8192)
SHORT_S = 0.001
# Time for repeating one product; together with the first, which warms up, under 50 ms on a core of 25 GFLOP/s.
BUDGET_S = 0.02
# Of a triad: below, its three operators cost more than the bytes; above, it is out of every cache and takes long.
LEAST_TRIAD_BYTES = 1 << 20
MOST_TRIAD_BYTES = 1 << 28


@dataclass(frozen=True)
class Roof:
    """The most that the process was seen to do a second, in one dtype; 0 where not measured."""

    flop_per_s: float = 0.0  # of matrix products, 2 FLOP per multiply-add
    bytes_per_s: float = 0.0  # read and written by a triad of as many bytes as the step moves


def roof(device: Device, dtype: torch.dtype, step_bytes: int, clock_s: Callable[[], float] = time.perf_counter) -> Roof:
    """The roof of a step that moves ``step_bytes``: what fits into a cache is held against the speed of that cache."""
    with torch.inference_mode():
        return Roof(_flop_per_s(device, dtype, clock_s), _bytes_per_s(device, dtype, step_bytes, clock_s))


def _flop_per_s(device: Device, dtype: torch.dtype, clock_s: Callable[[], float]) -> float:
    best = 0.0
    for width in WIDTHS:
        square = torch.ones(width, width, dtype=dtype, device=device.name)
        fastest_s = _fastest_s(lambda square=square: torch.mm(square, square), device, clock_s)  # type: ignore[misc]
        best = max(best, 2 * width**3 / fastest_s)
        if fastest_s >= SHORT_S:
            break
    return best


def _bytes_per_s(device: Device, dtype: torch.dtype, step_bytes: int, clock_s: Callable[[], float]) -> float:
    """a = b + s·c over three arrays (McCalpin's STREAM, 1995), which together have about ``step_bytes``."""
    total = min(max(step_bytes, LEAST_TRIAD_BYTES), MOST_TRIAD_BYTES)
    a, b, c = (torch.ones(total // 3 // dtype.itemsize, dtype=dtype, device=device.name) for _ in range(3))
    fastest_s = _fastest_s(lambda: torch.add(b, c, alpha=2, out=a), device, clock_s)
    return 3 * a.numel() * dtype.itemsize / fastest_s


def _fastest_s(work: Callable[[], object], device: Device, clock_s: Callable[[], float]) -> float:
    work()
    device.synchronise()
    start_s = clock_s()
    fastest_s, now_s = float("inf"), start_s
    while now_s - start_s < BUDGET_S:
        work()
        device.synchronise()
        before_s, now_s = now_s, clock_s()
        fastest_s = min(fastest_s, now_s - before_s)
    return max(fastest_s, 1e-9)
