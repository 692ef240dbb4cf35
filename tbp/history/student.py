"""Student's t for whole degrees of freedom, in a few lines: scipy.stats takes longer to import than most reports to
build.
"""

from __future__ import annotations

import math


def two_sided_t(score: float, freedom: int) -> float:
    """The p-value of a t score whose sign does not matter, to 1e-12 or so.

    Abramowitz and Stegun, "Handbook of mathematical functions" (1964), 26.7.3 and 26.7.4.
    """
    angle = math.atan(abs(score) / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = freedom % 2
    term = cosine if is_odd else 1.0
    total = 0.0
    for power in range(1 + is_odd, freedom, 2):
        total += term
        term *= cosine**2 * power / (power + 1)
    inside = 2 / math.pi * (angle + sine * total) if is_odd else sine * total
    return min(1.0, max(0.0, 1 - inside))
