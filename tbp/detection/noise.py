"""How much a series spreads without a change.

Takes points and the boundaries between their segments, gives the two noises of the glossary. Both are relative:
0.02 is 2 % of the value. Which change is larger than noise is left to ``change_points``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tbp.model.points import columns, levels
from tbp.model.series import Point
from tbp.statistics.robust import median

MAD_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution × this is its standard deviation


def noise_within(points: Sequence[Point]) -> float:
    """IQR ÷ median of one run's samples, the median over runs; NaN where no run kept its quartiles."""
    value, own = levels(points), columns(points)
    known = np.isfinite(value) & np.isfinite(own.low) & np.isfinite(own.high) & (value != 0)
    ratios = (own.high[known] - own.low[known]) / np.abs(value[known])
    return median(ratios) if len(ratios) else float("nan")


def noise_between(points: Sequence[Point], boundaries: Sequence[int]) -> float:
    """Robust standard deviation of run values around their segment's median, relative to it.

    ``boundaries`` are indexes of points where a segment begins, ascending. From three values in a segment on: fewer
    say nothing of their spread. NaN where no segment is as long.
    """
    value = levels(points)
    deviations = []
    for start, end in pairwise([0, *boundaries, len(points)]):
        own = value[start:end]
        own = own[np.isfinite(own)]
        middle = median(own) if len(own) >= 3 else 0.0
        if middle:
            deviations.append(np.abs(own / middle - 1))
    return MAD_TO_SIGMA * median(np.concatenate(deviations)) if deviations else float("nan")
