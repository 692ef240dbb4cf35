"""Medians, quantiles and other statistics of float arrays that outliers do not move."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


LARGEST_LOG = 50.0  # a factor of 10^21


def median(values: Floats) -> float:
    """That of numpy, to the last digit, without its preparations: a long series asks for thirty. NaN of nothing."""
    if not len(values):
        return float("nan")
    ordered = values.copy()
    ordered.sort()
    return 0.5 * float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2])


def mean(values: Floats) -> float:
    """That of numpy, to the last digit, without its preparations, like those below."""
    return float(np.add.reduce(values) / len(values))


def variance(values: Floats, lost: int = 0) -> float:
    """With ``lost`` degrees of freedom taken by the mean."""
    return squares(values) / (len(values) - lost)


def squares(values: Floats) -> float:
    """The sum of squares around the mean."""
    centred = values - np.add.reduce(values) / len(values)
    return float(np.add.reduce(centred * centred))


def clipped(values: Floats, low: float, high: float) -> Floats:
    inside: Floats = np.minimum(np.maximum(values, low), high)
    return inside


def quantile(ordered: Floats, share: float) -> float:
    """Of numbers in ascending order, between two of them in proportion: numpy's to the last digit. NaN of nothing.

    numpy's own takes 0.2 ms for its preparations, and loads its masked arrays.
    """
    if not len(ordered):
        return float("nan")
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
    part = place - below
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def relative(difference: float) -> float:
    """A difference of logarithms as a share, 0.1 is 10 % more, as far as an exponential says something."""
    return math.expm1(min(max(difference, -LARGEST_LOG), LARGEST_LOG))
