"""How a benchmark's newest values grow with a parameter: sentences, and lines for a chart.

Takes the histories of one benchmark, gives a ``Scaling`` for each numeric parameter. The fit is ``history.growth``'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from tbp.model.changes import History
from tbp.report.parts.series_names import Dimension, series_name
from tbp.report.parts.series_order import natural
from tbp.statistics.power_law import Growth, growth, numeric
from tbp.wording import verdicts, words

CHARTED = 3
"""Sizes from which on a chart says more than a sentence."""

LINES = 24
"""Lines in a chart, and sentences beside it, the steepest first; more cannot be told apart."""

DIGITS = 5

SUBJECTS = {"seconds": "time", "bytes": "memory"}
"""What grows, by its unit."""


class Line(Struct, frozen=True):
    """The newest values over the sizes, for one combination of everything else."""

    name: str  # of that combination; empty where there is only one
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    said: str


class Scaling(Struct, frozen=True):
    """One parameter over which values grow."""

    parameter: str
    is_charted: bool
    lines: tuple[Line, ...]
    more: int  # lines that are not shown
    payload: dict[str, object]  # for static/charts/growth.js; empty where nothing is drawn


def scalings(histories: Sequence[History], dimensions: Sequence[Dimension]) -> tuple[Scaling, ...]:
    """For each parameter whose values are numbers, of which at least two were measured."""
    found = (_scaling(one, histories, dimensions) for one in dimensions if not one.is_place and numeric(one.values))
    return tuple(scaling for scaling in found if scaling.lines)


def _scaling(over: Dimension, histories: Sequence[History], dimensions: Sequence[Dimension]) -> Scaling:
    sizes = numeric(over.values)
    others = [one for one in dimensions if one is not over]
    groups: dict[tuple[int, ...], list[History]] = {}
    for history in histories:
        if over.place_of(history.key) >= 0 and math.isfinite(verdicts.newest_value(history)):
            groups.setdefault(tuple(one.place_of(history.key) for one in others), []).append(history)
    lines: list[tuple[Growth, Line]] = []
    for members in groups.values():
        pairs = sorted((sizes[str(over.value_of(own.key))], verdicts.newest_value(own)) for own in members)
        grown = growth([size for size, _ in pairs], [value for _, value in pairs])
        if grown is not None:
            name = series_name(members[0].key, others) if others else ""
            said = sentence(grown, over.name, SUBJECTS.get(members[0].unit, "value"))
            lines.append((grown, Line(name, tuple(x for x, _ in pairs), tuple(y for _, y in pairs), said)))
    lines.sort(key=lambda own: (-own[0].exponent, natural(own[1].name)))
    is_charted = any(grown.sizes >= CHARTED for grown, _ in lines)
    shown = tuple(line for _, line in lines[:LINES])
    payload = _payload(over, shown, histories[0].unit) if is_charted else {}
    return Scaling(over.name, is_charted, shown, len(lines) - len(shown), payload)


def sentence(grown: Growth, parameter: str, subject: str) -> str:
    """``time grows as sequence_length^1.90 (95 % interval 1.71 to 2.09, 4 sizes)``; of two sizes only the ratio."""
    least, most = size(grown.smallest), size(grown.largest)
    ratio = f"{words.significant(grown.ratio)} ×"
    if grown.sizes < CHARTED:
        return f"{subject} at {parameter} {most} is {ratio} that at {least}"
    verb = "grows" if grown.exponent > 0 else "falls"
    interval = f"95 % interval {_power(grown.low)} to {_power(grown.high)}, {grown.sizes} sizes"
    said = f"{subject} {verb} as {parameter}^{_power(grown.exponent)} ({interval})"
    if not grown.is_power_law:
        said += f"; it is no single power: from {size(grown.before_largest)} to {most} it is ^{_power(grown.last)}"
    return f"{said}; {ratio} from {least} to {most}"


def size(number: float) -> str:
    """``1024`` as it was written: without a comma, and whole where it is whole."""
    return f"{number:.0f}" if abs(number - round(number)) < 1e-6 * number else f"{number:.6g}"


def _power(exponent: float) -> str:
    return f"{exponent:.2f}".replace("-", "−")


def _payload(over: Dimension, lines: Sequence[Line], unit: str) -> dict[str, object]:
    return {
        "parameter": over.shown_name,
        "scales": [[factor, words.visible(words.cut(name, 30))] for factor, name in words.scales_of(unit)],
        "lines": [
            [
                words.visible(words.cut(line.name, 120)),
                [_short(x) for x in line.sizes],
                [_short(y) for y in line.values],
            ]
            for line in lines
        ],
    }


def _short(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
