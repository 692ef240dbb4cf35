"""How much a series spreads without a change.

Takes points and the boundaries between their segments, gives the two noises of the glossary. Both are relative:
0.02 is 2 % of the value. Which change is larger than noise is left to ``change_points``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tbp.history.series import Point

MAD_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution × this is its standard deviation


def noise_within(points: Sequence[Point]) -> float:
    """IQR ÷ median of one run's samples, the median over runs; NaN where no run kept its quartiles."""
    ratios = [
        (point.high - point.low) / abs(point.value)
        for point in points
        if point.has_level and point.value and np.isfinite([point.low, point.high]).all()
    ]
    return float(np.median(ratios)) if ratios else float("nan")


def noise_between(points: Sequence[Point], boundaries: Sequence[int]) -> float:
    """Robust standard deviation of run values around their segment's median, relative to it.

    ``boundaries`` are indexes of points where a segment begins, ascending. From three values in a segment on: fewer
    say nothing of their spread. NaN where no segment is as long.
    """
    deviations: list[float] = []
    for start, end in pairwise([0, *boundaries, len(points)]):
        values = [point.value for point in points[start:end] if point.has_level]
        middle = float(np.median(values)) if len(values) >= 3 else 0.0
        if middle:
            deviations += [abs(value / middle - 1) for value in values]
    return MAD_TO_SIGMA * float(np.median(deviations)) if deviations else float("nan")
