"""A history as a line of a few pixels: coordinates only, the template makes the SVG of them.

Takes points and changes, gives path data of digits and letters; nothing hostile can be in it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from statistics import median

from msgspec import Struct

from tbp.model.changes import History
from tbp.model.points import levels

WIDTH, HEIGHT = 160, 32  # in pixels
UNITS = 2
"""Units of the drawing in a pixel: whole numbers are half as long as decimal fractions."""

MARGIN = 4 * UNITS
COLUMNS = 40
"""At most this many places on the line: four pixels each, so that a long history costs no more than a short one."""

LEVELS = HEIGHT * UNITS - 2 * MARGIN
"""The highest level; the lowest is 0."""

LEAST_SPAN = 0.2
"""Relative movement that fills the height: usual noise (2–5 %) stays low, a change of 10 % is seen at once."""


class Sparkline(Struct, frozen=True, dict=True):
    """The height of each column, 0 (the smallest value) to ``LEVELS``; None where there is no value."""

    levels: tuple[int | None, ...] = ()  # empty without any value
    changes: tuple[int, ...] = ()  # columns where a level shifted
    ups: tuple[bool, ...] = ()  # of each of these, whether to a larger value

    @cached_property
    def line(self) -> str:
        """An SVG path; empty without values. Kept, as a row and a card of the same series draw it."""
        places = zip(_across(len(self.levels)), self.levels, strict=True)
        return _path([None if level is None else (x, MARGIN + LEVELS - level) for x, level in places])

    @property
    def dots(self) -> tuple[tuple[int, int], ...]:
        """(x, y) of the changes."""
        return tuple(_spot(self, column) for column in self.changes)

    @property
    def marks(self) -> tuple[tuple[int, int, bool], ...]:
        """(x, y, whether to a larger value) of the changes."""
        return tuple((*_spot(self, column), is_up) for column, is_up in zip(self.changes, self.ups, strict=True))

    @property
    def last(self) -> tuple[int, int]:
        """(x, y) of the newest value."""
        return _spot(self, max(column for column, level in enumerate(self.levels) if level is not None))


def sparkline(history: History) -> Sparkline:
    """The series from its first to its newest point, smallest value at the bottom; a gap where there is no
    comparable value."""
    values = levels(history.points).tolist()
    columns = _columns(values)
    known = [value for value in columns if not math.isnan(value)]
    if not known:
        return Sparkline()
    low, high = min(known), max(known)
    span = max(high - low, LEAST_SPAN * max(abs(low), abs(high)), sys.float_info.min)
    middle = (low + high) / 2
    heights = [None if math.isnan(value) else round(LEVELS * (0.5 + (value - middle) / span)) for value in columns]
    moved = [evidence.change for evidence in history.changes if evidence.change.is_verdict]
    at = [
        (int(change.index * len(columns) / len(values)), change) for change in moved if 0 <= change.index < len(values)
    ]
    shown = [(column, change.after > change.before) for column, change in at if heights[column] is not None]
    return Sparkline(tuple(heights), tuple(column for column, _ in shown), tuple(is_up for _, is_up in shown))


def _spot(spark: Sparkline, column: int) -> tuple[int, int]:
    """The coordinates of a column with a value."""
    return _across(len(spark.levels))[column], MARGIN + LEVELS - (spark.levels[column] or 0)


@lru_cache(COLUMNS)
def _across(columns: int) -> tuple[int, ...]:
    """The x of each of so many columns."""
    width = WIDTH * UNITS - 2 * MARGIN
    return tuple(MARGIN + round(width * column / max(1, columns - 1)) for column in range(columns))


def _columns(values: Sequence[float]) -> list[float]:
    """The values' medians in at most ``COLUMNS`` equal stretches."""
    number = min(len(values), COLUMNS)
    edges = [round(column * len(values) / number) for column in range(number + 1)] if number else []
    stretches = [values[start:end] for start, end in pairwise(edges)]
    known = [[value for value in stretch if not math.isnan(value)] for stretch in stretches]
    return [median(stretch) if stretch else math.nan for stretch in known]


def _path(spots: Sequence[tuple[int, int] | None]) -> str:
    """``M`` starts after a gap, relative ``l`` goes on; a lone point gets a line of no length, which a round cap
    shows."""
    parts: list[str] = []
    last: tuple[int, int] | None = None
    for index, spot in enumerate(spots):
        if spot is None:
            last = None
            continue
        if last is None:
            is_lone = index + 1 == len(spots) or spots[index + 1] is None
            parts.append(f"M{spot[0]} {spot[1]}l{'0 0' if is_lone else ''}")
        else:
            x, y = spot[0] - last[0], spot[1] - last[1]
            space = "" if parts[-1].endswith("l") else " "
            parts.append(f"{space}{x}{y if y < 0 else f' {y}'}")
        last = spot
    return "".join(parts)
