"""What moved in one series, seen by itself.

Takes the runs of a series and what the project wants to be alerted about; gives its changes and breaks. Where a level
shifts is decided in ``change_points``, what else could explain it in ``explanations``. It is most of the work of a
report and needs nothing but its arguments, so it may be done in any process, and once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.detection.detector import Values, change_points_of
from tbp.detection.interval import with_interval
from tbp.detection.noise import noise_between, noise_within
from tbp.history.circumstances import RunCircumstances, breaks, with_number
from tbp.history.explanations import explained
from tbp.history.runs_of_series import SeriesRows
from tbp.model.changes import CONFIDENCE, LEAST_SHOWN, Break, Change, ChangeKind
from tbp.model.points import Points

VERSION_DIGITS = 8  # of a benchmark's version, which is a hash
_NO_RUN = RunCircumstances({}, math.nan, math.nan)  # of another version: its circumstances explain nothing here


class Asked(Struct, frozen=True):
    """A series to judge."""

    rows: SeriesRows
    points: Points  # those of ``rows``, with those of another benchmark version marked
    relevant: float  # smallest relative change to alert about


class Moved(Struct, frozen=True):
    """What was found in it, before it is seen among the others."""

    changes: tuple[Change, ...]  # oldest first
    breaks: tuple[Break, ...]
    noise_within: float


# What moved in each of several series, in their order.
Judge: TypeAlias = Callable[[Sequence[Asked]], Iterable[Moved]]


def judge_all(asked: Sequence[Asked]) -> list[Moved]:
    found = change_points_of([_values(one) for one in asked])
    return [judged(one, own) for one, own in zip(asked, found, strict=True)]


def judged(asked: Asked, found: Sequence[Change]) -> Moved:
    """What is to be said of the change points ``found`` in a series."""
    rows, points = asked.rows, asked.points
    comparable = points.columns.comparable.tolist()
    runs = with_number([run if known else _NO_RUN for run, known in zip(rows.runs(), comparable, strict=True)])
    noise = noise_between(points, [change.index for change in found if change.confirmed])
    changes = []
    for before, change, after in zip((None, *found), found, (*found[1:], None), strict=False):
        edges = (before.index if before else 0, after.index if after else len(points))
        placed = with_interval(explained(change, edges, runs, points, noise, rows.started_ms), edges, points)
        changes.append(_alert(_sure(placed), asked.relevant))
    return Moved(
        changes=tuple(changes),
        breaks=tuple(sorted((*breaks(runs), *_version_breaks(rows, points)), key=lambda one: one.index)),
        noise_within=noise_within(points),
    )


def _values(asked: Asked) -> Values:
    columns = asked.points.columns
    sessions = [columns.sessions.get(index, ()) for index in range(len(columns))] if columns.sessions else None
    values = np.where(columns.comparable, columns.value, np.nan)
    return Values(values.tolist(), sessions, counter=asked.rows.type == "track")


def _sure(change: Change) -> Change:
    """``change``, only suspect where the interval of its effect leaves open whether there is one.

    Of noise with two modes the ranks can be sure that something moved while the medians may be where they were.
    """
    if not (change.confirmed and change.low < LEAST_SHOWN and change.high > -LEAST_SHOWN):
        return change
    return replace(change, confirmed=False, doubt=f"its {CONFIDENCE * 100:.0f} % interval reaches 0")


def _alert(change: Change, relevant: float) -> Change:
    """``change``, only suspect where it is smaller than the project wants to be alerted about."""
    if not change.confirmed or not abs(change.effect) < relevant:  # an effect from 0 is NaN, and alerts
        return change
    return replace(change, confirmed=False, doubt=f"smaller than the {relevant:.1%} this project alerts about")


def _version_breaks(rows: SeriesRows, points: Points) -> list[Break]:
    """Where runs of another benchmark version end and those of the present one begin, or the other way round."""
    found: list[Break] = []
    for index in (np.flatnonzero(np.diff(points.columns.comparable)) + 1).tolist():
        old, new = (rows.versions[i][:VERSION_DIGITS] or "unknown" for i in (index - 1, index))
        what = f"benchmark version {old} → {new}"
        found.append(Break(index, ChangeKind.HARNESS, what, comparable=False))
    return found
