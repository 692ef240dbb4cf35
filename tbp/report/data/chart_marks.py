"""What is drawn of one series besides its points, as numbers: its levels, its changes, its breaks.

Takes a history, gives plain JSON values; values are whole numbers of ``step``. Colours and shapes are given to them by
``static/charts/chart.js``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tbp.model.changes import Change, ChangeKind, History
from tbp.model.points import levels as levels_of
from tbp.model.series import Better
from tbp.report.parts.packing import MOST
from tbp.statistics.robust import median
from tbp.wording import verdicts, words

BAND_SHARE = 0.95
ENOUGH_RUNS = 20  # one of which may be outside

BETTER, NEUTRAL, WORSE = -1, 0, 1
"""The merit of a change; neutral is what is not the code's doing, or only came back."""

LESS_IS_BETTER = {Better.LOWER: 1, Better.HIGHER: -1, Better.UNKNOWN: 0}
"""For scripts: the sign of a change for the worse, 0 where nothing says it."""

# Two runs of one level differ by √2 noises; this is Student's t at 99 % with as many degrees of freedom as
# ``two_runs`` grants (MOST_FREEDOM), so that a script's "beyond noise" asks for as much as `tbp compare`.
BEYOND_NOISES = math.sqrt(2) * 3.355


def merit(change: Change, better: Better) -> int:
    """WORSE or BETTER for a change of the code; NEUTRAL for all others, and where no direction is known as better."""
    if change.kind is not ChangeKind.CODE or change.is_recovery or better is Better.UNKNOWN:
        return NEUTRAL
    return WORSE if change.is_worse(better) else BETTER


def segments(history: History) -> list[tuple[int, int, float]]:
    """(first, last index, median) of each stretch between confirmed changes that has a value."""
    cuts = {evidence.change.index for evidence in history.changes if evidence.change.confirmed}
    cuts |= {one.index for one in history.breaks if not one.comparable}
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(history.points)), len(history.points)]
    stretches = []
    values = levels_of(history.points)
    for start, end in pairwise(edges):
        own = values[start:end]
        known = own[np.isfinite(own)]
        if len(known) and math.isfinite(level := median(known)):  # two of the largest numbers have no mean
            stretches.append((start, end - 1, level))
    return stretches


def levels(history: History, step: float) -> list[list[int]]:
    """``[first, last, level, reach]`` of each segment; the band around it reaches so far, 0 where that is unknown."""
    found = segments(history)
    reach = _reach(history, found)
    return [[first, last, _steps(level, step), _steps(abs(level) * reach, step)] for first, last, level in found]


def _steps(value: float, step: float) -> int:
    """``value`` in whole ``step``, as many as a script can count: a band may reach farther than any axis."""
    return round(min(max(value / step, -MOST), MOST))


def _reach(history: History, found: Sequence[tuple[int, int, float]]) -> float:
    """How far from their segment's level BAND_SHARE of the runs are at most, relative to it.

    Counted where there are enough of them, as real noise has heavier tails than the normal distribution; else twice
    the noise between runs, which would be as many of that.
    """
    value = levels_of(history.points)
    with np.errstate(over="ignore"):  # farther than a number holds is as far as a number says
        deviations = [np.abs(value[first : last + 1] / level - 1) for first, last, level in found if level]
    known = np.concatenate([own[np.isfinite(own)] for own in deviations]) if deviations else np.zeros(0)
    if len(known) >= ENOUGH_RUNS:
        known.sort()
        return float(known[math.ceil(BAND_SHARE * (len(known) - 1))])
    return 2 * history.noise_between if math.isfinite(history.noise_between) else 0.0


def change_marks(history: History, step: float) -> list[list[object]]:
    """``[index, before, after, merit, is confirmed, "▲ +12 %", "slower"]`` of each change."""
    marks: list[list[object]] = []
    for change in (evidence.change for evidence in history.changes):
        if 0 <= change.index < len(history.points) and math.isfinite(change.before) and math.isfinite(change.after):
            move = verdicts.move(change, history.unit)
            said = verdicts.effect(change, history.unit, history.better).removeprefix(move).strip()
            levels = [_steps(change.before, step), _steps(change.after, step)]
            how = [merit(change, history.better), int(change.confirmed)]
            marks.append([change.index, *levels, *how, words.visible(move), words.visible(said)])
    return marks


def version_breaks(history: History) -> list[int]:
    """Where values stop being comparable: the index of the first point after each such place."""
    return [one.index for one in history.breaks if not one.comparable and 0 <= one.index < len(history.points)]
