"""The look that all charts share: colours, symbols, plotly's template for light and dark pages, harmless texts.

The report ships ``shared()`` once for the whole site, and lets its style sheet choose the colours of text and lines;
a figure in a notebook has ``template()``, which holds the same colours.
"""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
from msgspec import Struct

# Okabe and Ito's colours that differ for colour-blind readers, in shades legible on white and on black; red and
# vermilion are left to regressions. https://jfly.uni-koeln.de/color/
COLOURS = ("#0f83c4", "#d28b00", "#008f68", "#b5629b", "#7a6ff0", "#8a7a2c", "#4aa3b5", "#8c8c8c")
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "hexagon", "pentagon", "hourglass")

WORSE_COLOUR = "#d6402b"
BETTER_COLOUR = "#2f7fd6"
NEUTRAL_COLOUR = "#8a8a8a"
"""The colour of a change that is not the code's doing."""

NAME_LENGTH = 80
"""Characters of a series' name in a legend and in a hover."""

FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif'

CONFIG = {
    "displaylogo": False,
    "responsive": True,
    # plotly.js offers to send the data to a service unless told otherwise.
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "resetScale2d"],
    "typesetMath": False,
    # A grey box about the double click, over the page's header; the note below the chart says it.
    "showTips": False,
    # A double click is answered by chart.js, which also clears the address.
    "doubleClick": False,
}
"""The configuration of plotly.js, for ``Plotly.react`` and for ``Figure.show(config=…)``."""


class Theme(Struct, frozen=True):
    """Colours of a page, as in ``static/base/style.css``."""

    page: str
    raised: str
    line: str
    text: str
    muted: str


LIGHT = Theme("#ffffff", "#f5f7f9", "#dde2e7", "#17202a", "#5a6672")
DARK = Theme("#101418", "#181e24", "#2c353e", "#e5eaef", "#9aa7b3")


class Look(Struct, frozen=True):
    """Colour and symbol of one series."""

    colour: str
    symbol: str


def look(number: int) -> Look:
    """The look of the series with this number: colour and symbol move against each other, so that 64 differ."""
    return Look(COLOURS[number % 8], SYMBOLS[(number + number // 8) % 8])


def faded(colour: str, alpha: float) -> str:
    """``colour`` (#rrggbb) with this opacity, as plotly takes it."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def disarmed(text: str) -> str:
    """``text`` as plotly shows it letter by letter: plotly reads a small HTML, and ``%{…}`` of its own."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%{", "&#37;{")):
        text = text.replace(character, entity)
    return text


def shared_layout() -> go.Layout:
    """The layout of every chart, without colours and without plotly's default template (6.5 kB a figure)."""
    axis: dict[str, Any] = {"zeroline": False, "showline": False, "automargin": True, "title": {"standoff": 8}}
    # Ticks that are not seen keep the hashes clear of the lowest value's label.
    ticks = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    return go.Layout(
        showlegend=False,
        hovermode="closest",
        height=400,
        margin={"l": 56, "r": 16, "t": 40, "b": 64},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"align": "left", "namelength": -1},
        xaxis={**axis, **ticks, "tickangle": 0},
        yaxis={**axis, "exponentformat": "none", "tickformat": ",~r"},
    )


def shared() -> dict[str, object]:
    """The layout and the configuration that the report's scripts give to every chart."""
    return {"layout": shared_layout().to_plotly_json(), "config": CONFIG}


def template(is_dark: bool = False) -> go.layout.Template:
    """The shared layout with the colours of a light or a dark page, for a figure that stands by itself."""
    theme = DARK if is_dark else LIGHT
    coloured = shared_layout()
    coloured.update(
        font={"color": theme.text, "family": FONT},
        paper_bgcolor=theme.page,
        plot_bgcolor=theme.page,
        hoverlabel={"bgcolor": theme.raised, "bordercolor": theme.line, "font": {"color": theme.text}},
        xaxis={"gridcolor": theme.line},
        yaxis={"gridcolor": theme.line},
        showlegend=True,
        legend={"orientation": "h", "y": -0.25, "yanchor": "top", "traceorder": "reversed"},
    )
    return go.layout.Template(layout=coloured)


def shipped(figure: go.Figure) -> dict[str, object]:
    """The traces and the layout of ``figure`` as plotly.js takes them, without the template, which a site has once."""
    layout = figure.layout.to_plotly_json()
    layout.pop("template", None)
    return {"data": [trace.to_plotly_json() for trace in figure.data], "layout": layout}


def log_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks of a logarithmic axis over these values: three in a factor of ten (1, 2, 5), one over more than four."""
    tens = math.log10(high / low) if low > 0 and math.isfinite(high / low) else 0.0
    return {"type": "log", "tickmode": "linear", "dtick": 1 if tens > 4 else "D2"}
