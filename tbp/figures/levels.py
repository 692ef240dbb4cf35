"""The levels of a series between its changes, and how far its runs are from them.

Takes a history, gives numbers in its unit; ``tbp.figures.history`` draws them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from tbp.model.changes import History
from tbp.model.points import levels as levels_of
from tbp.statistics.robust import median

BAND_SHARE = 0.95
ENOUGH_RUNS = 20  # of which one may be outside


class Level(Struct, frozen=True):
    """A stretch of runs between two changes, by the indexes of its first and last run."""

    first: int
    last: int
    value: float  # median of the runs that have a value


def levels(history: History) -> list[Level]:
    """Each stretch between two changes that has a value, oldest first.

    Suspects are changes here, too: their levels before and after, which every text names, are those of such stretches.
    """
    cuts = {evidence.change.index for evidence in history.changes}
    cuts |= set(version_breaks(history))
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(history.points)), len(history.points)]
    values = levels_of(history.points)
    stretches = []
    for start, end in pairwise(edges):
        known = values[start:end][np.isfinite(values[start:end])]
        if len(known) and math.isfinite(level := median(known)):  # two of the largest numbers have no mean
            stretches.append(Level(start, end - 1, level))
    return stretches


def version_breaks(history: History) -> list[int]:
    """The index of the first run after each place where values stop being comparable."""
    return [at.index for at in history.breaks if not at.comparable and 0 <= at.index < len(history.points)]


def reach(history: History, stretches: Sequence[Level]) -> float:
    """How far from their level BAND_SHARE of the runs are at most, relative to it; 0 where that is unknown.

    Counted where there are ENOUGH_RUNS, as real noise has heavier tails than the normal distribution; else twice the
    noise between runs, which would be as many of that.
    """
    values = levels_of(history.points)
    with np.errstate(over="ignore"):  # farther than a number holds is as far as a number says
        deviations = [
            np.abs(values[level.first : level.last + 1] / level.value - 1) for level in stretches if level.value
        ]
    known = np.concatenate([part[np.isfinite(part)] for part in deviations]) if deviations else np.zeros(0)
    if len(known) >= ENOUGH_RUNS:
        known.sort()
        return float(known[math.ceil(BAND_SHARE * (len(known) - 1))])
    return 2 * history.noise_between if math.isfinite(history.noise_between) else 0.0
