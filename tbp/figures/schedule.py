"""Learning-rate schedules as curves over the steps of the optimizer.

Takes the rates themselves, whoever computed them; gives a plotly figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.look import NAME_LENGTH, disarmed, look, template
from tbp.wording import words

MARKS = 12
"""Symbols on a curve: as many as tell it from another one, though each step has a rate."""


class ScheduleCurve(Struct, frozen=True):
    """The learning rate at each step, from the first one on, or at ``every`` so many steps."""

    name: str
    rates: tuple[float, ...]
    every: int = 1


def schedule_figure(curves: Sequence[ScheduleCurve], is_dark: bool = False) -> go.Figure:
    """The rates of ``curves``; several are of one training under different schedules."""
    return go.Figure(
        [
            go.Scatter(
                name=disarmed(words.cut(words.visible(curve.name), NAME_LENGTH)),
                mode="lines+markers",
                x=list(range(0, len(curve.rates) * curve.every, curve.every)),
                y=list(curve.rates),
                line={"color": look(number).colour, "width": 2},
                marker={"color": look(number).colour, "symbol": look(number).symbol, "size": 8, "maxdisplayed": MARKS},
                hovertemplate="step %{x}<br>rate %{y:.4g}<extra></extra>",
            )
            for number, curve in enumerate(curves)
        ],
        layout={
            "template": template(is_dark),
            "xaxis": {"title": {"text": "step of the optimizer"}},
            "yaxis": {"title": {"text": "learning rate"}, "rangemode": "tozero", "exponentformat": "e"},
            "showlegend": len(curves) > 1,
        },
    )
