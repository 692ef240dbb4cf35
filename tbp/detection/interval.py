"""The size of a change with an honest margin: a confidence interval of its effect.

Takes the runs on both sides of a change, gives ``Change.low`` and ``Change.high``. The detector decides that there is a
change; the interval bounds its size, given that it is where it was found.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from msgspec.structs import replace

from tbp.detection.measured import Measured, measured
from tbp.detection.selection import correlation_inflation, residuals_of
from tbp.model.changes import Change
from tbp.model.effects import CONFIDENCE
from tbp.model.points import columns, levels
from tbp.model.series import Point
from tbp.statistics.mann_whitney import tails
from tbp.statistics.robust import MEDIAN_ERROR, relative
from tbp.statistics.student_t import t_reach
from tbp.system.arrays import Floats

# Up to here the distribution of the rank statistic is counted out; beyond, the normal approximation places the bounds
# of a 99 % interval on the same difference or the next.
MOST_EXACT = 400  # pairs of runs
MOST_DIFFERENCES = 250_000  # made at once, 2 MB; more are counted instead
# Below this many runs on both sides together a correlation cannot be told from chance.
MIN_CORRELATED = 20


def with_interval(change: Change, edges: tuple[int, int], points: Sequence[Point]) -> Change:
    """``change`` with the interval of its effect; NaN stays where the runs cannot say, as with one on each side.

    ``edges`` are where the segment before begins and the one after ends. The run is the unit: the processes of one
    run share its luck.

    Where enough runs are there, the bounds are Moses' (Hollander, Wolfe, Chicken, "Nonparametric statistical methods",
    2014, section 4.3): differences between runs after and before, of ranks at which Mann-Whitney's test would
    reject. It asks no shape of the noise. Correlation from run to run widens it as it weakens the test. With fewer runs
    than any rank test could decide by, it is Student's t with the noise of both sides, and of the runs' own processes
    where that is larger.

    Times are compared as logarithms. The interval always holds the effect itself, which is one of medians.
    """
    start, end = edges
    known = levels(points)[start:end]
    runs: list[int] = (np.flatnonzero(np.isfinite(known)) + start).tolist()
    values: list[float] = known[np.isfinite(known)].tolist()
    sessions = columns(points).sessions
    series = measured(values, [sessions.get(run, ()) for run in runs] if sessions else None)
    split = sum(run < change.index for run in runs)
    before, after = series.scaled[:split], series.scaled[split:]
    if not (len(before) and len(after) and change.before):
        return change
    effect = change.effect
    if change.p_value == 0:  # of a counter: certain, and exact
        return replace(change, low=effect, high=effect)
    low, high = _bounds(series, split)
    if series.is_log:
        low, high = relative(low), relative(high)
    else:
        low, high = low / abs(change.before), high / abs(change.before)
    return replace(change, low=min(low, effect), high=max(high, effect))


def _bounds(series: Measured, split: int) -> tuple[float, float]:
    """The bounds of the shift of level, on the scale of ``series.scaled``."""
    scaled, count = series.scaled, len(series.scaled)
    before, after = scaled[:split], scaled[split:]
    widening = correlation_inflation(residuals_of(scaled, (0, split, count))) if count >= MIN_CORRELATED else 1.0
    rank = _rank(len(before), len(after), widening)
    if rank < 1:
        return _student(series, split, widening)
    return _difference(before, after, rank), _difference(before, after, len(before) * len(after) + 1 - rank)


def _difference(before: Floats, after: Floats, rank: int) -> float:
    """The ``rank``-th smallest, from 1, of all differences between one of ``after`` and one of ``before``.

    Of long sides the differences are not made but counted: the bound is halved in until nothing lies between.
    """
    if len(before) * len(after) <= MOST_DIFFERENCES:
        return float(np.partition(np.subtract.outer(after, before).ravel(), rank - 1)[rank - 1])
    before, after = np.sort(before), np.sort(after)
    low, high = float(after[0] - before[-1]), float(after[-1] - before[0])
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (low, middle) if _at_most(middle, before, after) >= rank else (middle, high)
    return high


def _at_most(difference: float, before: Floats, after: Floats) -> int:
    """The number of differences that are at most ``difference``. Both sides ascend; the shorter is looked up."""
    if len(before) <= len(after):
        return int(np.searchsorted(after, before + difference, side="right").sum())
    return len(before) * len(after) - int(np.searchsorted(before, after - difference, side="left").sum())


def _rank(before: int, after: int, widening: float) -> int:
    """The rank, from both ends, of the differences that are the bounds; below 1 where none is as sure as CONFIDENCE."""
    pairs, chance = before * after, (1 - CONFIDENCE) / 2
    if widening == 1.0 and pairs <= MOST_EXACT:
        arrangements = math.comb(before + after, before)
        return bisect_right(tails(min(before, after), max(before, after)), chance * arrangements)
    deviation = math.sqrt(pairs * (before + after + 1) / 12)
    return math.floor(pairs / 2 - NormalDist().inv_cdf(1 - chance) * widening * deviation)


def _student(series: Measured, split: int, widening: float) -> tuple[float, float]:
    """Student's t; infinite where there are too few runs for any spread."""
    before, after = series.scaled[:split], series.scaled[split:]
    freedom = len(series.scaled) - 2
    shift = float(after.mean() - before.mean())
    if freedom < 1:
        return math.nan, math.nan
    squares = sum(float(np.sum((side - side.mean()) ** 2)) for side in (before, after))
    sigma = max(math.sqrt(squares / freedom), _sigma_within(series))
    error = sigma * widening * math.sqrt(1 / len(before) + 1 / len(after))
    reach = t_reach(CONFIDENCE, freedom) * error
    return shift - reach, shift + reach


def _sigma_within(series: Measured) -> float:
    """The error of a run's value, a median, as the spread between its processes predicts it; 0 where unknown."""
    several = [processes for processes in series.sessions if len(processes) > 1]
    if not several:
        return 0.0
    variance = float(np.mean([np.var(processes, ddof=1) / len(processes) for processes in several]))
    return MEDIAN_ERROR * math.sqrt(variance)
