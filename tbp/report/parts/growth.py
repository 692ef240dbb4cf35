"""How newest values grow with a parameter: sentences, and lines for a chart.

Takes histories with one unit, of one benchmark or of several, gives a ``Scaling`` for each numeric parameter. The fit
is ``statistics.power_law``'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.growth import GrowthLine, growth_figure
from tbp.model.changes import History
from tbp.report.parts.series_names import Dimension, series_name
from tbp.report.parts.series_order import natural
from tbp.statistics.power_law import Growth, growth, numeric
from tbp.wording import verdicts, words

CHARTED = 3
"""Sizes from which on a chart says more than a sentence."""

LINES = 24
"""Lines in a chart, and sentences beside it, the steepest first; more cannot be told apart."""

OTHER_POWER = 0.1
"""Difference of the last power that is worth words: of few sizes the interval holds it, and it is what comes next."""

SUBJECTS = {"seconds": "time", "bytes": "memory"}
"""The quantity that grows, by its unit."""


class Scaling(Struct, frozen=True):
    """One parameter over which values grow."""

    parameter: str
    lines: tuple[GrowthLine, ...]
    more: int  # lines that are not shown
    chart: go.Figure | None  # None where nothing is drawn


def scalings(
    histories: Sequence[History], dimensions: Sequence[Dimension], *, by_name: bool = False
) -> tuple[Scaling, ...]:
    """For each parameter whose values are numbers, of which at least two were measured.

    ``by_name``: the lines in the order of their names, so that charts of equal lines have equal colours.
    """
    numbers = [over for over in dimensions if not over.is_place and numeric(over.values)]
    every = (_scaling(over, histories, dimensions, by_name) for over in numbers)
    return tuple(scaling for scaling in every if scaling.lines)


def _scaling(over: Dimension, histories: Sequence[History], dimensions: Sequence[Dimension], by_name: bool) -> Scaling:
    sizes = numeric(over.values)
    rest = [dimension for dimension in dimensions if dimension is not over]
    groups: dict[tuple[str, tuple[int, ...]], list[History]] = {}
    for history in histories:
        if over.place_of(history.key) >= 0 and math.isfinite(verdicts.newest_value(history)):
            places = tuple(dimension.place_of(history.key) for dimension in rest)
            groups.setdefault((history.key.benchmark, places), []).append(history)
    are_several = len({history.key.benchmark for history in histories}) > 1
    lines: list[tuple[Growth, GrowthLine]] = []
    for (benchmark, _), members in groups.items():
        pairs = sorted((sizes[str(over.value_of(member.key))], verdicts.newest_value(member)) for member in members)
        xs, ys = tuple(size for size, _ in pairs), tuple(value for _, value in pairs)
        grown = growth(xs, ys)
        if grown is not None:
            text = sentence(grown, over.name, SUBJECTS.get(members[0].unit, "value"))
            name = series_name(members[0].key, rest) if rest else ""
            name = " ".join(filter(None, [benchmark if are_several else "", name]))
            power = f"^{_power(grown.exponent)}" if grown.sizes >= CHARTED else ""
            lines.append((grown, GrowthLine(name, xs, ys, text, power)))
    lines.sort(key=lambda entry: (0.0 if by_name else -entry[0].exponent, natural(entry[1].name)))
    is_charted = any(grown.sizes >= CHARTED for grown, _ in lines)
    shown = tuple(line for _, line in lines[:LINES])
    chart = growth_figure(over.shown_name, shown, histories[0].unit) if is_charted else None
    return Scaling(over.name, shown, len(lines) - len(shown), chart)


def sentence(grown: Growth, parameter: str, subject: str) -> str:
    """``time grows as sequence_length^1.90 (95 % interval 1.71 to 2.09, 4 sizes)``; of two sizes only the ratio."""
    least, most = size(grown.smallest), size(grown.largest)
    ratio = f"{words.significant(grown.ratio)} ×"
    if grown.sizes < CHARTED:
        return f"{subject} at {parameter} {most} is {ratio} that at {least}"
    verb = "grows" if grown.exponent > 0 else "falls"
    interval = f"95 % interval {_power(grown.low)} to {_power(grown.high)}, {grown.sizes} sizes"
    text = f"{subject} {verb} as {parameter}^{_power(grown.exponent)} ({interval})"
    end = f"from {size(grown.before_largest)} to {most} the power is {_power(grown.last)}"
    if not grown.is_power_law:
        text += f"; not by one power: {end}"
    elif abs(grown.last - grown.exponent) >= OTHER_POWER:
        text += f"; {end}"
    return f"{text}; {ratio} from {least} to {most}"


def size(number: float) -> str:
    """``1024`` as it was written: without a comma, and whole where it is whole."""
    return f"{number:.0f}" if abs(number - round(number)) < 1e-6 * number else f"{number:.6g}"


def _power(exponent: float) -> str:
    return f"{exponent:.2f}".replace("-", "−")
