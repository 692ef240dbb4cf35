"""The history chart of one benchmark, and the layout all charts share, as plotly figures.

Takes histories, gives plain JSON values that plotly.py has validated. plotly is imported when a figure is built,
because that import costs more than everything else here. Colours of the page, ticks and hover texts of commits are
filled in by ``static/chart.js``, so that they are shipped once and follow the theme and the width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import Any

from tbp.history.series import Change, Commit, History
from tbp.report import words
from tbp.report.commits import commit_order
from tbp.report.strokes import BETTER, NEUTRAL, WORSE, Look, Scale, looks, merit, pseudo_html, strokes

LOG_FROM = 20.0
"""Largest over smallest value from which a chart starts with a logarithmic axis; below, a linear one shows all."""

LABELLED_CHANGES = 5
"""Changes labelled in the chart; with more the labels cover each other, and the marks have the same words."""

SUBJECT_LENGTH = 60
"""Characters of a commit's subject in a hover."""

UNIT_LENGTH = 30
"""Characters of a unit beside the axis, which is 400 pixels high."""

CONFIG = {
    "displaylogo": False,
    "responsive": True,
    # plotly.js offers to send the data to a service unless told otherwise.
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "typesetMath": False,
}


@dataclass(frozen=True)
class Chart:
    """``payload`` is what ``static/chart.js`` draws; the legend belongs into the page, where a keyboard reaches it."""

    payload: dict[str, Any]  # plotly's own JSON, and what chart.js fills in
    legend: tuple[Look, ...]
    log_possible: bool
    log_at_first: bool


def layout() -> dict[str, object]:
    """What every chart shares, without plotly's default template (6.5 kB a figure)."""
    import plotly.graph_objects as go

    axis = {"zeroline": False, "showline": False, "automargin": True, "title": {"standoff": 8}}
    # Ticks that are not seen keep the hashes clear of the lowest value's label.
    ticks = {"ticks": "outside", "ticklen": 6, "tickcolor": "rgba(0,0,0,0)"}
    shared = go.Layout(
        template=None,
        showlegend=False,
        hovermode="closest",
        height=400,
        margin={"l": 56, "r": 16, "t": 40, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"align": "left", "namelength": -1},
        xaxis={**axis, "tickmode": "array", "tickangle": 0, **ticks, "title": {"text": "commit", "standoff": 8}},
        yaxis={**axis, "exponentformat": "none", "tickformat": ",~r"},
    )
    return {"layout": shared.to_plotly_json(), "config": CONFIG}


@dataclass(frozen=True)
class Marks:
    """Dotted lines and their labels, as plotly's shapes and annotations."""

    lines: list[dict[str, object]]
    labels: list[dict[str, object]]


def history_chart(histories: Sequence[History], names: Sequence[str]) -> Chart:
    """Each series over all their commits: its points, its levels as lines, its changes as marks.

    ``names`` are what the series are called, in the order of ``histories``: the first ones are shown at first.
    """
    commits = commit_order(histories)
    place = {commit.hash: index for index, commit in enumerate(commits)}
    values = [p.value for history in histories for p in history.points if math.isfinite(p.value)]
    factor, symbol = words.scale_of(median(values) if values else 1.0, words.scales_of(histories[0].unit))
    legend = looks(names)
    drawn = [strokes(history, look, Scale(place, factor)) for history, look in zip(histories, legend, strict=True)]
    ends = [0, *accumulate(len(traces) for traces in drawn)]
    positive = bool(values) and min(values) > 0
    wide = positive and max(values) / min(values) >= LOG_FROM
    axis: dict[str, object] = {
        "title": {"text": pseudo_html(words.cut(symbol or "value", UNIT_LENGTH))},
        "type": "log" if wide else "linear",
        "autorangeoptions": {"include": _margin(values, factor)},
    }
    shown = [history for history, look in zip(histories, legend, strict=True) if look.shown]
    figure = _figure([trace for traces in drawn for trace in traces], axis, _marks(shown, place), len(commits))
    return Chart(
        payload={
            "traces": figure["data"],
            "layout": figure["layout"],
            "series": [list(range(start, end)) for start, end in pairwise(ends)],
            "commits": [{"tick": pseudo_html(c.short), "hover": _hover(c)} for c in commits],
        },
        legend=legend,
        log_possible=positive,
        log_at_first=wide,
    )


