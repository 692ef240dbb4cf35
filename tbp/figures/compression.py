"""What variants of a model cost: two quantities of each, of which less is better, and the front of those worth taking.

Takes the variants' costs, gives a plotly figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.look import BETTER_COLOUR, NEUTRAL_COLOUR, disarmed, log_ticks, template
from tbp.wording import words

FRONT, MAYBE, OTHER, TWIN = "front", "maybe", "other", "twin"
"""Worth taking; not ruled out; beaten by another; the baseline's twin."""

MARKERS = {
    FRONT: {"symbol": "circle", "color": BETTER_COLOUR, "size": 11},
    MAYBE: {"symbol": "circle-open-dot", "color": BETTER_COLOUR, "size": 11},
    OTHER: {"symbol": "circle-open", "color": NEUTRAL_COLOUR, "size": 10},
    TWIN: {"symbol": "x-thin-open", "color": NEUTRAL_COLOUR, "size": 9},
}
KIND_NAMES = {FRONT: "worth taking", MAYBE: "not ruled out", OTHER: "another is as good", TWIN: "twin of the baseline"}

LABEL_LENGTH = 22
CLOSE = 0.06
"""Of the height: labels nearer to each other than a line of text go to different sides of their marks."""


class Spot(Struct, frozen=True):
    """One variant in the chart."""

    x: float
    y: float
    name: str
    kind: str  # FRONT, MAYBE, OTHER or TWIN
    text: str  # for a hover


class Axis(Struct, frozen=True):
    """One quantity: its title with the unit, and whether its axis is logarithmic, which takes positive values only."""

    title: str
    is_log: bool = False


def compression_figure(x: Axis, y: Axis, spots: Sequence[Spot], is_dark: bool = False) -> go.Figure:
    """Each variant by two of its costs; a stepped line joins the front of these two."""
    figure = go.Figure(layout={"template": template(is_dark), "xaxis": _axis(x, [spot.x for spot in spots])})
    figure.update_layout(yaxis=_axis(y, [spot.y for spot in spots]), hovermode="closest")
    corners = front(spots)
    if len(corners) > 1:
        line = {"color": BETTER_COLOUR, "width": 1.5, "dash": "dash", "shape": "hv"}
        figure.add_scatter(
            x=[spot.x for spot in corners], y=[spot.y for spot in corners], mode="lines", line=line,
            name="front of these two", hoverinfo="skip",
        )  # fmt: skip
    sides = _sides(spots)
    for kind in (kind for kind in MARKERS if any(spot.kind == kind for spot in spots)):
        members = [spot for spot in spots if spot.kind == kind]
        figure.add_scatter(
            x=[spot.x for spot in members],
            y=[spot.y for spot in members],
            mode="markers+text",
            marker={**MARKERS[kind], "line": {"width": 1.5}},
            text=[disarmed(words.cut(words.visible(spot.name), LABEL_LENGTH)) for spot in members],
            textposition=[sides[spot] for spot in members],
            hovertext=[disarmed(words.visible(spot.text)) for spot in members],
            hovertemplate="%{hovertext}<extra></extra>",
            name=KIND_NAMES[kind],
            cliponaxis=False,
        )
    return figure


def front(spots: Sequence[Spot]) -> list[Spot]:
    """The variants of the front that no other one of it is both left of and below, from left to right.

    A variant can be on the front for a quantity that this chart does not show: it is no corner of the line.
    """
    corners: list[Spot] = []
    for spot in sorted((spot for spot in spots if spot.kind == FRONT), key=lambda spot: (spot.x, spot.y)):
        if not corners or spot.y < corners[-1].y:
            corners.append(spot)
    return corners


def _axis(axis: Axis, values: Sequence[float]) -> dict[str, object]:
    title = {"title": {"text": f"{disarmed(axis.title)} (less is better)"}}
    if axis.is_log:
        return {**title, **log_ticks(min(values), max(values)), "tickformat": "~e", "exponentformat": "power"}
    # From zero on: lengths can be compared. Room at the right for the names.
    return {**title, "range": [0, 1.15 * max(values) or 1]}


def _sides(spots: Sequence[Spot]) -> dict[Spot, str]:
    """Where each name stands: towards the middle of the chart; of near neighbours one above, one below its mark."""
    middle = max(spot.x for spot in spots) * 0.6
    ordered = sorted(spots, key=lambda spot: spot.y)
    span = (ordered[-1].y - ordered[0].y) or 1.0
    sides: dict[Spot, str] = {}
    turn = 0
    for number, spot in enumerate(ordered):
        is_near = number > 0 and (spot.y - ordered[number - 1].y) / span < CLOSE
        turn = turn + 1 if is_near else 0
        sides[spot] = f"{('middle', 'top', 'bottom')[turn % 3]} {'right' if spot.x < middle else 'left'}"
    return sides
