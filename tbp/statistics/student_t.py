"""Student's t: what scipy.special.stdtr and stdtrit say, in a few lines.

Not scipy's own: importing scipy.special takes longer than most reports take to build.
"""

from __future__ import annotations

import math
from statistics import NormalDist

# The continued fraction is cut off where another term changes nothing that a double can hold. Few terms are needed;
# the square root of the degrees of freedom bounds them.
_PRECISION = 1e-15
_MOST_TERMS = 10_000
_LARGEST = 1e300  # of a score squared; beyond it the p-value of any noise that there is rounds to 0
_TINY = 1e-300  # instead of a zero that would be divided by
_MOST_STEPS = 60  # of Newton's method, which takes about six


def two_sided_t(score: float, freedom: float) -> float:
    """The p-value of a t score whose sign does not matter, to 1e-10 of itself; ``freedom`` is above 0.

    The regularised incomplete beta function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + score²): Abramowitz
    and Stegun, "Handbook of mathematical functions" (1964), 26.5.27.
    """
    square = score * score
    if square > _LARGEST:
        return 0.0
    x, y = freedom / (freedom + square), square / (freedom + square)
    if y == 0:
        return 1.0
    a, b = freedom / 2, 0.5
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + b * math.log(y) - a * math.log1p(square / freedom)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, y) / b


def t_reach(confidence: float, freedom: float) -> float:
    """How far an interval of this confidence reaches to both sides, in standard errors; 0.99 and 8 are 3.355.

    Newton's method on the logarithms of score and p-value, in which the tail is nearly a line.
    """
    p_value = 1 - confidence
    score = NormalDist().inv_cdf(1 - p_value / 2)
    density = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    for _ in range(_MOST_STEPS):
        found = two_sided_t(score, freedom)
        slope = 2 * score * math.exp(density - (freedom + 1) / 2 * math.log1p(score * score / freedom)) / found
        step = math.log(found / p_value) / slope
        score *= math.exp(step)
        if abs(step) < _PRECISION * 10:
            break
    return score


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method.

    NIST Digital Library of Mathematical Functions, 8.17.22; Press and others, "Numerical Recipes" (2007), 6.4.
    """
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return fraction


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
