"""The roof: how many floating-point operations a second this process gets out of the machine's matrix products.

Measured after the timing, in the same process and with the same threads, because it moves. From run to run it moves by
a tenth, under load it falls to a fifth. The share of it that a step reaches bounds how much faster the step could be.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

# Of float32 products, tried in this order. The first takes 1–10 ms on one core. After one of less than SHORT_S the next
# is tried, of eight times the work: many cores need larger products to be busy.
WIDTHS = (512, 1024, 2048)
SHORT_S = 0.001
# Time for repeating one product; together with the first, which warms up, under 50 ms on a core of 25 GFLOP/s.
BUDGET_S = 0.02


def cpu_roof_flop_per_s(clock_s: Callable[[], float] = time.perf_counter) -> float:
    """The fastest float32 product of square matrices seen, 2 FLOP per multiply-add."""
    best = 0.0
    for width in WIDTHS:
        with torch.inference_mode():
            square = torch.ones(width, width)
            torch.mm(square, square)
            fastest_s = _fastest_s(square, clock_s)
        best = max(best, 2 * width**3 / fastest_s)
        if fastest_s >= SHORT_S:
            break
    return best


def _fastest_s(square: torch.Tensor, clock_s: Callable[[], float]) -> float:
    start_s = clock_s()
    fastest_s, now_s = float("inf"), start_s
    while now_s - start_s < BUDGET_S:
        torch.mm(square, square)
        before_s, now_s = now_s, clock_s()
        fastest_s = min(fastest_s, now_s - before_s)
    return max(fastest_s, 1e-9)
