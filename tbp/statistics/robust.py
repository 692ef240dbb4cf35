"""Median and quantile of float arrays, as numpy's to the last digit and without its preparations.

A series of 165 runs asks for about thirty. Of 165 values numpy's median takes 10.8 µs, this one 1.1 µs; numpy's
quantile 28.8 µs, this one 0.4 µs. For 10,600 series that is 3 s. Mean, variance and clipping are numpy's. The standard
library's median serves stretches of a few numbers (the sparkline's), its lower median the gate's budget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tbp.system.arrays import Floats

MAD_TO_SIGMA = 1.4826  # median absolute deviation of a normal distribution × this is its standard deviation
MEDIAN_ERROR = 1.25  # standard error of a median ÷ that of a mean, for normal values: sqrt(pi / 2)
LARGEST_LOG = 50.0  # a factor of 10^21: beyond it nothing is known but that it is large


def median(values: Sequence[float] | Floats) -> float:
    """The median of ``values``; NaN of nothing."""
    if not len(values):
        return float("nan")
    ordered = np.array(values, dtype=np.float64)
    ordered.sort()
    return 0.5 * float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])


def median_error(values: Sequence[float] | Floats) -> float:
    """The standard error of the median of normal ``values``, by their median absolute deviation; NaN of nothing."""
    apart = np.abs(np.asarray(values, dtype=np.float64) - median(values))
    return MEDIAN_ERROR * MAD_TO_SIGMA * median(apart) / math.sqrt(max(len(apart), 1))


def quantile(ordered: Floats, share: float) -> float:
    """The quantile of numbers in ascending order, in proportion between two of them; NaN of nothing."""
    if not len(ordered):
        return float("nan")
    position = share * (len(ordered) - 1)
    below = int(position)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    part = position - below
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def relative(difference: float) -> float:
    """The effect size that a difference of logarithms stands for; beyond a factor of e^50 it stays that of e^50."""
    return math.expm1(min(max(difference, -LARGEST_LOG), LARGEST_LOG))
