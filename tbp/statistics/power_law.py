"""The growth of a value with a size: the exponent of a power law and its interval.

Takes sizes and values, gives a ``Growth``; which series form a line, and the words for it, are left to the report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from tbp.statistics.student_t import t_reach

CONFIDENCE = 0.95
TOLERANCE = 0.005  # half of what is shown of an exponent; sums of rounded logarithms differ by less


class Growth(Struct, frozen=True):
    """value ∝ size ^ ``exponent``, fitted by least squares to the logarithms of both."""

    sizes: int  # distinct ones
    smallest: float
    largest: float
    ratio: float  # value at the largest ÷ value at the smallest size
    exponent: float
    low: float  # 95 % interval of the exponent, from the residuals; NaN with two sizes, which any power law meets
    high: float
    last: float  # exponent between the two largest sizes: the one that a still larger size is likely to follow
    before_largest: float  # the second largest size

    @property
    def is_power_law(self) -> bool:
        """True where one exponent fits: that between the largest sizes is inside the interval of the whole."""
        return math.isfinite(self.low) and self.low - TOLERANCE <= self.last <= self.high + TOLERANCE


def growth(sizes: Sequence[float], values: Sequence[float]) -> Growth | None:
    """The growth of ``values`` over ``sizes``; several values of one size count as their geometric mean.

    None where fewer than two sizes above zero have a finite value above zero. The interval is Student's, with two
    degrees of freedom less than there are sizes: from three sizes it is wide, and honestly so.
    """
    logs: dict[float, list[float]] = {}
    for size, value in zip(sizes, values, strict=True):
        if size > 0 and value > 0 and math.isfinite(size) and math.isfinite(value):
            logs.setdefault(math.log(size), []).append(math.log(value))
    if len(logs) < 2:
        return None
    x = np.array(sorted(logs))
    y = np.array([float(np.mean(logs[size])) for size in sorted(logs)])
    exponent = float(np.polyfit(x, y, 1)[0])
    low, high = _interval(x, y, exponent)
    return Growth(
        sizes=len(x),
        smallest=math.exp(x[0]),
        largest=math.exp(x[-1]),
        ratio=math.exp(y[-1] - y[0]),
        exponent=exponent,
        low=low,
        high=high,
        last=float((y[-1] - y[-2]) / (x[-1] - x[-2])),
        before_largest=math.exp(x[-2]),
    )


def _interval(x: np.ndarray, y: np.ndarray, exponent: float) -> tuple[float, float]:
    freedom = len(x) - 2
    if freedom < 1:
        return math.nan, math.nan
    residuals = y - y.mean() - exponent * (x - x.mean())
    error = math.sqrt(float((residuals**2).sum()) / freedom / float(((x - x.mean()) ** 2).sum()))
    reach = t_reach(CONFIDENCE, freedom) * error
    return exponent - reach, exponent + reach


def numeric(values: Sequence[str]) -> dict[str, float]:
    """The values that are positive numbers, by how they are written; empty where one of them is none."""
    numbers: dict[str, float] = {}
    for value in values:
        try:
            number = float(value)
        except ValueError:
            return {}
        if not (number > 0 and math.isfinite(number)):
            return {}
        numbers[value] = number
    return numbers
