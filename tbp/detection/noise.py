"""The noise of a series: its spread without a change.

Takes points and the boundaries between their segments, gives the two noises of the glossary. Both are relative:
0.02 is 2 % of the value. Which change is larger than noise is left to the detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tbp.model.points import columns, levels
from tbp.model.series import Point
from tbp.statistics.robust import MAD_TO_SIGMA, median


def noise_within(points: Sequence[Point]) -> float:
    """IQR ÷ median of one run's samples, the median over runs; NaN where no run kept its quartiles."""
    value, table = levels(points), columns(points)
    known = np.isfinite(value) & np.isfinite(table.low) & np.isfinite(table.high) & (value != 0)
    ratios = (table.high[known] - table.low[known]) / np.abs(value[known])
    return median(ratios) if len(ratios) else float("nan")


def noise_between(points: Sequence[Point], boundaries: Sequence[int]) -> float:
    """Robust standard deviation of run values around their segment's median, relative to it.

    ``boundaries`` are indexes of points where a segment begins, ascending. From three values in a segment on: fewer
    say nothing of their spread. NaN where no segment is as long.
    """
    value = levels(points)
    deviations = []
    for start, end in pairwise([0, *boundaries, len(points)]):
        segment = value[start:end]
        segment = segment[np.isfinite(segment)]
        middle = median(segment) if len(segment) >= 3 else 0.0
        if middle:
            deviations.append(np.abs(segment / middle - 1))
    return MAD_TO_SIGMA * median(np.concatenate(deviations)) if deviations else float("nan")
