"""The changes of one series, judged by itself: the first half of the way from values to a verdict.

Takes the runs of a series and the smallest change that the project wants to know of; gives its changes and breaks. The
detector proposes and tests change points; each then goes through ``STEPS``. What needs other series, traces or pairs
comes after: ``tbp.history.build``. This half is most of the work of a report and depends on its arguments only, so it
may be done in any process, and once.
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
from tbp.history.circumstances import Circumstances, RunCircumstances, breaks, with_number
from tbp.history.explanations import explained
from tbp.history.runs_of_series import SeriesRows
from tbp.model import relevance
from tbp.model.changes import Break, Change, ChangeKind
from tbp.model.effects import CONFIDENCE
from tbp.model.points import Points
from tbp.wording import words

VERSION_DIGITS = 8  # of a benchmark's version, which is a hash
_NO_RUN = RunCircumstances({}, math.nan, math.nan)  # of another version: its circumstances explain nothing here


class SeriesRuns(Struct, frozen=True):
    """A series to judge."""

    rows: SeriesRows
    points: Points  # those of ``rows``, with those of another benchmark version marked
    relevant: float  # smallest relative change to alert about


class SeriesFindings(Struct, frozen=True):
    """The changes of a series before it is seen among the others."""

    changes: tuple[Change, ...]  # oldest first
    breaks: tuple[Break, ...]
    noise_within: float


# Gives the findings in each of several series, in their order.
Judge: TypeAlias = Callable[[Sequence[SeriesRuns]], Iterable[SeriesFindings]]


class _Surroundings(Struct, frozen=True):
    """The surroundings of a change in its series."""

    series: SeriesRuns
    edges: tuple[int, int]  # where the segment before begins and the one after ends
    circumstances: Sequence[Circumstances]  # of each run
    noise: float  # between runs, inside segments


def put_down(change: Change, around: _Surroundings) -> Change:
    """``change`` with its kind: of the code, or of a circumstance that changed at the same place."""
    series = around.series
    return explained(change, around.edges, around.circumstances, series.points, around.noise, series.rows.started_ms)


def sized(change: Change, around: _Surroundings) -> Change:
    """``change`` with the interval of its effect."""
    return with_interval(change, around.edges, around.series.points)


def doubted_at_zero(change: Change, around: _Surroundings) -> Change:
    """``change``, only suspect where the interval of its effect leaves open whether there is an effect.

    Of noise with two modes the ranks can be sure that something moved while the medians may be where they were.
    """
    if not (change.confirmed and change.low < relevance.LEAST_SHOWN and change.high > -relevance.LEAST_SHOWN):
        return change
    return replace(change, confirmed=False, doubt=f"its {CONFIDENCE * 100:.0f} % interval includes 0")


def doubted_if_small(change: Change, around: _Surroundings) -> Change:
    """``change``, only suspect where it is smaller than the project wants to be alerted about."""
    relevant = around.series.relevant
    if not change.confirmed or not abs(change.effect) < relevant:  # an effect from 0 is NaN, and alerts
        return change
    doubt = f"smaller than the {words.percent(relevant)} that this project counts as a change"
    return replace(change, confirmed=False, doubt=doubt)


STEPS: tuple[Callable[[Change, _Surroundings], Change], ...] = (put_down, sized, doubted_at_zero, doubted_if_small)
"""The steps that each change point of the detector goes through, in this order. A new rule is a function here."""


def judge_all(several: Sequence[SeriesRuns]) -> list[SeriesFindings]:
    """The findings in each of several series, in their order."""
    change_points = change_points_of([_values(series) for series in several])
    return [judged(series, changes) for series, changes in zip(several, change_points, strict=True)]


def judged(series: SeriesRuns, change_points: Sequence[Change]) -> SeriesFindings:
    """The findings in a series in which the detector found ``change_points``."""
    rows, points = series.rows, series.points
    comparable = points.columns.comparable.tolist()
    circumstances = with_number([run if known else _NO_RUN for run, known in zip(rows.runs(), comparable, strict=True)])
    confirmed = [change.index for change in change_points if change.confirmed]
    noise = around_all = noise_between(points, confirmed)
    if len(confirmed) < len(change_points):  # the noise around a suspect step's levels does not have the step in it
        around_all = noise_between(points, [change.index for change in change_points])
    cuts = [0, *(change.index for change in change_points), len(points)]
    changes = []
    for start, change, end in zip(cuts, change_points, cuts[2:], strict=False):
        around = _Surroundings(series, (start, end), circumstances, noise if change.confirmed else around_all)
        for step in STEPS:
            change = step(change, around)
        changes.append(change)
    every_break = (*breaks(circumstances), *_version_breaks(rows, points))
    return SeriesFindings(
        changes=tuple(changes),
        breaks=tuple(sorted(every_break, key=lambda entry: entry.index)),
        noise_within=noise_within(points),
    )


def _values(series: SeriesRuns) -> Values:
    columns = series.points.columns
    sessions = [columns.sessions.get(index, ()) for index in range(len(columns))] if columns.sessions else None
    values = np.where(columns.comparable, columns.value, np.nan)
    return Values(values.tolist(), sessions, counter=series.rows.type == "track")


def _version_breaks(rows: SeriesRows, points: Points) -> list[Break]:
    """Breaks where runs of another benchmark version end and those of the present one begin, or the other way round."""
    version_breaks: list[Break] = []
    for index in (np.flatnonzero(np.diff(points.columns.comparable)) + 1).tolist():
        old, new = (rows.versions[i][:VERSION_DIGITS] or "unknown" for i in (index - 1, index))
        explanation = f"benchmark version {old} → {new}"
        version_breaks.append(Break(index, ChangeKind.HARNESS, explanation, comparable=False))
    return version_breaks
