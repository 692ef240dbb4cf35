"""The difference of two stored runs of a series, with its error.

Takes the values of a series' runs, oldest first, and which two are meant; gives their difference with its error. Two
runs say nothing of the noise between runs, so it is taken from the other runs of the series: how far neighbours lie
apart. Knows no commits, no files and no directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from tbp.statistics.robust import median, quantile, relative
from tbp.statistics.student_t import t_reach, two_sided_t
from tbp.system.arrays import Floats

# Other runs without which the noise between runs is not known: their differences are what is measured, and the rules
# below were measured with 8 and more.
MIN_OTHER_RUNS = 8
# Noise moves with the machine and the code: only so many runs before the first and after the second count.
WINDOW = 30
# (quantile of the absolute differences, the same quantile of the standard normal distribution's). For normal noise
# all four say the same standard deviation; for the heavy tails of shared machines the outer ones say a larger one.
QUANTILES = ((0.5, 0.6745), (0.75, 1.1503), (0.9, 1.6449), (0.95, 1.9600))
# Degrees of freedom of Student's t: half the differences, but no more than this, because the tails of real noise are
# heavy. Of 5,060 pairs of adjacent runs (times of a project on hosted runners) 4, 8 and no limit claim 10, 15 and 23
# to have changed; runs further out show the same change in 10, 12 and 17 of them. Of pairs 10 runs apart 97, 141 and
# 187, shown in 96, 135 and 170. So 8 finds most for the false ones it costs.
MOST_FREEDOM = 8
# No time repeats better than this from process to process; keeps a clock that ticks coarsely from claiming certainty.
LEAST_ERROR = 0.002
# Runs on each outer side of the two that must share its level, and the least share of the difference they must show.
# Without them, 111 of those pairs were claimed instead of 15, and runs further out showed the change in 16: most of
# what looks like a change is one odd run.
WITNESSES = 3
LEAST_SHARE = 0.5
# The newest run has no witness after it, and a spike in it looks like a change. Where one run in twenty is a spike of
# 30 %, being the largest of 8 differences claims 2.7 % of identical pairs, the largest of 30 less than 1 %.
LONE = 30
# A value repeats exactly where this share of neighbouring runs are equal, among at least this many other runs.
EXACT_SHARE = 0.9
MIN_EXACT_RUNS = 3


class RunsDifference(Struct, frozen=True):
    """Second run against the first, in natural logarithms."""

    effect: float
    error: float  # standard error of ``effect``
    freedom: float  # degrees of freedom of ``error``
    is_shared: bool  # whether the runs beside the two confirm it: a spike of one run is no change

    def interval(self, confidence: float) -> tuple[float, float]:
        """The interval of the ratio − 1: (0.05, 0.07) is 5 to 7 % more."""
        reach = t_reach(confidence, self.freedom) * self.error
        # Beyond e^±50 only how far is unknown: keeps the exponential finite.
        return relative(self.effect - reach), relative(self.effect + reach)

    @property
    def p_value(self) -> float:
        """Two-sided: chance of two runs as far apart without a change."""
        return two_sided_t(self.effect / self.error, self.freedom)


def difference(
    values: Sequence[float], first: int, second: int, sessions: tuple[Sequence[float], Sequence[float]] = ((), ())
) -> RunsDifference | None:
    """Run ``second`` of a series against run ``first``; None where MIN_OTHER_RUNS are not there.

    ``values`` are positive, one for each run in order of history; ``second`` may be the older one. ``sessions`` has
    the values of the processes of the two runs, where known. They share their run's luck, so they cannot make the
    difference surer than the noise between runs allows, only less sure where they disagree.
    """
    start, end = sorted((first, second))
    begin = max(0, start - WINDOW)
    logs = np.log(np.asarray(values[begin : end + 1 + WINDOW], dtype=np.float64))
    start, end = start - begin, end - begin
    if len(logs) - 2 < MIN_OTHER_RUNS:
        return None
    step = float(logs[end] - logs[start])
    other_steps = _other_steps(logs, start, end)
    error = max(sigma(other_steps), _error_within(*sessions), LEAST_ERROR)
    effect = step if first < second else -step
    freedom = min(MOST_FREEDOM, len(other_steps) / 2)
    return RunsDifference(effect, error, freedom, _is_shared(logs, start, end, other_steps))


def sigma(steps: Floats) -> float:
    """Standard deviation of differences, as the most pessimistic of their quantiles says."""
    sizes = np.sort(np.abs(steps))
    return max(quantile(sizes, share) / normal for share, normal in QUANTILES)


def repeats_exactly(values: Sequence[float], first: int, second: int) -> bool:
    """True where the other runs show that a value changes by decision and not by chance.

    One step between the two is the change itself and shows nothing.
    """
    start, end = sorted((first, second))
    indexes = [index for index in range(len(values)) if index not in (first, second)]
    steps = [(index, following) for index, following in pairwise(indexes) if values[index] != values[following]]
    is_change_seen = any(index < end and following > start for index, following in steps)
    return len(indexes) >= MIN_EXACT_RUNS and len(steps) - is_change_seen <= (1 - EXACT_SHARE) * (len(indexes) - 1)


def _other_steps(logs: Floats, start: int, end: int) -> Floats:
    """The differences of neighbouring runs but the one that may be the change itself: the largest in its direction."""
    steps = np.diff(logs)
    inside = steps[start:end] * np.sign(logs[end] - logs[start])
    return np.delete(steps, start + int(np.argmax(inside)))


def _error_within(first: Sequence[float], second: Sequence[float]) -> float:
    """The error by the spread between a run's processes; 0 where there are fewer than two a run."""
    if min(len(first), len(second)) < 2:
        return 0.0
    return math.sqrt(sum(float(np.var(np.log(side), ddof=1)) / len(side) for side in (first, second)))


def _is_shared(logs: Floats, start: int, end: int, other_steps: Floats) -> bool:
    """True where the runs before the older one and those after the younger one keep to the two levels.

    Where nothing was stored on one side, as always after the newest run, the difference must exceed LONE others.
    """
    step = float(logs[end] - logs[start])
    before, after = logs[max(0, start - WITNESSES) : start].tolist(), logs[end + 1 : end + 1 + WITNESSES].tolist()
    if not (before and after) and (len(other_steps) < LONE or abs(step) <= float(np.abs(other_steps).max())):
        return False
    seen = [float(logs[end]) - median(before)] if before else []
    seen += [median(after) - float(logs[start])] if after else []
    return all(shift * math.copysign(1.0, step) > LEAST_SHARE * abs(step) for shift in seen)
