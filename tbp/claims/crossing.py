"""The size from which on a practice pays: where its factor passes a threshold between two measured sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise


def crossing(sizes: Sequence[float], factors: Sequence[float], threshold: float) -> float | None:
    """The size at which ``factors`` pass ``threshold``, once; None where they do not, or do so several times.

    Between two sizes, a factor is taken for a power of the size: a straight line where both axes are logarithmic.
    """
    points = sorted(zip(sizes, factors, strict=True))
    if any(not size > 0 or not factor > 0 for size, factor in points) or not threshold > 0:
        return None
    passed = [(low, high) for low, high in pairwise(points) if (low[1] >= threshold) != (high[1] >= threshold)]
    if len(passed) != 1:
        return None
    (size, factor), (next_size, next_factor) = passed[0]
    share = (math.log(threshold) - math.log(factor)) / (math.log(next_factor) - math.log(factor))
    return math.exp(math.log(size) + share * (math.log(next_size) - math.log(size)))
