"""The yardstick: a piece of work that no commit changes, timed beside every sample.

A shared machine changes its speed by the second, and CPU time changes with it (another guest on the same core). The
yardstick slows down alike, so sample ÷ yardstick is the step's cost at the machine's usual speed. Measured on
two shared cores while other work came and went, over 30 sessions of 200 samples. The standard deviation of a session's
median was 12–13 % of the time itself and 0.7–1.7 % of its ratio to the yardstick. A matrix product alone left 3–4 %,
a GELU alone 4 %: the slow-down differs between computing and moving data, so the yardstick does some of both.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

# About 0.3 ms together on a 50 GFLOP/s core: long enough for the clock, short beside a sample of 1 ms. Changing any
# of it changes what stored ratios mean: raise PROTOCOL in ``clock`` with it.
PRODUCT_WIDTH = 128
GELU_ELEMENTS = 1 << 15
REPEATS = 2


def cpu_yardstick() -> Callable[[], object]:
    """The work to time, on the CPU with as many threads as the step itself."""
    generator = torch.Generator().manual_seed(0)
    square = torch.randn(PRODUCT_WIDTH, PRODUCT_WIDTH, generator=generator)
    values = torch.randn(GELU_ELEMENTS, generator=generator)

    def work() -> None:
        with torch.inference_mode():
            for _ in range(REPEATS):
                torch.mm(square, square)
                F.gelu(values)

    return work
