"""One series as plotly traces: its points, its levels, its changes.

Takes a history and how it is to look, gives traces that plotly.py has validated; what they are drawn on belongs to
``figures``. plotly reads a small HTML of its own in names, hovers and labels: everything foreign is escaped for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from tbp.history.series import Better, Change, ChangeKind, History, Point
from tbp.report import words

# Okabe and Ito's colours that differ for colour-blind readers, in shades legible on white and on black; red and
# vermilion are left to regressions. https://jfly.uni-koeln.de/color/
COLOURS = ("#0f83c4", "#d28b00", "#008f68", "#b5629b", "#7a6ff0", "#8a7a2c", "#4aa3b5", "#8c8c8c")
# plotly's symbols with their outlines for the page's own legend, as an SVG path around (12, 5).
SYMBOLS = {
    "circle": "M8 5a4 4 0 1 1 8 0a4 4 0 1 1-8 0z",
    "square": "M8.5 1.5h7v7h-7z",
    "diamond": "M12 0l5 5-5 5-5-5z",
    "cross": "M10.5 0h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
    "x": "M9 0l3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3-3-3z",
    "hexagon": "M12 0l4.3 2.5v5l-4.3 2.5-4.3-2.5v-5z",
    "pentagon": "M12 0l4.8 3.5-1.9 5.6h-5.8l-1.9-5.6z",
    "hourglass": "M8 0h8l-8 10h8z",
}
NAME_LENGTH = 80
"""Characters of a series' name in a hover: about as many as fit beside the pointer."""

WORSE, BETTER = "#d6402b", "#2f7fd6"
NEUTRAL = "#8a8a8a"  # not the code's doing


@dataclass(frozen=True)
class Look:
    """What a series is called in the chart, and how it is drawn."""

    name: str
    colour: str
    symbol: str
    outline: str  # of the symbol, as an SVG path
    shown: bool


@dataclass(frozen=True)
class Scale:
    """Where a value goes: ``place`` is the commits' by hash, ``factor`` the axis' unit in the series' unit."""

    place: Mapping[str, int]
    factor: float

    def x(self, history: History, index: int) -> int:
        return self.place[history.points[index].commit.hash]

    def y(self, value: float) -> float | None:
        """None for what cannot be drawn; six digits are more than a screen shows."""
        return float(f"{value / self.factor:.6g}") if math.isfinite(value) else None


def pseudo_html(text: str) -> str:
    """``text`` as plotly shows it literally: its markup and its ``%{…}`` templates are disarmed."""
    escaped = words.visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("%{", "&#37;{")


def looks(names: Sequence[str]) -> tuple[Look, ...]:
    """A look for each name: colours and symbols in turn, and only so many shown as can be told apart."""
    kinds = list(zip(COLOURS, SYMBOLS, SYMBOLS.values(), strict=True))
    return tuple(Look(name, *kinds[at % len(kinds)], at < len(kinds)) for at, name in enumerate(names))


def strokes(history: History, look: Look, scale: Scale) -> list[Any]:
    """All traces of the series, those of its points first."""
    drawn = [_points(history, look, scale, comparable=True), _levels(history, look, scale)]
    if history.changes:
        drawn.append(_changes(history, look, scale))
    if any(not point.comparable and math.isfinite(point.value) for point in history.points):
        drawn.append(_points(history, look, scale, comparable=False))
    return drawn


def _points(history: History, look: Look, scale: Scale, comparable: bool) -> Any:
    """The measured points, each with its quartiles as an error bar; hollow and grey those of another version."""
    import plotly.graph_objects as go

    points = [point for point in history.points if point.comparable is comparable and math.isfinite(point.value)]
    return go.Scatter(
        name=pseudo_html(words.cut(look.name or history.key.benchmark, NAME_LENGTH)),
        mode="markers",
        visible=True if look.shown else "legendonly",
        x=[scale.place[point.commit.hash] for point in points],
        y=[scale.y(point.value) for point in points],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [scale.y(max(0.0, p.high - p.value)) or 0 for p in points],
            "arrayminus": [scale.y(max(0.0, p.value - p.low)) or 0 for p in points],
            "thickness": 1,
            "width": 0,
        },
        marker={
            "color": look.colour if comparable else NEUTRAL,
            "symbol": look.symbol if comparable else f"{look.symbol}-open",
            "size": 6,
            "opacity": 0.75,
        },
        customdata=[_value(point, history.unit) for point in points],
        hovertemplate="<b>%{fullData.name}</b><br>%{customdata}<br>%{text}<extra></extra>",
    )


def _value(point: Point, unit: str) -> str:
    """What the hover says of a point: its value and, in a second line, its quartiles."""
    lines = [words.quantity(point.value, unit)]
    if math.isfinite(point.low) and math.isfinite(point.high):
        lines.append(f"quartiles {words.quantity(point.low, unit)} – {words.quantity(point.high, unit)}")
    if not point.comparable:
        lines.append("another benchmark version, not comparable")
    return "<br>".join(pseudo_html(line) for line in lines)


def merit(change: Change, better: Better) -> str:
    """The colour of a change: of its merit where it is the code's, else neutral."""
    if change.kind is not ChangeKind.CODE or change.is_recovery:
        return NEUTRAL
    return WORSE if change.is_worse(better) else BETTER


def segments(history: History) -> list[tuple[int, int, float]]:
    """(first, last index, median) of each stretch between confirmed changes that has a value."""
    cuts = {evidence.change.index for evidence in history.changes if evidence.change.confirmed}
    cuts |= {one.index for one in history.breaks if not one.comparable}
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(history.points)), len(history.points)]
    stretches = []
    for start, end in pairwise(edges):
        values = [point.value for point in history.points[start:end] if point.has_level]
        if values:
            stretches.append((start, end - 1, median(values)))
    return stretches


def _levels(history: History, look: Look, scale: Scale) -> Any:
    """The level of each segment as a line over its commits."""
    import plotly.graph_objects as go

    x: list[float | None] = []
    y: list[float | None] = []
    for first, last, level in segments(history):
        ends = sorted(scale.x(history, index) for index in (first, last))
        x += [ends[0] - 0.4, ends[1] + 0.4, None]
        y += [scale.y(level), scale.y(level), None]
    return go.Scatter(
        mode="lines",
        visible=True if look.shown else "legendonly",
        x=x,
        y=y,
        line={"color": look.colour, "width": 2},
        hoverinfo="skip",
    )


def _changes(history: History, look: Look, scale: Scale) -> Any:
    """Each change as a triangle that points where the value went; hollow where it is only suspect."""
    import plotly.graph_objects as go

    changes = [e.change for e in history.changes if 0 <= e.change.index < len(history.points)]
    said = [f"{words.effect(c, history.unit, history.better)}{'' if c.confirmed else ', suspect'}" for c in changes]
    return go.Scatter(
        name=pseudo_html(words.cut(look.name or history.key.benchmark, NAME_LENGTH)),
        mode="markers",
        visible=True if look.shown else "legendonly",
        x=[scale.x(history, change.index) for change in changes],
        y=[scale.y(change.after) for change in changes],
        marker={
            "size": 14,
            "color": [merit(change, history.better) for change in changes],
            "symbol": [
                f"triangle-{'up' if c.after > c.before else 'down'}{'' if c.confirmed else '-open'}" for c in changes
            ],
        },
        customdata=[
            f"<b>{pseudo_html(text)}</b><br>{pseudo_html(words.before_after(change, history.unit))}"
            for text, change in zip(said, changes, strict=True)
        ],
        hovertemplate="<b>%{fullData.name}</b><br>%{customdata}<br>%{text}<extra></extra>",
    )
