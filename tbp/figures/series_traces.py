"""The traces of one series: its runs with quartiles, its levels with their noise, its changes.

Takes a history with the number of each run's commit, gives scatter traces as plotly's JSON has them, without names and
without texts of commits. The figure of a notebook (``tbp.figures.history``) and the report's script add those. plotly
checks them where a figure is made of them: that takes 1 ms a series, and a report may have 10,000.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.figures.levels import Level, levels, reach
from tbp.figures.look import BETTER_COLOUR, NEUTRAL_COLOUR, WORSE_COLOUR, Look, disarmed, faded
from tbp.model.changes import Change, ChangeEvidence, History
from tbp.model.points import PointColumns, columns
from tbp.system.arrays import Floats, Indices
from tbp.wording import verdicts, words

Trace: TypeAlias = dict[str, Any]

BAND, LEVEL, POINTS, OTHER_VERSION, CHANGES = "band", "level", "points", "other version", "changes"
"""The part that a trace draws of its series, in its ``meta``."""

BEYOND_COMMIT = 0.4
"""Commits that a level's line goes on beyond its first and last one, so that one of a single commit has a length."""


class Unit(Struct, frozen=True):
    """The unit of the axis: ``factor`` in the series' unit is 1 in it."""

    factor: float
    symbol: str


def commit_numbers(history: History, number: Mapping[str, int]) -> Indices:
    """The number of each run's commit, by the numbers of their hashes."""
    runs = columns(history.points)
    return np.array([number[runs.order[at].hash] for at in runs.commit_index.tolist()], np.int64)


def series_traces(history: History, xs: Indices, unit: Unit, style: Look) -> list[Trace]:
    """The traces of one series, without its name and without texts for a hover; empty parts are left out.

    ``xs`` is the number of each run's commit.
    """
    runs = columns(history.points)
    stretches = levels(history)
    reached = reach(history, stretches)
    with np.errstate(over="ignore"):  # the largest numbers are none in a small unit
        is_measured = np.isfinite(runs.value / unit.factor)
    is_other = is_measured & ~runs.comparable
    is_shown = is_measured & runs.comparable
    traces: list[Trace] = []
    if stretches and reached:
        traces.append(_band(stretches, xs, unit, reached, style))
    if stretches:
        traces.append(_line(stretches, xs, unit, style))
    if is_shown.any():
        traces.append(_points(runs, xs, is_shown, unit, style))
    if is_other.any():
        traces.append(_points_of_other_version(runs, xs, is_other, unit, style))
    if changes := [evidence.change for evidence in drawn_changes(history)]:
        traces.append(_changes(changes, history, xs, unit))
    return traces


def _ends(level: Level, xs: Indices) -> tuple[float, float]:
    first, last = sorted((int(xs[level.first]), int(xs[level.last])))
    return first - BEYOND_COMMIT, last + BEYOND_COMMIT


def _band(stretches: Sequence[Level], xs: Indices, unit: Unit, reached: float, style: Look) -> Trace:
    """The noise around each level, as areas."""
    x: list[float | None] = []
    y: list[float | None] = []
    for level in stretches:
        left, right = _ends(level, xs)
        middle, half = level.value / unit.factor, abs(level.value) / unit.factor * reached
        low, high = _drawable(middle - half), _drawable(middle + half)
        x += [left, right, right, left, left, None]
        y += [low, low, high, high, low, None]
    fill = faded(style.colour, 0.17)
    line = {"color": style.colour, "width": 0}
    return _scatter(x=x, y=y, mode="lines", line=line, fill="toself", fillcolor=fill, hoverinfo="skip", meta=BAND)


def _line(stretches: Sequence[Level], xs: Indices, unit: Unit, style: Look) -> Trace:
    """The levels, as a line with gaps."""
    x: list[float | None] = []
    y: list[float | None] = []
    for level in stretches:
        x += [*_ends(level, xs), None]
        y += [_drawable(level.value / unit.factor)] * 2 + [None]
    return _scatter(x=x, y=y, mode="lines", line={"color": style.colour, "width": 2}, hoverinfo="skip", meta=LEVEL)


