"""The costs of a model's variants: two quantities of each, of which less is better, and the front of these two.

Takes the variants' costs, gives a plotly figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.look import BETTER_COLOUR, NEUTRAL_COLOUR, disarmed, log_ticks, template
from tbp.wording import words

FRONT, MAYBE, OTHER, TWIN = "front", "maybe", "other", "twin"
"""Worth choosing; maybe worth choosing; beaten by another; the baseline's twin."""

MARKERS = {
    FRONT: {"symbol": "circle", "color": BETTER_COLOUR, "size": 11},
    MAYBE: {"symbol": "circle-open-dot", "color": BETTER_COLOUR, "size": 11},
    OTHER: {"symbol": "circle-open", "color": NEUTRAL_COLOUR, "size": 10},
    TWIN: {"symbol": "x-thin-open", "color": NEUTRAL_COLOUR, "size": 9},
}
KIND_NAMES = {
    FRONT: "worth choosing",
    MAYBE: "maybe worth choosing",
    OTHER: "another is better",
    TWIN: "twin of the baseline",
}

LABEL_LENGTH = 22

# The chart on a phone, in pixels: a name that would cover another or a mark there is left to the hover.
WIDTH, HEIGHT = 300, 220
CHARACTER, LINE, MARK = 6.0, 13, 7
# The line of the front leaves its marks to the right.
SIDES = {  # of a mark, by plotly's name: where the text begins, in its own lengths, and how many lines below it is
    "middle left": (-1.0, 0), "middle right": (0.0, 0), "top right": (0.0, -1), "bottom right": (0.0, 1),
    "top left": (-1.0, -1), "bottom left": (-1.0, 1), "top center": (-0.5, -1), "bottom center": (-0.5, 1),
}  # fmt: skip


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
    text: Callable[[float], str] | None = None  # of a power of ten on a logarithmic axis


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
    sides = _sides(spots, _pixels(x, [spot.x for spot in spots], WIDTH), _pixels(y, [spot.y for spot in spots], HEIGHT))
    for kind in (kind for kind in MARKERS if any(spot.kind == kind for spot in spots)):
        members = [(spot, side) for spot, side in zip(spots, sides, strict=True) if spot.kind == kind]
        figure.add_scatter(
            x=[spot.x for spot, _ in members],
            y=[spot.y for spot, _ in members],
            mode="markers+text",
            marker={**MARKERS[kind], "line": {"width": 1.5, "color": MARKERS[kind]["color"]}},
            text=[disarmed(_label(spot)) if side else "" for spot, side in members],
            textposition=[side or "middle right" for _, side in members],
            hovertext=[disarmed(words.visible(spot.text)) for spot, _ in members],
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


def _label(spot: Spot) -> str:
    return words.cut(words.visible(spot.name), LABEL_LENGTH)


def _axis(axis: Axis, values: Sequence[float]) -> dict[str, object]:
    title = {"title": {"text": f"{disarmed(axis.title)} (less is better)"}}
    low, high = _ends(axis, values)
    if not axis.is_log:
        return {**title, "range": [low, high]}
    ticks = log_ticks(10**low, 10**high)
    if axis.text is not None:
        every = max(1, round((high - low) / 5))
        powers = [10.0**exponent for exponent in range(math.ceil(low), math.floor(high) + 1, every)]
        ticks = {"type": "log", "tickvals": powers, "ticktext": [disarmed(axis.text(power)) for power in powers]}
    return {**title, **ticks, "range": [low, high]}


def _ends(axis: Axis, values: Sequence[float]) -> tuple[float, float]:
    """The ends of the axis, of a logarithmic one as exponents; others begin at zero: lengths can be compared."""
    if not axis.is_log:
        return 0.0, 1.15 * max(values) or 1.0
    low, high = math.log10(min(values)), math.log10(max(values))
    room = max(0.12 * (high - low), 0.2)
    return low - room, high + room


def _pixels(axis: Axis, values: Sequence[float], length: int) -> list[float]:
    """About where each value is drawn along the axis."""
    low, high = _ends(axis, values)
    drawn = [math.log10(value) for value in values] if axis.is_log else values
    return [length * (value - low) / (high - low) for value in drawn]


def _sides(spots: Sequence[Spot], across: Sequence[float], up: Sequence[float]) -> list[str]:
    """The first side of each mark on which its name covers nothing, empty where there is none; the front first."""
    taken = [(x - MARK, x + MARK, y) for x, y in zip(across, up, strict=True)]
    sides = [""] * len(spots)
    for at, side in product(sorted(range(len(spots)), key=lambda at: spots[at].kind != FRONT), SIDES):
        begins, below = SIDES[side]
        length = CHARACTER * len(_label(spots[at]))
        start = across[at] + begins * length + MARK * (begins + 0.5) * 2.4
        box = (start, start + length, up[at] - below * LINE)
        is_inside = box[0] > 0 and box[1] < WIDTH + 10 and 0 < box[2] < HEIGHT
        if not sides[at] and is_inside and not any(_cover(box, other) for other in taken):
            sides[at] = side
            taken.append(box)
    return sides


def _cover(box: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return box[0] < other[1] and other[0] < box[1] and abs(box[2] - other[2]) < LINE - 1
