"""Student's t, two-sided, by ``scipy.special``: ``scipy.stats`` gives the same and takes half a second to import.

``report/static/judge.js`` has the same two functions for the browser; tests/browser compares them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from scipy import special

from tbp.model.effects import CONFIDENCE
from tbp.statistics.robust import LARGEST_LOG


def two_sided_t(score: float, freedom: float) -> float:
    """The p-value of a t score whose sign does not matter; ``freedom`` is above 0."""
    return 2 * float(special.stdtr(freedom, -abs(score)))


def t_reach(confidence: float, freedom: float) -> float:
    """The half width of an interval of this confidence, in standard errors; of 0.99 with 8 degrees of freedom 3.355."""
    return float(special.stdtrit(freedom, 0.5 + confidence / 2))


def welch_freedom(variances: Sequence[float], freedoms: Sequence[float]) -> float:
    """The degrees of freedom of a sum of ``variances``, not all 0, by Welch and Satterthwaite; each has its freedom."""
    total = sum(variances)
    return 1 / sum((variance / total) ** 2 / freedom for variance, freedom in zip(variances, freedoms, strict=True))


def ratio_interval(ratios: Sequence[float], least_error: float = 0.0) -> tuple[float, float]:
    """Student's t interval at CONFIDENCE of positive ratios, on a log scale around their median; NaN of just one.

    ``least_error`` is the standard error that their mean has at least: a few ratios may be alike by luck.
    """
    if len(ratios) < 2:
        return math.nan, math.nan
    logs = [math.log(ratio) for ratio in ratios]
    middle, error = statistics.median(logs), statistics.stdev(logs) / math.sqrt(len(logs))
    reach = max(t_reach(CONFIDENCE, len(logs) - 1) * error, t_reach(CONFIDENCE, math.inf) * least_error)
    low, high = (middle + side * reach for side in (-1, 1))
    return math.exp(max(low, -LARGEST_LOG)), math.exp(min(high, LARGEST_LOG))
