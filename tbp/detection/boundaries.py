"""The evidence of a step at a boundary: one place between two neighbouring segments.

Takes the scaled runs of a series, its segments and its noise; gives the chance of such a boundary without a step. Which
boundaries are looked at, and in which order they are given up, is left to ``selection``.

Three tests look at each boundary, because each sees what the others cannot:

- *ranks* of the two segments (Mann-Whitney): any shift that is large against the noise, whatever its shape;
- *scores*, the slope of the noise's own density: the most powerful test of a small shift (Hájek, Šidák and Sen,
  "Theory of rank tests", 1999, chapter 4); of noise with two modes it tells a shift from a change of the modes' shares;
- the *pool*: the shorter segment, seen from the level of the longer one, against what all other runs of the series do
  around theirs. By their own ranks, six runs against nine cannot be sure; against the noise of 100 runs they can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
from msgspec import Struct

from tbp.detection.measured import Measured
from tbp.detection.segmentation import Loss
from tbp.statistics.mann_whitney import inflated, ranked, two_sided
from tbp.statistics.robust import MAD_TO_SIGMA, MEDIAN_ERROR, median, quantile
from tbp.system.arrays import Floats

# A line through both segments must gain this over the step, twice the log-likelihood, to make it drift. At 0, steps
# near a segment's end are mistaken for lines (F1 0.804 against 0.812).
LINE_GAIN = 4.0
LINE_CLIP = 0.02  # share of values clipped at both ends before a slope is fitted, so that outliers do not bend it

# The smallest of three p-values counts twice: they are of the same runs, so three times would be too cautious (98.7 %
# of obvious steps confirmed instead of 99.2 %, with as many false alarms).
TESTS = 2
# Runs of each side from which on scores are as normal as their test takes them to be; of fewer, three runs of a second
# mode pass for a step.
MIN_SCORED = 8
CHOICES = 4  # the pool is asked for the direction that was seen, and of a segment whose other end was chosen too
# Shorter segments are held against the pool; from here on the two segments' own ranks can be as sure as is needed.
MOST_POOLED = 30
# Of the shorter segment's runs, that lie beyond the pool: all, or most, so that a run out of line hides no step.
POOLED_SHARES = (1.0, 0.8, 0.6)
LEVEL_ERRORS = 2.0  # the longer segment's level is taken to be so many standard errors nearer to the shorter one
# Nine tenths as far out is as far: runs of one mode are not sorted by their last digits.
AS_FAR = 0.9
# Beyond everything seen the chance falls as the square of the distance, as the widest tails with a finite variance do.
# At 0, where size does not count, 97.6 % of obvious steps are confirmed instead of 99.3 %.
TAIL_POWER = 2.0


class NoiseModel(Struct, frozen=True):
    """The scatter of a series' values around their levels."""

    width: float  # of the bins that deviations are rounded to
    sigma: float  # robust standard deviation
    loss: Loss


class Boundary:
    """A place between two neighbouring segments, and the tests of a step there."""

    def __init__(self, series: Measured, scaled: Floats, edges: Sequence[int], noise: NoiseModel) -> None:
        """``edges`` are where the segment before begins, the place itself, and where the segment after ends."""
        self.edges = start, index, end = (edges[0], edges[1], edges[2])
        self.index = index
        self.before, self.after = scaled[start:index], scaled[index:end]
        self.shift = median(self.after) - median(self.before)
        # With the trend in it, as a reader sees it: a step of 2 % that a trend undoes is no change of level.
        self._seen = median(series.scaled[index:end]) - median(series.scaled[start:index])
        self._series, self._noise = series, noise
        self._ranked = ranked(self.before, self.after)
        self._score = _score(self.before, self.after, noise)

    def is_relevant(self, effect: float) -> bool:
        """True where the level shifts by at least ``effect``, relative to the level before."""
        start, index, _ = self.edges
        least = self._series.relevant(effect, median(self._series.raw[start:index]))
        return self.shift * self._seen > 0 and min(abs(self.shift), abs(self._seen)) >= least

    @property
    def in_sigmas(self) -> float:
        """The shift in standard deviations of the noise."""
        return abs(self.shift) / self._noise.sigma

    @cached_property
    def gain(self) -> float:
        """How much more it costs (nats) to explain both segments by one level than by two."""
        both = np.concatenate([self.before, self.after])
        apart = np.concatenate([self.before - median(self.before), self.after - median(self.after)])
        return _cost(both - median(both), self._noise) - _cost(apart, self._noise)

    @cached_property
    def is_line(self) -> bool:
        """True where a slope explains both segments clearly better than a step does: drift is no step."""
        return _is_line(self.before, self.after)

    def p_value(self, inflation: float, residuals: Floats) -> float:
        """The chance of such a boundary without a step, at one place.

        ``inflation`` is how much correlation from run to run widens a mean's error; ``residuals`` are the deviations
        of all runs of the series from their levels.
        """
        return TESTS * min(self._by_ranks(inflation), self._pooled(inflation, residuals))

    def is_unlikely(self, alpha: float, inflation: float, residuals: Floats) -> bool:
        """True where ``p_value`` is at most ``alpha``; the pool is asked only where the two segments leave it open."""
        return TESTS * self._by_ranks(inflation) <= alpha or TESTS * self._pooled(inflation, residuals) <= alpha

    def _by_ranks(self, inflation: float) -> float:
        """The smaller of the two p-values of the segments alone."""
        return min(two_sided(self._score / inflation), self._ranked.p_value(inflation))

    def _pooled(self, inflation: float, residuals: Floats) -> float:
        """The p-value of the shorter segment as draws from the pool; 1 where it is too long to need one."""
        start, index, end = self.edges
        is_after = len(self.after) < len(self.before)
        short, long = (self.after, self.before) if is_after else (self.before, self.after)
        if len(short) > MOST_POOLED:
            return 1.0
        first, last = (index, end) if is_after else (start, index)
        sign = math.copysign(1.0, self.shift if is_after else -self.shift)
        pool = sign * np.concatenate([residuals[:first], residuals[last:]])
        error = LEVEL_ERRORS * MEDIAN_ERROR * MAD_TO_SIGMA * median(np.abs(pool)) / len(long) ** 0.5
        deviations = sign * (short - median(long)) - error
        counts = sorted({math.ceil(share * len(short)) for share in POOLED_SHARES})
        # Correlation makes neighbours of runs that are far out likely; it does not make them further out.
        return min(
            inflated(min(1.0, CHOICES * len(counts) * drawn.chance), inflation) * drawn.reach
            for drawn in (draws(deviations, pool, count) for count in counts)
        )


