"""Selection of steps among proposed boundaries: the weakest is given up until all that are left pass.

Takes a series, the edges that a likelihood proposed and the noise around them; gives the steps, certain and suspect.
The evidence for one boundary comes from ``boundaries``, the proposals from ``long_series``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from itertools import pairwise

import numpy as np
from msgspec import Struct

from tbp.detection.boundaries import Boundary, NoiseModel
from tbp.detection.measured import Measured
from tbp.model import relevance
from tbp.statistics.robust import MAD_TO_SIGMA, median
from tbp.system.arrays import Floats

# Of the tests, for each place a boundary could be at: every run is one more chance to be wrong, and readers count false
# alarms a night, not a history. At 1.7e-4 heavy-tailed real series of 60 runs have 1.4 times the false alarms, and
# synthetic ones 0.001 more F1.
ALPHA = 8e-5
# A boundary that was given up is suspect where anybody sees it: ``relevance.PLAIN``, so many noises, and unlikely both
# while all proposed boundaries explain the runs and among what is left over in the end. Heavy-tailed real noise of 60
# runs has 0.01 false suspects per 1,000 runs; at 2e-3 it has 0.03.
SUSPECT_SIGMAS = 6.0
SUSPECT_ALPHA_PROPOSED = 2e-3
SUSPECT_ALPHA_LEFT = 5e-4
MIN_SEGMENT = 3
CORRELATION_CLIP = 3.0  # sigmas, so that outliers do not hide a correlation
MOST_CORRELATION = 0.9  # more would make the penalty endless


class LevelStep(Struct, frozen=True):
    """A boundary at which the level shifts."""

    index: int  # of the first run after it
    p_value: float  # times the places it could be at
    confirmed: bool  # otherwise suspect: large, but not certain
    doubt: str = ""  # why it is only suspect


class Selection(Struct, frozen=True, eq=False):
    """The steps of a series, oldest first, and the deviations of its runs from the levels between the certain ones."""

    steps: tuple[LevelStep, ...]
    residuals: Floats


class Tested(Struct, frozen=True):
    """A boundary, and the chance of one like it without a step, at one place."""

    boundary: Boundary
    p_value: float

    @property
    def is_step(self) -> bool:
        """True where the boundary is significant and relevant."""
        return self.p_value <= ALPHA and self.boundary.is_relevant(relevance.LONG_SERIES)

    @property
    def is_plain(self) -> bool:
        """True where a reader of the chart would ask what happened there."""
        return self.boundary.is_relevant(relevance.PLAIN) and self.boundary.in_sigmas >= SUSPECT_SIGMAS


class _Segments:
    """A series cut into segments, the tests of its boundaries, and what its levels leave over."""

    def __init__(self, series: Measured, scaled: Floats, edges: Sequence[int], noise: NoiseModel) -> None:
        self._series, self._scaled, self._noise = series, scaled, noise
        self.cut(edges)
        # Computed once: a step that is given up would look like correlation, and take the next, larger one with it.
        self._inflation = correlation_inflation(self._residuals)
        self._known: dict[tuple[int, int, int], Boundary] = {}

    def boundaries(self, edges: Sequence[int]) -> list[Boundary]:
        """The boundaries between ``edges``, each with the segments beside it."""
        around = zip(edges, edges[1:], edges[2:], strict=False)
        # Giving one boundary up changes only the two beside it.
        self._known = {bounds: self._known.get(bounds) or self._boundary(bounds) for bounds in around}
        return list(self._known.values())

    def tested(self, boundary: Boundary) -> Tested:
        """The boundary with its p-value, for which all runs are looked through."""
        return Tested(boundary, boundary.p_value(self._inflation, self._residuals))

    def is_step(self, boundary: Boundary) -> bool:
        """True where ``tested`` would find a step; all runs are looked through only where that decides."""
        return boundary.is_relevant(relevance.LONG_SERIES) and boundary.is_unlikely(
            ALPHA, self._inflation, self._residuals
        )

    def cut(self, edges: Sequence[int]) -> None:
        """Give the runs between each two of ``edges`` one level."""
        self._residuals = residuals_of(self._scaled, edges)

    def join(self, start: int, end: int) -> None:
        """Give the runs ``start:end`` one level."""
        self._residuals[start:end] = self._scaled[start:end] - median(self._scaled[start:end])

    def _boundary(self, edges: Sequence[int]) -> Boundary:
        return Boundary(self._series, self._scaled, edges, self._noise)


def selected(series: Measured, scaled: Floats, proposed: Sequence[int], noise: NoiseModel) -> Selection:
    """The steps at ``proposed``, which are ascending indexes of ``scaled``: the runs of ``series`` less their trend."""
    edges = _without_short(scaled, [0, *proposed, len(scaled)])
    segments = _Segments(series, scaled, edges, noise)
    first = [segments.tested(boundary) for boundary in segments.boundaries(edges)]
    # Looked for once: two segments that were joined over a small step often look like a line.
    lines = {test.boundary.index for test in first if test.p_value <= ALPHA and test.boundary.is_line}
    all_pass = all(test.is_step and test.boundary.index not in lines for test in first)
    tested = first if all_pass else _thinned(segments, edges, lines)
    certain = [LevelStep(test.boundary.index, len(scaled) * test.p_value, confirmed=True) for test in tested]
    given_up = {test.boundary.index for test in first if test.p_value <= SUSPECT_ALPHA_PROPOSED and test.is_plain}
    suspects = [
        LevelStep(test.boundary.index, len(scaled) * test.p_value, confirmed=False, doubt=_doubt(test.boundary))
        for test in _suspects(segments, edges, given_up.difference(edges, lines))
    ]
    return Selection(tuple(sorted([*certain, *suspects], key=lambda step: step.index)), residuals_of(scaled, edges))


def _thinned(segments: _Segments, edges: list[int], lines: Set[int]) -> list[Tested]:
    """The tests of the boundaries that are left in ``edges`` when the weakest that fails is taken until none does."""
    while True:
        boundaries = segments.boundaries(edges)
        # From the weakest on, so that the others need no test.
        by_gain = sorted(range(len(boundaries)), key=lambda number: boundaries[number].gain)
        failing = (
            number
            for number in by_gain
            if boundaries[number].index in lines or not segments.is_step(boundaries[number])
        )
        weakest = next(failing, None)
        if weakest is None:
            return [segments.tested(boundary) for boundary in boundaries]
        del edges[weakest + 1]
        segments.join(edges[weakest], edges[weakest + 1])


def _suspects(segments: _Segments, edges: Sequence[int], given_up: Set[int]) -> list[Tested]:
    """The boundaries of ``given_up`` that are plain, and unlikely in what is left over, beside all that stay."""
    while True:
        every = sorted({*edges, *given_up})
        segments.cut(every)
        candidates = [boundary for boundary in segments.boundaries(every) if boundary.index in given_up]
        tested = [segments.tested(boundary) for boundary in candidates]
        suspects = [test for test in tested if test.p_value <= SUSPECT_ALPHA_LEFT and test.is_plain]
        if len(suspects) == len(tested):
            return suspects
        given_up = {test.boundary.index for test in suspects}


def _doubt(boundary: Boundary) -> str:
    before, after = len(boundary.before), len(boundary.after)
    side = "before" if before < after else "after"
    return f"the {min(before, after)} runs {side} it are too few to be sure in this noise"


def _without_short(scaled: Floats, edges: list[int]) -> list[int]:
    """No segment shorter than MIN_SEGMENT: it joins the neighbour that is nearer in level."""
    edges = list(edges)
    while len(edges) > 2:
        lengths = [b - a for a, b in pairwise(edges)]
        short = lengths.index(min(lengths))
        if lengths[short] >= MIN_SEGMENT:
            break
        around = range(max(0, short - 1), min(short + 2, len(lengths)))
        levels = {segment: median(scaled[edges[segment] : edges[segment + 1]]) for segment in around}
        to_left = abs(levels[short] - levels[short - 1]) if short > 0 else math.inf
        to_right = abs(levels[short] - levels[short + 1]) if short + 1 < len(lengths) else math.inf
        del edges[short if to_left <= to_right else short + 1]
    return edges


def residuals_of(scaled: Floats, edges: Sequence[int]) -> Floats:
    """Each run's deviation from the median of its segment."""
    return np.concatenate([scaled[a:b] - median(scaled[a:b]) for a, b in pairwise(edges)])


def robust_sigma(residuals: Floats) -> float:
    """The standard deviation of normal noise with the same median absolute deviation."""
    return MAD_TO_SIGMA * median(np.abs(residuals))


def correlation_inflation(residuals: Floats) -> float:
    """Square root of (1 + rho) / (1 - rho): how much lag-1 correlation widens a mean's error; at least 1."""
    limit = CORRELATION_CLIP * robust_sigma(residuals)
    residuals = np.clip(residuals, -limit, limit)
    residuals -= residuals.mean()  # clipped noise of two modes is lopsided
    power = float(residuals @ residuals)
    rho = float(residuals[1:] @ residuals[:-1]) / power if power else 0.0
    # Chance alone shows half of all series some: that costs 0.001 F1, and saves a quarter of the false alarms.
    rho = min(max(rho, 0.0), MOST_CORRELATION)
    return float(((1 + rho) / (1 - rho)) ** 0.5)
