"""How many times better each practice is: a mark for each cell with its interval, on a logarithmic axis around 1.

Takes marks, gives a plotly figure; the verdicts are the caller's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.look import BETTER_COLOUR, NEUTRAL_COLOUR, disarmed, template
from tbp.wording import words

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"

LOOKS = {
    HOLDS: {"symbol": "circle", "color": BETTER_COLOUR, "size": 10},
    FAILS: {"symbol": "x-thin-open", "color": NEUTRAL_COLOUR, "size": 9},
    OPEN: {"symbol": "circle-open", "color": NEUTRAL_COLOUR, "size": 9},
}
"""Verdict of a cell → its mark. Red is left to regressions: a practice that does not hold is none."""

LABEL_LENGTH = 34  # characters of a practice's title; a phone has room for about as many beside the marks
ROW_HEIGHT, AROUND_ROWS = 30, 110  # pixels; of the axis with its title
CELL_HEIGHT = 9  # of each further cell of a practice
# Ticks in a factor of ten, by the factors of ten that the axis spans: a phone has room for five.
TICKS = ((0.5, (1, 1.2, 1.5, 2, 3, 5, 7)), (1.0, (1, 2, 5)), (2.0, (1, 3)), (math.inf, (1,)))
LEAST_SPAN = 1.6  # from 1 to the end of the axis, where all factors are near 1
FARTHEST = 1e6  # a factor beyond is drawn there: its hover has the number


class ClaimMark(Struct, frozen=True):
    """One cell of a practice; ``low`` and ``high`` are NaN where there is no interval."""

    practice: str
    factor: float
    low: float
    high: float
    verdict: str  # HOLDS, FAILS or OPEN
    text: str  # for a hover


def claims_figure(marks: Sequence[ClaimMark], is_dark: bool = False) -> go.Figure:
    """A row for each practice, the first on top; several cells of one lie below each other in it."""
    names = list(dict.fromkeys(mark.practice for mark in marks))
    rows = {name: -float(row) for row, name in enumerate(names)}
    heights = _heights(marks, rows)
    figure = go.Figure(layout=_layout(marks, names, is_dark))
    for verdict, look in LOOKS.items():
        members = [(mark, height) for mark, height in zip(marks, heights, strict=True) if mark.verdict == verdict]
        if members:
            figure.add_trace(_trace(verdict, look, members))
    return figure


def _heights(marks: Sequence[ClaimMark], rows: dict[str, float]) -> list[float]:
    """The height at which each mark is drawn: the cells of a practice share the middle of its row."""
    of_practice = {name: sum(mark.practice == name for mark in marks) for name in rows}
    seen = dict.fromkeys(rows, 0)
    heights = []
    for mark in marks:
        number = of_practice[mark.practice]
        offset = 0.6 * (seen[mark.practice] / (number - 1) - 0.5) if number > 1 else 0.0
        heights.append(rows[mark.practice] - offset)
        seen[mark.practice] += 1
    return heights


def _trace(verdict: str, look: dict[str, object], members: Sequence[tuple[ClaimMark, float]]) -> go.Scatter:
    shown = [_within(mark.factor) for mark, _ in members]
    above = [_reach(_within(mark.high) - x) for (mark, _), x in zip(members, shown, strict=True)]
    below = [_reach(x - _within(mark.low)) for (mark, _), x in zip(members, shown, strict=True)]
    return go.Scatter(
        name=verdict,
        mode="markers",
        x=shown,
        y=[height for _, height in members],
        error_x={
            "type": "data", "array": above, "arrayminus": below, "color": look["color"], "thickness": 1.5, "width": 3,
        },
        marker={**look, "line": {"width": 2, "color": look["color"]}},
        text=[disarmed(words.visible(mark.text)) for mark, _ in members],
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip


def _within(factor: float) -> float:
    return min(max(factor, 1 / FARTHEST), FARTHEST) if not math.isnan(factor) else math.nan


def _reach(size: float) -> float:
    """The length of one half of an interval; 0 without one."""
    return size if math.isfinite(size) else 0.0


def _layout(marks: Sequence[ClaimMark], names: Sequence[str], is_dark: bool) -> go.Layout:
    ends = [_within(end) for mark in marks for end in (mark.low, mark.factor, mark.high) if end == end]
    low, high = min([*ends, 1 / LEAST_SPAN]) / 1.15, max([*ends, LEAST_SPAN]) * 1.15
    labels = [disarmed(words.visible(words.cut(name, LABEL_LENGTH))) for name in names]
    more = len(marks) - len(names)
    ticks = _ticks(low, high)
    line = {"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return go.Layout(
        template=template(is_dark),
        height=AROUND_ROWS + ROW_HEIGHT * max(len(names), 1) + CELL_HEIGHT * more,
        xaxis={
            "type": "log", "range": [math.log10(low), math.log10(high)], "tickvals": ticks,
            "ticktext": [f"{tick:g} ×" for tick in ticks], "title": {"text": "times better"},
        },
        yaxis={
            "tickmode": "array", "tickvals": [-row for row in range(len(names))], "ticktext": labels,
            "range": [0.5 - len(names), 0.5],
        },
        shapes=[{**line, "line": {"color": NEUTRAL_COLOUR, "width": 1}}],
    )  # fmt: skip


def _ticks(low: float, high: float) -> list[float]:
    """Factors that are easy to read: 0.5, 1, 2, 5; of a wide axis the powers of ten only."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = next(steps for span, steps in TICKS if math.log10(high / low) <= span)
    return [tick for power in powers for step in steps if low <= (tick := round(step * 10.0**power, 9)) <= high]
