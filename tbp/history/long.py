"""Long series: a likelihood proposes where the level shifts, rank tests between neighbouring segments dispose.

Takes a measured series, gives its boundaries and the trend that runs through it. First a segmentation with a robust
loss, to see the noise; then one with the noise's own density, with and without a straight trend; then every boundary
must be a step rather than a line, relevant, and significant.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias, TypeVar

import numpy as np
from msgspec import Struct

from tbp.history.measured import Floats, Measured, clipped, mean, median, quantile, squares, variance
from tbp.history.noise import MAD_TO_SIGMA
from tbp.history.rank_test import ranked, two_sided
from tbp.history.segmentation import Loss, Question, Segmentation, density_loss, huber_loss, segmentations
from tbp.history.series import Change

# Tuned on synthetic series (100-400 runs, noise 1-8 %, steps 2-30 %, with two modes, outliers and drift) of seeds
# other than those that docs/verdict.md reports.
# Penalty of a boundary in nats, in ln n; times (1 + rho) / (1 - rho), rho the residuals' lag-1 correlation. The
# likelihood that chance alone gains over n places grows as ln n (Yao 1988). 1.2 adds 0.001 of F1 and a quarter more
# false alarms; 1.5 costs 0.01 of F1.
PENALTY = 1.3
FIRST_PENALTY = 1.2
# What a trend must gain, in ln n; less than a boundary: a staircase is the worse account of a drift. At 1, half as many
# false alarms again, nearly all of drift; at 0.6, 0.002 less F1.
TREND_PENALTY = 0.8
BINS_PER_SIGMA = 4.0  # 8 scores alike
MOST_BINS = 20_000  # bounds the work for a series that spans many magnitudes
MOST_SLOPES = 5  # tried; without a trend it is two
LEAST_SIGMA = 0.1  # of the relevant effect: what repeats (nearly) exactly still has noise that does not matter
MIN_SEGMENT = 3
RELEVANT = 0.01  # smallest effect worth a commit's name on a long series
# Of the tests, for each place a boundary could be at: every run is one more chance to be wrong, and readers count false
# alarms a night, not a history. At 1.7e-4 heavy-tailed real series of 60 runs have 1.4 times the false alarms, and
# synthetic ones 0.001 more F1.
ALPHA = 1e-4
# A line through both segments must gain this over the step, twice the log-likelihood, to make it drift. At 0, steps
# near a segment's end are mistaken for lines (F1 0.804 against 0.812).
LINE_GAIN = 4.0
LINE_CLIP = 0.02  # share of values clipped at both ends before a slope is fitted, so that outliers do not bend it
SLOPE_CLIP = 2.0  # sigmas, for the same reason
CORRELATION_CLIP = 3.0  # sigmas, for the same reason
MOST_CORRELATION = 0.9  # more would make the penalty endless


Found = TypeVar("Found")
# Asks for segmentations, one after the other, and finds something.
Search: TypeAlias = Generator[Question, Segmentation, Found]


class Noise(Struct, frozen=True):
    """What a series' values do around their levels."""

    width: float  # of the bins that deviations are rounded to
    sigma: float  # robust standard deviation
    loss: Loss


class Steps(Struct, frozen=True):
    """Where the level shifts, and the trend per run that goes on besides (0: none)."""

    boundaries: tuple[int, ...]
    slope: float
    p_values: tuple[float, ...]  # of each boundary, times the places it could be at


def long_changes(series: Measured, steps: Steps) -> tuple[Change, ...]:
    """The changes at those boundaries, all confirmed; their levels are as measured, trend included."""
    edges = (0, *steps.boundaries, len(series.raw))
    return tuple(
        series.change(a, b, c, p_value, confirmed=True)
        for a, b, c, p_value in zip(edges, edges[1:], edges[2:], steps.p_values, strict=False)
    )


def long_steps(several: Sequence[Measured]) -> list[Steps]:
    """The steps of each series, which are looked for in all of them together: see ``segmentations``."""
    searches = [_search(series) for series in several]
    found: dict[int, Steps] = {}
    answers: dict[int, Segmentation | None] = dict.fromkeys(range(len(searches)))
    while answers:
        questions: dict[int, Question] = {}
        for place, answer in answers.items():
            try:
                questions[place] = next(searches[place]) if answer is None else searches[place].send(answer)
            except StopIteration as end:
                found[place] = end.value
        answers = dict(zip(questions, segmentations(list(questions.values())), strict=True))
    return [found[place] for place in range(len(searches))]