class Draws(Struct, frozen=True):
    """The improbability of some deviations as draws from a pool."""

    chance: float  # that as many draws are among the largest of all: hypergeometric, whatever the shape of the noise
    reach: float  # 1, or less where nothing in the pool is as large: the chance of being so far beyond it

    @property
    def p_value(self) -> float:
        """The p-value of draws that do not depend on each other."""
        return self.chance * self.reach


def draws(deviations: Floats, pool: Floats, count: int) -> Draws:
    """The chance of the largest ``count`` of ``deviations``, if all are drawn from what ``pool`` is drawn from."""
    nearest = float(np.sort(deviations)[-count])
    if nearest <= 0:
        return Draws(1.0, 1.0)
    beyond = int(np.count_nonzero(pool >= AS_FAR * nearest))
    chance = _hypergeometric(len(deviations) + len(pool), count + beyond, len(deviations), count)
    return Draws(chance, 1.0 if beyond else (float(pool.max(initial=0.0)) / nearest) ** TAIL_POWER)


@lru_cache(maxsize=4096)
def _hypergeometric(total: int, marked: int, drawn: int, least: int) -> float:
    """The chance that of ``drawn`` out of ``total`` at least ``least`` are among the ``marked``."""
    whole = _log_combinations(total, drawn)
    return min(
        1.0,
        sum(
            math.exp(_log_combinations(marked, hits) + _log_combinations(total - marked, drawn - hits) - whole)
            for hits in range(least, min(drawn, marked) + 1)
            if drawn - hits <= total - marked
        ),
    )


def _log_combinations(total: int, drawn: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(drawn + 1) - math.lgamma(total - drawn + 1)


def _cost(deviations: Floats, noise: NoiseModel) -> float:
    bins = np.rint(deviations / noise.width).astype(np.intp)
    reach = max(1, int(bins.max()), -int(bins.min()))
    return float(np.add.reduce(noise.loss(reach)[bins + reach]))


def _score(before: Floats, after: Floats, noise: NoiseModel) -> float:
    """The z score of the slope of the loss at each deviation from the joint level; 0 of equal values and of few."""
    if min(len(before), len(after)) < MIN_SCORED:
        return 0.0
    both = np.concatenate([before, after])
    bins = np.rint((both - median(both)) / noise.width).astype(np.intp)
    reach = max(int(bins.max()), -int(bins.min()))
    if reach == 0:
        return 0.0
    scores = _slopes(noise.loss(reach))[bins + reach]
    spread = float(scores.var()) * (1 / len(before) + 1 / len(after))
    shift = abs(float(scores[: len(before)].mean() - scores[len(before) :].mean()))
    return shift / spread**0.5 if spread > 0 else 0.0


def _slopes(costs: Floats) -> Floats:
    """Slope at each of at least two costs: between its neighbours, at an end to the only one (numpy.gradient)."""
    slopes = np.empty(len(costs))
    slopes[1:-1] = (costs[2:] - costs[:-2]) / 2
    slopes[0], slopes[-1] = costs[1] - costs[0], costs[-1] - costs[-2]
    return slopes


def _is_line(before: Floats, after: Floats) -> bool:
    both = np.concatenate([before, after])
    ordered = np.sort(both)
    both = np.clip(both, quantile(ordered, LINE_CLIP), quantile(ordered, 1 - LINE_CLIP))
    step = sum(len(side) * float(side.var()) for side in (both[: len(before)], both[len(before) :]))
    time = np.arange(len(both)) - (len(both) - 1) / 2
    centred = both - both.mean()
    shared = float(np.add.reduce(time * centred))
    line = float(np.add.reduce(centred * centred)) - shared * shared / float(np.add.reduce(time * time))
    if step <= 0 or line <= 0:
        return line < step
    return len(both) * float(np.log(step / line)) > LINE_GAIN
