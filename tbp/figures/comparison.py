"""Two commits: the effect on each benchmark with its interval, as one figure.

Takes a ``Comparison``, gives a plotly figure. Its words are those of the table and the comment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from tbp.figures.look import BETTER_COLOUR, NAME_LENGTH, NEUTRAL_COLOUR, WORSE_COLOUR, disarmed, template
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.series import series_name, short_hash
from tbp.wording import words

MOST_ROWS = 60
"""Benchmarks drawn, the largest effects first: more lines than a screen of 1,200 pixels has."""

ROW_HEIGHT = 20
AROUND_ROWS = 140  # pixels of the title, the axis and the legend

# A state → its name in the legend, colour and symbol: a colour-blind reader tells them by their form.
LOOKS = {
    State.REGRESSION: ("regression", WORSE_COLOUR, "triangle-right"),
    State.IMPROVEMENT: ("improvement", BETTER_COLOUR, "triangle-left"),
    State.CHANGED: ("changed", NEUTRAL_COLOUR, "diamond"),
    State.NO_CHANGE: ("no change", NEUTRAL_COLOUR, "circle"),
    State.UNDECIDED: ("undecided", NEUTRAL_COLOUR, "circle-open"),
}


def comparison_figure(comparison: Comparison, is_dark: bool = False) -> go.Figure:
    """A mark for each benchmark at its effect in percent, with the interval; the largest effects on top.

    Benchmarks that failed, were skipped or come from zero have no effect, and are left out.
    """
    known = [judged for judged in comparison.judgements if judged.state in LOOKS and math.isfinite(judged.effect)]
    shown = sorted(known, key=lambda judged: (abs(judged.effect), judged.name))[-MOST_ROWS:]
    rows = {judged: row for row, judged in enumerate(shown)}
    figure = go.Figure(layout=_layout(comparison, shown, len(known), is_dark))
    for state in LOOKS:
        if members := [judged for judged in shown if judged.state is state]:
            figure.add_trace(_marks(state, members, [rows[judged] for judged in members]))
    figure.add_vline(0, line={"color": NEUTRAL_COLOUR, "width": 1}, layer="below")
    return figure


def _marks(state: State, members: Sequence[Judgement], rows: Sequence[int]) -> go.Scatter:
    name, colour, symbol = LOOKS[state]
    above = [_reach(judged.high - judged.effect) for judged in members]
    below = [_reach(judged.effect - judged.low) for judged in members]
    return go.Scatter(
        name=name,
        mode="markers",
        x=[100 * judged.effect for judged in members],
        y=list(rows),
        error_x={"type": "data", "array": above, "arrayminus": below, "color": colour, "thickness": 1.5, "width": 3},
        marker={"color": colour, "symbol": symbol, "size": 9},
        text=[_hover(judged) for judged in members],
        hovertemplate="%{text}<extra></extra>",
    )


def _reach(size: float) -> float:
    """The length of one half of an interval, in percent; 0 without one."""
    return 100 * size if math.isfinite(size) else 0.0


def _hover(judged: Judgement) -> str:
    values = " → ".join(words.quantity(value, judged.unit) for value in (judged.before, judged.after))
    effect = words.signed_percent(judged.effect)
    interval = words.interval_of(judged.low, judged.high, judged.before, judged.unit, "+")
    lines = (judged.name, f"{judged.state.value}: {', '.join(filter(None, [effect, interval]))}", values, judged.reason)
    return "<br>".join(disarmed(words.visible(line)) for line in lines if line)


def _labels(shown: Sequence[Judgement]) -> list[str]:
    """The name of each benchmark, with those parameters in which its members differ."""
    values: dict[tuple[str, str], set[str]] = {}
    for judged in shown:
        for parameter, value in judged.parameters:
            values.setdefault((judged.benchmark, parameter), set()).add(value)
    return [
        series_name(
            judged.benchmark, tuple(item for item in judged.parameters if len(values[judged.benchmark, item[0]]) > 1)
        )
        for judged in shown
    ]


def _named(side: ComparedCommit) -> str:
    short = short_hash(side.commit)
    return short if side.commit.startswith(side.revision) else f"{side.revision} ({short})"


def _layout(comparison: Comparison, shown: Sequence[Judgement], known: int, is_dark: bool) -> go.Layout:
    labels = _labels(shown)
    names = [disarmed(words.visible(words.shortened(label, NAME_LENGTH))) for label in labels]
    commits = [_named(side) for side in (comparison.baseline, comparison.contender)]
    rest = f", the {len(shown)} largest of {known:,} effects" if known > len(shown) else ""
    return go.Layout(
        template=template(is_dark),
        title={"text": disarmed(words.visible(f"{commits[0]} → {commits[1]}{rest}"))},
        height=AROUND_ROWS + ROW_HEIGHT * max(len(shown), 1),
        xaxis={
            "title": {"text": "effect in %, with its 99 % interval; larger values to the right"},
            "ticksuffix": " %",
        },
        yaxis={"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names, "range": [-1, len(names)]},
        legend={"traceorder": "normal", "y": -0.25},
    )
