"""A scatter chart as coordinates for an SVG: axes, marks, and labels that do not cover each other.

Takes numbers and names, gives numbers and the same names; the template makes the SVG of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from msgspec import Struct

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 84, 14, 14, 44
CHARACTER = 6.4  # of a label at 12 px, on average
LINE = 14
LABEL_LENGTH = 22


class Spot(Struct, frozen=True):
    """One choice in the chart."""

    x: float
    y: float
    name: str
    kind: str  # "front", "maybe", "other" or "twin"
    title: str


class Label(Struct, frozen=True):
    x: float
    y: float
    anchor: str  # SVG's: "start" or "end"
    text: str
    leader: str = ""  # SVG path to its spot, where it is not beside it


class Tick(Struct, frozen=True):
    at: float  # in pixels
    text: str


class Scatter(Struct, frozen=True):
    """All in pixels of a box of WIDTH × HEIGHT."""

    name: str  # for those who do not see it
    x_title: str
    y_title: str
    spots: tuple[Spot, ...]
    labels: tuple[Label, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    line: str  # SVG path along the front of the two quantities shown; empty where it has fewer than two
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


class Axis(Struct, frozen=True):
    """What an axis says: its title with the unit, values in that unit, their text, and whether it is logarithmic."""

    title: str
    values: Sequence[float]
    text: Callable[[float], str]
    is_log: bool = False


def scatter(name: str, x: Axis, y: Axis, names: Sequence[str], kinds: Sequence[str], titles: Sequence[str]) -> Scatter:
    """The chart of the choices; a logarithmic axis takes positive values only."""
    x_ticks = _log_ticks(x.values) if x.is_log else _ticks(x.values)
    y_ticks = _log_ticks(y.values) if y.is_log else _ticks(y.values)
    place_x = _scale(x_ticks, LEFT, WIDTH - RIGHT, x.is_log)
    place_y = _scale(y_ticks, HEIGHT - BOTTOM, TOP, y.is_log)
    spots = tuple(
        Spot(place_x(a), place_y(b), name, kind, title)
        for a, b, name, kind, title in zip(x.values, y.values, names, kinds, titles, strict=True)
    )
    return Scatter(
        name, x.title, y.title, spots, _labels(spots),
        tuple(Tick(place_x(tick), x.text(tick)) for tick in x_ticks),
        tuple(Tick(place_y(tick), y.text(tick)) for tick in y_ticks),
        _front_line(spots),
    )  # fmt: skip


def _front_line(spots: Sequence[Spot]) -> str:
    """Steps down and to the right, along the spots of the front that none other lies both left of and below.

    A choice can be on the front for a quantity that this chart does not show: it is no part of its line.
    """
    corners: list[Spot] = []
    for spot in sorted((spot for spot in spots if spot.kind == "front"), key=lambda spot: (spot.x, -spot.y)):
        if not corners or spot.y > corners[-1].y:  # pixels count downwards: a larger y is less
            corners.append(spot)
    if len(corners) < 2:
        return ""
    steps = "".join(f"H{spot.x:g}V{spot.y:g}" for spot in corners[1:])
    return f"M{corners[0].x:g} {corners[0].y:g}{steps}"


def _ticks(values: Sequence[float]) -> list[float]:
    """From 0 to beyond the largest value, four to eight round steps: lengths from zero can be compared."""
    largest = max(values)
    if not largest > 0:
        return [0.0, 1.0]
    magnitude = 10.0 ** math.floor(math.log10(largest))
    step = next(step for step in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0) if largest / (step * magnitude) <= 6) * magnitude
    return [step * place for place in range(math.ceil(largest * 1.02 / step) + 1)]


def _log_ticks(values: Sequence[float]) -> list[float]:
    """Powers of ten around the values, thinned to at most six."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    every = max(1, math.ceil((high - low) / 5))
    high = low + every * max(1, math.ceil((high - low) / every))
    return [10.0**exponent for exponent in range(low, high + 1, every)]


def _scale(ticks: Sequence[float], start: float, end: float, is_log: bool) -> Callable[[float], float]:
    by: Callable[[float], float] = math.log10 if is_log else float
    low, high = by(ticks[0]), by(ticks[-1])
    return lambda value: round(start + (end - start) * (by(value) - low) / (high - low), 1)


def _labels(spots: Sequence[Spot]) -> tuple[Label, ...]:
    """Beside each spot, where there is room left, or a line or more above or below."""
    taken = [(spot.x - 6, spot.x + 6, spot.y) for spot in spots]
    found = []
    for spot in sorted(spots, key=lambda spot: (spot.kind != "front", spot.y, spot.x)):
        text = spot.name if len(spot.name) <= LABEL_LENGTH else spot.name[: LABEL_LENGTH - 1] + "…"
        found.append(_label(spot, text, taken))
        own = found[-1]
        start = own.x if own.anchor == "start" else own.x - CHARACTER * len(text)
        taken.append((start, start + CHARACTER * len(text), own.y - 4))
    return tuple(found)


def _label(spot: Spot, text: str, taken: Sequence[tuple[float, float, float]]) -> Label:
    length = CHARACTER * len(text)
    places = [(shift, side) for shift in (0, -1, 1, -2, 2, -3, 3) for side in ("start", "end")]
    first: Label | None = None
    for shift, side in places:
        x, y = spot.x + (9 if side == "start" else -9), spot.y + 4 + shift * LINE
        start = x if side == "start" else x - length
        is_inside = start >= LEFT and start + length <= WIDTH and TOP + 8 <= y <= HEIGHT - BOTTOM - 2
        leader = f"M{spot.x:g} {spot.y:g}L{round(x - 2 if side == 'start' else x + 2, 1):g} {round(y - 4, 1):g}"
        label = Label(round(x, 1), round(y, 1), side, text, leader if shift else "")
        first = label if first is None and is_inside else first
        if is_inside and not any(
            start < right and start + length > left and abs(y - 4 - middle) < LINE - 2 and (left, right) != _own(spot)
            for left, right, middle in taken
        ):
            return label
    return first or Label(round(spot.x, 1), round(spot.y - 9, 1), "end" if spot.x > WIDTH / 2 else "start", text)


def _own(spot: Spot) -> tuple[float, float]:
    return spot.x - 6, spot.x + 6
