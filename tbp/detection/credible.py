"""How sure the place of a step is: the runs that may be its first, a credible set of the change point.

Takes the runs around a step that was found, gives the first and the last run at which it may be instead. Whether there
is a step at all is decided elsewhere.
"""

from __future__ import annotations

import numpy as np

from tbp.detection.measured import measured
from tbp.detection.selection import residuals_of, robust_sigma
from tbp.statistics.robust import median
from tbp.system.arrays import Floats, Indices

MASS = 0.95
"""The chance that the step is at one of the runs."""

FAR_SIGMAS = 3.0  # beyond the other side's level: a run so far out of line says nothing of the place
ROUNDING = 1e-20  # of values up to 1: less than this is no noise
LEAST_RUNS = 3  # around a step: two have a single place for it


def credible_runs(values: Floats, index: int) -> tuple[int, int]:
    """The first and the last run at which the step of ``values`` that was found at ``index`` may be.

    ``values`` are the finite values of the runs from the step before to the one after. The posterior of one change
    point between two normal levels with a flat prior, both levels integrated out (Smith 1975, Biometrika 62:407). The
    variance is that around the step as it was found. With an unknown one a step of ten noises among six runs would have
    two places; it has one in 99 of 100. ``tools/sure_places.py`` counts how often the set covers the true run.
    """
    scaled = measured(values.tolist()).scaled
    within, near = _within(scaled, index)
    split = int(np.searchsorted(near, index))
    if len(near) < LEAST_RUNS or not 0 < split < len(near):
        return index, index
    first, last = _credible(within[near], split)
    # A run out of line before the first of them may be it as well.
    return min(int(near[first - 1]) + 1, index), max(int(near[last]), index)


def _within(scaled: Floats, index: int) -> tuple[Floats, Indices]:
    """The runs, each moved into the noise around the levels, and the indexes of those that are not out of line.

    Far beyond its own level a run is of that level all the same. Far beyond the other one it is of neither.
    """
    before, after = median(scaled[:index]), median(scaled[index:])
    reach = FAR_SIGMAS * robust_sigma(residuals_of(scaled, [0, index, len(scaled)]))
    within = np.clip(scaled, min(before, after) - reach, max(before, after) + reach)
    # Positive where a run was moved from beyond the level after the step, negative from beyond that before it.
    moved = (scaled - within) * np.sign(after - before)
    is_before = np.arange(len(scaled)) < index
    return within, np.flatnonzero(~np.where(is_before, moved > 0, moved < 0))


def _credible(scaled: Floats, index: int) -> tuple[int, int]:
    """``credible_runs`` of ``scaled`` runs, none of which is out of line."""
    scaled = scaled / (np.abs(scaled).max() or 1.0)  # no value is so large that its square has no number
    scaled -= scaled.mean()
    before = np.arange(1, len(scaled))
    after = len(scaled) - before
    sums = np.cumsum(scaled)[:-1]
    explained = sums**2 / before + sums**2 / after
    left = float(scaled @ scaled - explained[index - 1])
    if left <= ROUNDING:
        return index, index
    variance = left / (len(scaled) - 2)
    weight = (explained - explained[index - 1]) / (2 * variance) - np.log(before * after) / 2
    chance = np.exp(weight - weight.max())
    first, last = _around(chance / chance.sum(), index - 1)
    return first + 1, last + 1


def _around(chance: Floats, index: int) -> tuple[int, int]:
    """The shortest stretch around ``index`` that has MASS, grown to where more of it is."""
    first = last = index
    ends = np.concatenate([[-1.0], chance, [-1.0]])  # beyond the ends is nothing
    mass = float(chance[index])
    while mass < MASS and last - first + 1 < len(chance):
        earlier, later = float(ends[first]), float(ends[last + 2])
        first, last = (first - 1, last) if earlier >= later else (first, last + 1)
        mass += max(earlier, later)
    return first, last