def _figure(traces: list[Any], axis: dict[str, object], marks: Marks, commits: int) -> dict[str, Any]:
    """plotly's JSON of what is this chart's own; plotly.py refuses what plotly.js would not understand."""
    import plotly.graph_objects as go

    layout = go.Layout(
        template=None,
        yaxis=axis,
        xaxis={"range": [-0.7, commits - 0.3]},
        shapes=marks.lines,
        annotations=marks.labels if len(marks.labels) <= LABELLED_CHANGES else [],
    )
    figure: dict[str, Any] = go.Figure(traces, layout).to_plotly_json()
    return figure


def _margin(values: Sequence[float], factor: float) -> list[float]:
    """Values the axis reaches at least: 5 % beyond the data, so that 1 % of noise does not fill the chart."""
    if not values:
        return [0.0, 1.0]
    low, high = min(values) / factor, max(values) / factor
    return [low - 0.05 * abs(low), high + 0.05 * abs(high)]


def _hover(commit: Commit) -> str:
    lines = [f"{commit.short} · {words.moment(commit.date)}", words.cut(commit.subject, SUBJECT_LENGTH)]
    return "<br>".join(pseudo_html(line) for line in lines if line)


def _marks(histories: Sequence[History], place: dict[str, int]) -> Marks:
    """A dotted line before each commit with a confirmed change, and its words; a dashed one at another version."""
    found: dict[int, list[tuple[Change, str, str]]] = {}
    for history in histories:
        for change in (evidence.change for evidence in history.changes if evidence.change.confirmed):
            if 0 <= change.index < len(history.points):
                commit = history.points[change.index].commit
                said = (change, merit(change, history.better), commit.short)
                found.setdefault(place[commit.hash], []).append(said)
    marks = Marks([_line(at, NEUTRAL, "dash") for at in sorted(_version_breaks(histories, place))], [])
    for at, changes in sorted(found.items()):
        colour = min((colour for _, colour, _ in changes), key=(WORSE, BETTER, NEUTRAL).index)
        marks.lines.append(_line(at, colour, "dot"))
        marks.labels.append(
            {
                "text": f"<b>{pseudo_html(_label([c for c, _, _ in changes]))}</b> {pseudo_html(changes[0][2])}",
                "font": {"color": colour, "size": 11},
                "x": at - 0.5,
                "xanchor": "left" if at < len(place) / 2 else "right",
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                # Neighbours are on different heights, so that they do not cover each other.
                "yshift": 13 * (len(marks.labels) % 2),
                "showarrow": False,
            }
        )
    return marks


def _version_breaks(histories: Sequence[History], place: dict[str, int]) -> set[int]:
    """Where values stop being comparable."""
    return {
        place[history.points[one.index].commit.hash]
        for history in histories
        for one in history.breaks
        if not one.comparable and 0 <= one.index < len(history.points)
    }


def _line(at: int, colour: str, dash: str) -> dict[str, object]:
    """A line over the whole height, before the commit at ``at``."""
    ends = {"x0": at - 0.5, "x1": at - 0.5, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", "line": {"color": colour, "width": 1.5, "dash": dash}, "layer": "below", **ends}


def _label(changes: Sequence[Change]) -> str:
    """``▲ +12 %``, or for several series ``▲ 3 series``, with both arrows where they differ."""
    if len(changes) == 1:
        return words.move(changes[0])
    arrows = sorted({words.move(change)[0] for change in changes})
    return f"{''.join(arrows)} {len(changes)} series"
