"""What is drawn of one series besides its points, as numbers: its levels, its changes, its breaks.

Takes a history, gives plain JSON values; values are whole numbers of ``step``. Colours and shapes are given to them by
``static/chart.js``.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from tbp.history.points import levels as comparable_values
from tbp.history.series import Better, Change, ChangeKind, History
from tbp.report import words

BETTER, NEUTRAL, WORSE = -1, 0, 1
"""The merit of a change; neutral is what is not the code's doing, or only came back."""


def merit(change: Change, better: Better) -> int:
    """Of the code's changes; all others are neutral."""
    if change.kind is not ChangeKind.CODE or change.is_recovery:
        return NEUTRAL
    return WORSE if change.is_worse(better) else BETTER


def segments(history: History) -> list[tuple[int, int, float]]:
    """(first, last index, median) of each stretch between confirmed changes that has a value."""
    cuts = {evidence.change.index for evidence in history.changes if evidence.change.confirmed}
    cuts |= {one.index for one in history.breaks if not one.comparable}
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(history.points)), len(history.points)]
    stretches = []
    values = comparable_values(history.points)
    for start, end in pairwise(edges):
        own = values[start:end]
        known = own[np.isfinite(own)]
        if len(known):
            stretches.append((start, end - 1, float(np.median(known))))
    return stretches


def levels(history: History, step: float) -> list[list[int]]:
    """``[first, last, level, noise]`` of each segment; the noise is the spread between runs, 0 where it is unknown."""
    noise = history.noise_between if math.isfinite(history.noise_between) else 0.0
    return [
        [first, last, round(level / step), round(abs(level) * noise / step)] for first, last, level in segments(history)
    ]


def change_marks(history: History, step: float) -> list[list[object]]:
    """``[index, before, after, merit, is confirmed, "▲ +12 %", "slower"]`` of each change."""
    marks: list[list[object]] = []
    for change in (evidence.change for evidence in history.changes):
        if 0 <= change.index < len(history.points) and math.isfinite(change.before) and math.isfinite(change.after):
            move = words.move(change)
            said = words.effect(change, history.unit, history.better).removeprefix(move).strip()
            levels = [round(change.before / step), round(change.after / step)]
            how = [merit(change, history.better), int(change.confirmed)]
            marks.append([change.index, *levels, *how, words.visible(move), words.visible(said)])
    return marks


def version_breaks(history: History) -> list[int]:
    """Where values stop being comparable: the index of the first point after each such place."""
    return [one.index for one in history.breaks if not one.comparable and 0 <= one.index < len(history.points)]