def _search(series: Measured) -> Search[Steps]:
    """The steps of one series: proposed by likelihood, less the weakest one by one until every one passes."""
    if float(np.ptp(series.scaled)) == 0:
        return Steps((), 0.0, ())
    found, slope, noise = yield from _proposed(series)
    scaled = series.without_trend(slope)
    edges = _without_short(scaled, [0, *found, len(scaled)])
    residuals = _residuals(scaled, edges)
    badness: list[float] = []
    steps: dict[tuple[int, ...], _Step] = {}  # of which the weakest's going changes two
    while len(edges) > 2:
        inflation = _inflation(residuals)
        steps = {
            around: steps.get(around) or _Step(series, scaled, around, noise)
            for around in zip(edges, edges[1:], edges[2:], strict=False)
        }
        badness = [step.badness(inflation) for step in steps.values()]
        worst = badness.index(max(badness))
        if badness[worst] <= ALPHA:
            break
        del edges[worst + 1]
        joined = slice(edges[worst], edges[worst + 1])
        residuals[joined] = scaled[joined] - median(scaled[joined])
    p_values = tuple(len(scaled) * p_value for p_value in badness[: len(edges) - 2])
    return Steps(tuple(edges[1:-1]), slope, p_values)


def _proposed(series: Measured) -> Search[tuple[tuple[int, ...], float, Noise]]:
    """The segmentation that is most likely for the noise that a first, robust one leaves over."""
    scaled, count = series.scaled, len(series.scaled)
    span = float(np.ptp(scaled))
    least_sigma = max(LEAST_SIGMA * series.relevant(RELEVANT, median(series.raw)), 1e-9 * span)
    sigma = max(_sigma_of_steps(scaled), least_sigma)
    width = max(sigma / BINS_PER_SIGMA, span / MOST_BINS)
    first = yield Question(scaled, width, huber_loss(width, sigma), FIRST_PENALTY * float(np.log(count)))
    residuals = _residuals(scaled, (0, *first.boundaries, count))
    sigma = max(_robust_sigma(residuals), least_sigma)
    penalty = PENALTY * float(np.log(count)) * _inflation(residuals) ** 2
    noise = Noise(width, sigma, density_loss(residuals, width, least_sigma))
    boundaries, slope = yield from _with_trend(series, noise, penalty)
    return boundaries, slope, noise


def _with_trend(series: Measured, noise: Noise, penalty: float) -> Search[tuple[tuple[int, ...], float]]:
    """The cheapest segmentation of the series with a straight trend taken out, or without where no trend pays.

    Tried are the slope of the whole series, then what the segments found so far share, as long as that gains.
    """
    scaled, count = series.scaled, len(series.scaled)
    best, slope = (yield Question(scaled, noise.width, noise.loss, penalty)), 0.0
    price = TREND_PENALTY * float(np.log(count))
    paid = best.cost
    for attempt in range(MOST_SLOPES):
        edges = (0, *(best.boundaries if attempt else ()), count)
        tried = slope + _shared_slope(series.without_trend(slope), edges, noise.sigma)
        found = yield Question(series.without_trend(tried), noise.width, noise.loss, penalty)
        if found.cost + price < paid:
            best, slope, paid = found, tried, found.cost + price
        elif attempt:
            break
    return best.boundaries, slope


def _sigma_of_steps(scaled: Floats) -> float:
    """Noise from the differences of neighbours, which a few shifts of level do not move."""
    steps = scaled[1:] - scaled[:-1]
    return _robust_sigma(steps - median(steps)) / 2**0.5


def _robust_sigma(residuals: Floats) -> float:
    return MAD_TO_SIGMA * median(np.abs(residuals))


def _shared_slope(scaled: Floats, edges: Sequence[int], sigma: float) -> float:
    """Least squares of one slope inside all segments, outliers clipped."""
    product = power = 0.0
    for a, b in pairwise(edges):
        time = np.arange(b - a) - (b - a - 1) / 2
        product += float(time @ clipped(scaled[a:b] - median(scaled[a:b]), -SLOPE_CLIP * sigma, SLOPE_CLIP * sigma))
        power += float(time @ time)
    return product / power if power else 0.0


def _without_short(scaled: Floats, edges: list[int]) -> list[int]:
    """No segment shorter than MIN_SEGMENT: it joins the neighbour that is nearer in level."""
    edges = list(edges)
    while len(edges) > 2:
        lengths = [b - a for a, b in pairwise(edges)]
        short = lengths.index(min(lengths))
        if lengths[short] >= MIN_SEGMENT:
            break
        around = range(max(0, short - 1), min(short + 2, len(lengths)))
        levels = {place: median(scaled[edges[place] : edges[place + 1]]) for place in around}
        to_left = abs(levels[short] - levels[short - 1]) if short > 0 else math.inf
        to_right = abs(levels[short] - levels[short + 1]) if short + 1 < len(lengths) else math.inf
        del edges[short if to_left <= to_right else short + 1]
    return edges


