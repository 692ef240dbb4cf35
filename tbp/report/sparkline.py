"""A history as a line of a few pixels: coordinates only, the template makes the SVG of them.

Takes points and changes, gives path data of digits and letters; nothing hostile can be in it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tbp.history.series import History

WIDTH, HEIGHT, MARGIN = 160, 32, 4
COLUMNS = 80
"""At most this many places on the line: two pixels each, so that a long history costs no more than a short one."""

LEAST_SPAN = 0.2
"""Relative movement that fills the height: usual noise (2–5 %) stays low, a change of 10 % is seen at once."""


@dataclass(frozen=True)
class Sparkline:
    """``line`` is an SVG path (empty without values); the dots are (x, y)."""

    line: str
    last: tuple[float, float] | None
    changes: tuple[tuple[float, float], ...]
    width: int = WIDTH
    height: int = HEIGHT


def sparkline(history: History) -> Sparkline:
    """The series from its first to its newest point, smallest value at the bottom; a gap where there is no
    comparable value."""
    values = [point.value if point.has_level else math.nan for point in history.points]
    columns = _columns(values)
    known = [value for value in columns if not math.isnan(value)]
    if not known:
        return Sparkline("", None, ())
    low, high = min(known), max(known)
    span = max(high - low, LEAST_SPAN * max(abs(low), abs(high)), sys.float_info.min)
    middle = (low + high) / 2
    last_column = max(1, len(columns) - 1)

    def place(column: float, value: float) -> tuple[float, float]:
        x = MARGIN + (WIDTH - 2 * MARGIN) * (column / last_column)
        y = HEIGHT / 2 - (HEIGHT - 2 * MARGIN) * (value - middle) / span
        return round(x, 1), round(y, 1)

    places = [None if math.isnan(value) else place(column, value) for column, value in enumerate(columns)]
    moved = [evidence.change.index for evidence in history.changes if evidence.change.is_verdict]
    at = [int(index * len(columns) / len(values)) for index in moved if 0 <= index < len(values)]
    return Sparkline(
        line=_path(places),
        last=[spot for spot in places if spot is not None][-1],
        changes=tuple(spot for column in at if (spot := places[column]) is not None),
    )


def _columns(values: Sequence[float]) -> list[float]:
    """The values' medians in at most ``COLUMNS`` equal stretches."""
    number = min(len(values), COLUMNS)
    edges = [round(column * len(values) / number) for column in range(number + 1)] if number else []
    stretches = [values[start:end] for start, end in pairwise(edges)]
    known = [[value for value in stretch if not math.isnan(value)] for stretch in stretches]
    return [median(stretch) if stretch else math.nan for stretch in known]


def _path(places: Sequence[tuple[float, float] | None]) -> str:
    """``M`` starts after a gap, ``L`` goes on; a lone point gets a line of no length, which a round cap shows."""
    parts: list[str] = []
    drawing = False
    for index, spot in enumerate(places):
        if spot is None:
            drawing = False
            continue
        parts.append(f"{'L' if drawing else 'M'}{spot[0]:g} {spot[1]:g}")
        following = places[index + 1] if index + 1 < len(places) else None
        if not drawing and following is None:
            parts.append(f"L{spot[0]:g} {spot[1]:g}")
        drawing = True
    return "".join(parts)
