"""Steps of a long series: a likelihood proposes where the level shifts, tests of every boundary dispose.

Takes a measured series, gives its steps and the trend that runs through it. First a segmentation with a robust loss, to
see the noise; then one with the noise's own density, with and without a straight trend. Which of the boundaries that it
proposes are steps is decided in ``selection``, by the evidence of ``boundaries``.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import TypeAlias, TypeVar

import numpy as np
from msgspec import Struct

from tbp.detection.boundaries import NoiseModel
from tbp.detection.measured import Measured
from tbp.detection.segmentation import Segmentation, SegmentationTask, density_loss, huber_loss, segmentations
from tbp.detection.selection import Selection, correlation_inflation, residuals_of, robust_sigma, selected
from tbp.model import relevance
from tbp.statistics.robust import median
from tbp.system.arrays import Floats

# Tuned on synthetic series (100-400 runs, noise 1-8 %, steps 2-30 %, with two modes, outliers and drift) of seeds
# other than those that docs/explanation/change-points.md reports.
# Penalty of a boundary in nats, in ln n; times (1 + rho) / (1 - rho), rho the residuals' lag-1 correlation. The
# likelihood that chance alone gains over n places grows as ln n (Yao 1988). 1.3 costs 0.002 of F1 and saves a fifth of
# the false alarms.
PENALTY = 1.18
FIRST_PENALTY = 1.2
# What a trend must gain, in ln n; less than a boundary: a staircase is the worse account of a drift. At 0.8, 0.002 more
# F1 and half as many false alarms again, nearly all of drift.
TREND_PENALTY = 0.6
BINS_PER_SIGMA = 4.0  # 8 scores alike
MOST_BINS = 20_000  # bounds the work for a series that spans many magnitudes …
MOST_CELLS = 100_000_000  # … and of these times its runs, for one that is long: a byte each, and 2 s
MOST_SLOPES = 5  # tried; without a trend it is two
LEAST_SIGMA = 0.1  # of the relevant effect: what repeats (nearly) exactly still has noise that does not matter
SLOPE_CLIP = 2.0  # sigmas, so that outliers do not bend a slope


Found = TypeVar("Found")
# A generator protocol: yields one task after the other, is sent the segmentation of each, and returns its result.
# So ``long_steps`` can solve the tasks of many series together.
Search: TypeAlias = Generator[SegmentationTask, Segmentation, Found]


class Steps(Struct, frozen=True):
    """The steps of a series, and its trend."""

    selection: Selection
    slope: float = 0.0  # of the trend, per run; 0: none


def long_steps(several: Sequence[Measured]) -> list[Steps]:
    """The steps of each series. The searches of all series advance together, so that numpy solves many tasks a call."""
    searches = [_search(series) for series in several]
    steps: dict[int, Steps] = {}
    segmented: dict[int, Segmentation | None] = dict.fromkeys(range(len(searches)))
    while segmented:
        tasks: dict[int, SegmentationTask] = {}
        for number, segmentation in segmented.items():
            try:
                tasks[number] = next(searches[number]) if segmentation is None else searches[number].send(segmentation)
            except StopIteration as end:
                steps[number] = end.value
        segmented = dict(zip(tasks, segmentations(list(tasks.values())), strict=True))
    return [steps[number] for number in range(len(searches))]


def _search(series: Measured) -> Search[Steps]:
    """The steps of one series: proposed by likelihood, less the weakest one by one until every one passes."""
    if float(np.ptp(series.scaled)) == 0:
        return Steps(Selection((), np.zeros(len(series.raw))))
    proposed, slope, noise = yield from _proposed(series)
    return Steps(selected(series, series.without_trend(slope), proposed, noise), slope)


def _proposed(series: Measured) -> Search[tuple[tuple[int, ...], float, NoiseModel]]:
    """The segmentation that is most likely for the noise that a first, robust one leaves over."""
    scaled, count = series.scaled, len(series.scaled)
    span = float(np.ptp(scaled))
    least_sigma = max(LEAST_SIGMA * series.relevant(relevance.LONG_SERIES, median(series.raw)), 1e-9 * span)
    sigma = max(_sigma_of_steps(scaled), least_sigma)
    width = max(sigma / BINS_PER_SIGMA, span / min(MOST_BINS, MOST_CELLS // count))
    first = yield SegmentationTask(scaled, width, huber_loss(width, sigma), FIRST_PENALTY * float(np.log(count)))
    residuals = residuals_of(scaled, (0, *first.boundaries, count))
    sigma = max(robust_sigma(residuals), least_sigma)
    penalty = PENALTY * float(np.log(count)) * correlation_inflation(residuals) ** 2
    noise = NoiseModel(width, sigma, density_loss(residuals, width, least_sigma))
    boundaries, slope = yield from _with_trend(series, noise, penalty)
    return boundaries, slope, noise


def _with_trend(series: Measured, noise: NoiseModel, penalty: float) -> Search[tuple[tuple[int, ...], float]]:
    """The cheapest segmentation of the series with a straight trend taken out, or without where no trend pays.

    Tried are the slope of the whole series, then what the segments found so far share, as long as that gains.
    """
    scaled, count = series.scaled, len(series.scaled)
    best, slope = (yield SegmentationTask(scaled, noise.width, noise.loss, penalty)), 0.0
    price = TREND_PENALTY * float(np.log(count))
    paid = best.cost
    for attempt in range(MOST_SLOPES):
        edges = (0, *(best.boundaries if attempt else ()), count)
        tried = slope + _shared_slope(series.without_trend(slope), edges, noise.sigma)
        segmentation = yield SegmentationTask(series.without_trend(tried), noise.width, noise.loss, penalty)
        if segmentation.cost + price < paid:
            best, slope, paid = segmentation, tried, segmentation.cost + price
        elif attempt:
            break
    return best.boundaries, slope


def _sigma_of_steps(scaled: Floats) -> float:
    """Noise from the differences of neighbours, which a few shifts of level do not move."""
    steps = scaled[1:] - scaled[:-1]
    return robust_sigma(steps - median(steps)) / 2**0.5


def _shared_slope(scaled: Floats, edges: Sequence[int], sigma: float) -> float:
    """Least squares of one slope inside all segments, outliers clipped."""
    product = power = 0.0
    for a, b in pairwise(edges):
        time = np.arange(b - a) - (b - a - 1) / 2
        product += float(time @ np.clip(scaled[a:b] - median(scaled[a:b]), -SLOPE_CLIP * sigma, SLOPE_CLIP * sigma))
        power += float(time @ time)
    return product / power if power else 0.0