class _Step:
    """A boundary with the segments beside it: what the tests make of it, but for the correlation of neighbours."""

    def __init__(self, series: Measured, scaled: Floats, edges: Sequence[int], noise: Noise) -> None:
        a, b, c = edges
        self.before, self.after = scaled[a:b], scaled[b:c]
        self.ranked = ranked(self.before, self.after)
        self.score = _score(self.before, self.after, noise)
        shift = median(self.after) - median(self.before)
        # With the trend in it, as a reader sees it: a step of 2 % that a trend undoes is no change of level.
        seen = median(series.scaled[b:c]) - median(series.scaled[a:b])
        least = series.relevant(RELEVANT, median(series.raw[a:b]))
        self.is_relevant = shift * seen > 0 and min(abs(shift), abs(seen)) >= least

    @cached_property
    def is_line(self) -> bool:
        return _is_line(self.before, self.after)

    def badness(self, inflation: float) -> float:
        """Its p-value; more than one where the shift is irrelevant or a line fits better.

        The smaller of two p-values, doubled: of ranks, and of scores. Ranks find any shift that is large against the
        noise; scores are the most powerful for small ones.
        """
        p_value = 2 * min(two_sided(self.score / inflation), self.ranked.p_value(inflation))
        is_none = not self.is_relevant or (p_value <= ALPHA and self.is_line)
        return 1.0 + p_value if is_none else p_value


def _score(before: Floats, after: Floats, noise: Noise) -> float:
    """The z score of the slope of the loss at each deviation from the joint level; 0 where all are equal.

    Hájek, Šidák, Sen, "Theory of rank tests" (1999), chapter 4: of noise with two modes it tells a shift of the modes
    from a change of their shares.
    """
    both = np.concatenate([before, after])
    bins = np.rint((both - median(both)) / noise.width).astype(np.intp)
    reach = max(int(bins.max()), -int(bins.min()))
    if reach == 0:
        return 0.0
    scores = _slopes(noise.loss(reach))[bins + reach]
    spread = variance(scores) * (1 / len(before) + 1 / len(after))
    shift = abs(mean(scores[: len(before)]) - mean(scores[len(before) :]))
    return shift / spread**0.5 if spread > 0 else 0.0


def _slopes(costs: Floats) -> Floats:
    """Slope at each of at least two costs: between its neighbours, at an end to the only one (numpy.gradient)."""
    slopes = np.empty(len(costs))
    slopes[1:-1] = (costs[2:] - costs[:-2]) / 2
    slopes[0], slopes[-1] = costs[1] - costs[0], costs[-1] - costs[-2]
    return slopes


def _is_line(before: Floats, after: Floats) -> bool:
    """Whether a slope explains both segments clearly better than a step does: drift is no step."""
    both = np.concatenate([before, after])
    ordered = np.sort(both)
    both = clipped(both, quantile(ordered, LINE_CLIP), quantile(ordered, 1 - LINE_CLIP))
    step = squares(both[: len(before)]) + squares(both[len(before) :])
    time = np.arange(len(both)) - (len(both) - 1) / 2
    centred = both - mean(both)
    shared = float(np.add.reduce(time * centred))
    line = float(np.add.reduce(centred * centred)) - shared * shared / float(np.add.reduce(time * time))
    if step <= 0 or line <= 0:
        return line < step
    return len(both) * float(np.log(step / line)) > LINE_GAIN


def _residuals(scaled: Floats, edges: Sequence[int]) -> Floats:
    return np.concatenate([scaled[a:b] - median(scaled[a:b]) for a, b in pairwise(edges)])


def correlation_inflation(scaled: Floats, edges: Sequence[int]) -> float:
    """Square root of (1 + rho) / (1 - rho): how much lag-1 correlation widens a mean's error; at least 1."""
    return _inflation(_residuals(scaled, edges))


def _inflation(residuals: Floats) -> float:
    """The same, of deviations from the levels."""
    limit = CORRELATION_CLIP * _robust_sigma(residuals)
    residuals = clipped(residuals, -limit, limit)
    residuals -= mean(residuals)  # clipped noise of two modes is lopsided
    power = float(residuals @ residuals)
    rho = float(residuals[1:] @ residuals[:-1]) / power if power else 0.0
    # Chance alone shows half of all series some: that costs 0.001 F1, and saves a quarter of the false alarms.
    rho = min(max(rho, 0.0), MOST_CORRELATION)
    return float(((1 + rho) / (1 - rho)) ** 0.5)
