"""How values grow with a parameter: a line for each combination of all other parameters, both axes logarithmic.

Takes lines of sizes and values, gives a plotly figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.look import NAME_LENGTH, Look, disarmed, log_ticks, look, template
from tbp.wording import words


class GrowthLine(Struct, frozen=True):
    """The newest values over the sizes, for one combination of everything else."""

    name: str  # of that combination; empty where there is only one
    sizes: tuple[float, ...]
    values: tuple[float, ...]
    sentence: str = ""  # how the line grows, beside the chart
    power: str = ""  # of the size, which the legend has too: "^1.90"


def growth_figure(parameter: str, lines: Sequence[GrowthLine], unit: str, is_dark: bool = False) -> go.Figure:
    """The values of ``lines``, which are in ``unit``, over ``parameter``."""
    sizes = sorted({size for line in lines for size in line.sizes})
    levels = sorted(value for line in lines for value in line.values)
    factor, symbol = words.scale_of(levels[len(levels) // 2], words.scales_of(unit))
    shown = disarmed(words.visible(parameter))
    return go.Figure(
        [_trace(line, look(number), shown, factor, unit) for number, line in enumerate(lines)],
        layout={
            "template": template(is_dark),
            "xaxis": {
                "type": "log",
                "tickvals": sizes,
                "ticktext": [f"{size:g}" if size < 1e6 else f"{size:.0f}" for size in sizes],
                "title": {"text": shown},
            },
            "yaxis": {
                **log_ticks(levels[0] / factor, levels[-1] / factor),
                "title": {"text": disarmed(words.visible(words.cut(symbol, 30))) or "value"},
            },
            "showlegend": len(lines) > 1,
        },
    )


def _trace(line: GrowthLine, style: Look, parameter: str, factor: float, unit: str) -> go.Scatter:
    name = disarmed(words.cut(words.visible(line.name), NAME_LENGTH))
    quantities = [words.visible(words.quantity(value, unit)) for value in line.values]
    return go.Scatter(
        name=f"{name} {line.power}".strip() if name else "",
        mode="lines+markers",
        x=line.sizes,
        y=[value / factor for value in line.values],
        line={"color": style.colour, "width": 2},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        text=[
            "<br>".join(filter(None, [name, f"{parameter} {size:.6g}", disarmed(quantity)]))
            for size, quantity in zip(line.sizes, quantities, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
        customdata=quantities,  # for a table
        meta=words.visible(line.name),
    )