def _points(runs: PointColumns, xs: Indices, is_shown: NDArray[np.bool_], unit: Unit, style: Look) -> Trace:
    """Each run's median, with its quartiles as bars."""
    marker = {"color": style.colour, "symbol": style.symbol, "size": 6, "opacity": 0.75}
    value = runs.value[is_shown] / unit.factor
    with np.errstate(over="ignore"):
        low, high = runs.low[is_shown] / unit.factor, runs.high[is_shown] / unit.factor
    bars: dict[str, Any] = {
        "type": "data",
        "symmetric": False,
        "array": np.maximum(high - value, 0),
        "arrayminus": np.maximum(value - low, 0),
        "width": 0,
        "thickness": 1,
        "color": faded(style.colour, 0.6),
    }
    known = bool(np.isfinite(bars["array"]).any())
    return _run_markers(xs[is_shown], value, marker, POINTS, **({"error_y": bars} if known else {}))


def _points_of_other_version(
    runs: PointColumns, xs: Indices, is_shown: NDArray[np.bool_], unit: Unit, style: Look
) -> Trace:
    """Runs of another version of the benchmark, which no level is made of."""
    marker = {"color": NEUTRAL_COLOUR, "symbol": f"{style.symbol}-open", "size": 6, "opacity": 0.75}
    return _run_markers(xs[is_shown], runs.value[is_shown] / unit.factor, marker, OTHER_VERSION)


def _run_markers(x: Indices, y: Floats, marker: Mapping[str, Any], part: str, **more: Any) -> Trace:
    hover = "<b>%{fullData.name}</b><br>%{text}<extra></extra>"
    return _scatter(x=x, y=y, mode="markers", marker=marker, hovertemplate=hover, meta=part, **more)


def _scatter(**attributes: Any) -> Trace:
    return {"type": "scatter", **attributes}


def drawn_changes(history: History) -> list[ChangeEvidence]:
    """The changes that have a run and a size."""
    runs = len(history.points)
    return [
        evidence
        for evidence in history.changes
        if 0 <= evidence.change.index < runs
        and math.isfinite(evidence.change.before)
        and math.isfinite(evidence.change.after)
    ]


def _changes(changes: Sequence[Change], history: History, xs: Indices, unit: Unit) -> Trace:
    """A triangle for each change at its new level: where the value went, hollow where it is only suspect."""
    shapes = [
        f"triangle-{'up' if change.after > change.before else 'down'}{'' if change.confirmed else '-open'}"
        for change in changes
    ]
    return _scatter(
        x=[int(xs[change.index]) for change in changes],
        y=[_drawable(change.after / unit.factor) for change in changes],
        mode="markers",
        marker={"size": 14, "color": [change_colour(change, history) for change in changes], "symbol": shapes},
        text=[change_text(change, history) for change in changes],
        hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
        meta=CHANGES,
    )


def change_text(change: Change, history: History) -> str:
    """``<b>▲ +12 % slower, suspect</b><br>1.00 ms → 1.12 ms``, disarmed."""
    effect = words.visible(verdicts.effect(change, history.unit, history.better))
    sizes = words.visible(verdicts.before_after(change, history.unit))
    return f"<b>{disarmed(effect)}{'' if change.confirmed else ', suspect'}</b><br>{disarmed(sizes)}"


def change_colour(change: Change, history: History) -> str:
    return (NEUTRAL_COLOUR, WORSE_COLOUR, BETTER_COLOUR)[change.merit(history.better)]


def _drawable(value: float) -> float:
    """``value``, or the number farthest from zero that there is: a band may reach farther than any axis."""
    return min(max(value, -sys.float_info.max), sys.float_info.max)
