"""Student's t, two-sided, by ``scipy.special``: ``scipy.stats`` gives the same and takes a second to import.

``report/static/judge.js`` has the same two functions for the browser; tests/browser compares them.
"""

from __future__ import annotations

from scipy import special


def two_sided_t(score: float, freedom: float) -> float:
    """The p-value of a t score whose sign does not matter; ``freedom`` is above 0."""
    return 2 * float(special.stdtr(freedom, -abs(score)))


def t_reach(confidence: float, freedom: float) -> float:
    """The half width of an interval of this confidence, in standard errors; of 0.99 with 8 degrees of freedom 3.355."""
    return float(special.stdtrit(freedom, 0.5 + confidence / 2))
