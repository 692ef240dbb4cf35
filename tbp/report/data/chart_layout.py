"""The layout all charts share, as plotly.js wants it.

Plain values without plotly.py, whose import costs more than a small site; a test has plotly.py check them. Colours,
ticks and sizes are filled in by ``static/charts/chart.js``, so that they follow the theme and the width.
"""

from __future__ import annotations

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


def layout() -> dict[str, object]:
    """What every chart shares, without plotly's default template (6.5 kB a figure)."""
    axis: dict[str, object] = {"zeroline": False, "showline": False, "automargin": True, "title": {"standoff": 8}}
    # Ticks that are not seen keep the hashes clear of the lowest value's label.
    ticks: dict[str, object] = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    shared: dict[str, object] = {
        "showlegend": False,
        "hovermode": "closest",
        "height": 400,
        "margin": {"l": 56, "r": 16, "t": 40, "b": 64},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"align": "left", "namelength": -1},
        "xaxis": {**axis, **ticks, "tickmode": "array", "tickangle": 0, "title": {"text": "commit", "standoff": 8}},
        "yaxis": {**axis, "exponentformat": "none", "tickformat": ",~r"},
    }
    return {"layout": shared, "config": CONFIG}
