"""The decision on a probe: is its level that of the good end, or that of the bad end?

Takes the effects of pairs (logs, against the good end) and the two levels, gives the likeness as soon as the error of
the decision is below a bound. That needs fewer pairs than to tell any change of 2 %: a probe of a real 10 % is known
after six. Knows no commits, no processes and no clock.

The test is Wald's, with the variance estimated: "Sequential tests of statistical hypotheses", Annals of Mathematical
Statistics 16 (1945). tools/bisect_error_rates.py has its error rates; docs/how-to/bisect.md says them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import ceil, copysign, log, log2, sqrt

from tbp.model.effects import CONFIDENCE
from tbp.statistics.paired_ratios import Estimate, estimate

# Of the whole search: the chance that any of its probes goes the wrong way. A tenth of what a gate may claim wrongly,
# as a wrong branch costs all that comes after it; the confirmation of the culprit has an error of its own.
SEARCH_ERROR = 0.005
# Fewer pairs decide nothing, as in a gate: where a process settles in one of two modes, three agree by chance.
LEAST_PAIRS = 6
# From here on a level between the two ends is called that, where both ends are outside of its interval.
BETWEEN_PAIRS = 12
# More pairs than this narrow the interval by less than a tenth for each five of them.
MOST_PAIRS = 24
# The noise of all pairs so far counts as much as this many pairs of the probe itself, whose noise may differ.
NOISE_WEIGHT = 6.0
# No machine repeats a time more closely, however few pairs say so.
LEAST_NOISE = 0.003


class Likeness(Enum):
    """The end of the line that a probe is like."""

    OPEN = "open"  # more pairs may tell
    GOOD = "good"
    BAD = "bad"
    UNDECIDED = "undecided"  # … and more pairs are not worth it


def probe_error(commits: int) -> float:
    """The error that each of the probes in a line of ``commits`` may have (Bonferroni)."""
    return SEARCH_ERROR / max(1, ceil(log2(max(1, commits))))


def noise(comparisons: Sequence[Sequence[float]]) -> float:
    """The standard deviation of one pair, from the effects of several comparisons; wild pairs count little."""
    deviations = []
    for effects in comparisons:
        if len(effects) > 1:
            middle = sum(effects) / len(effects)
            widened = (len(effects) / (len(effects) - 1)) ** 0.5
            deviations += [(effect - middle) * widened for effect in effects]
    if len(deviations) < 2:
        return LEAST_NOISE
    return max(LEAST_NOISE, estimate(deviations).error * sqrt(len(deviations)))


def likeness(
    effects: Sequence[float], good: float, bad: float, usual_noise: float, error: float, most: int = MOST_PAIRS
) -> Likeness:
    """The end that a probe with these ``effects`` is like; ``good`` and ``bad`` are the levels of the ends.

    A level between them, which several steps on the way make, is taken for the nearer end: the larger step is then on
    the other side of it.
    """
    count = len(effects)
    if count < min(LEAST_PAIRS, most):
        return Likeness.OPEN
    seen = estimate(effects)
    toward_bad = copysign(1.0, bad - good) * (seen.effect - (good + bad) / 2)
    side = Likeness.BAD if toward_bad > 0 else Likeness.GOOD
    if count * abs(bad - good) * abs(toward_bad) / _variance(seen, usual_noise) >= log((1 - error) / error):
        return side
    low, high = seen.interval(CONFIDENCE)
    if count >= BETWEEN_PAIRS and min(good, bad) < low and high < max(good, bad):
        return side
    return Likeness.OPEN if count < most else Likeness.UNDECIDED


def standard_error(seen: Estimate, usual_noise: float) -> float:
    """The standard error of an effect of few pairs, helped by the noise of all the others."""
    return sqrt(_variance(seen, usual_noise) / seen.pairs)


def _variance(seen: Estimate, usual_noise: float) -> float:
    """The variance of one pair: that of the probe and the usual one, by how many pairs each stands for."""
    freedom = seen.pairs - 1
    measured = seen.error**2 * seen.pairs
    return max(LEAST_NOISE**2, (NOISE_WEIGHT * usual_noise**2 + freedom * measured) / (NOISE_WEIGHT + freedom))
