"""The history of the series of one benchmark: runs with quartiles, levels with their noise, changes, breaks and tags.

Takes histories with their names, gives a plotly figure, or the traces of one series alone, which the report ships and
``static/charts/chart.js`` puts together as a reader chooses. On the x axis is the number of the commit.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import plotly.graph_objects as go
from msgspec import Struct
from numpy.typing import NDArray

from tbp.figures.levels import Level, levels, reach, version_breaks
from tbp.figures.look import (
    BETTER_COLOUR,
    NAME_LENGTH,
    NEUTRAL_COLOUR,
    WORSE_COLOUR,
    Look,
    disarmed,
    faded,
    log_ticks,
    look,
    template,
)
from tbp.model.changes import Change, ChangeEvidence, History
from tbp.model.merit import NEUTRAL, WORSE, merit
from tbp.model.points import PointColumns, columns
from tbp.model.series import Commit, Tag
from tbp.wording import verdicts, words

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]

BAND, LEVEL, POINTS, OTHER_VERSION, CHANGES = "band", "level", "points", "other version", "changes"
"""The part that a trace draws of its series, in its ``meta``."""

WIDE = 4.0
"""Largest over smallest value up to which a linear axis shows all: beyond, a step of 5 % of the smallest is a hundredth
of the height. Where one series is so wide the axis is logarithmic, where only series differ they start as changes."""

APART = 100.0
"""So far apart series have nothing in common but the page: a logarithmic axis would be as flat as a linear one."""

BEYOND_COMMIT = 0.4
"""Commits that a level's line goes on beyond its first and last one, so that one of a single commit has a length."""

CROWDED = 3
"""With more series than these their noise bands are paler, or they would hide the points."""

LABELLED = 5
"""With more labelled changes the labels cover each other; the marks have the same words."""

TICKS = 10
"""Labelled commits, 100 pixels apart in a figure of a usual width."""

UNIT_LENGTH = 30
"""Characters of a unit beside the axis, which is 400 pixels high."""

SUBJECTS = {"seconds": "time per call", "bytes": "size"}
MERIT_COLOURS = {WORSE: WORSE_COLOUR, NEUTRAL: NEUTRAL_COLOUR}


class Unit(Struct, frozen=True):
    """The unit of the axis: ``factor`` in the series' unit is 1 in it."""

    factor: float
    symbol: str


def axis_unit(histories: Sequence[History]) -> Unit:
    """The unit of the middle one of their levels."""
    sizes = sorted(abs(level.value) for history in histories for level in levels(history))
    factor, symbol = words.scale_of(sizes[len(sizes) // 2] if sizes else 1.0, words.scales_of(histories[0].unit))
    return Unit(factor, words.visible(words.cut(symbol, UNIT_LENGTH)))


def axis_scale(values: Sequence[Floats]) -> str:
    """``linear``, ``log`` or ``relative``: how the values of each series are drawn at first."""
    known = [finite for series in values if len(finite := series[np.isfinite(series)])]
    if not known or min(float(series.min()) for series in known) <= 0:
        return "linear"
    middles = [float(np.sort(series)[len(series) // 2]) for series in known]
    apart = max(middles) / min(middles)
    if apart < APART and any(float(series.max()) / float(series.min()) >= WIDE for series in known):
        return "log"
    return "relative" if apart >= WIDE else "linear"


def history_figure(
    histories: Sequence[History],
    names: Sequence[str],
    tags: Sequence[Tag] = (),
    commits: Sequence[Commit] = (),
    is_dark: bool = False,
) -> go.Figure:
    """The history of all of ``histories``, which are of one benchmark, each with its name.

    ``commits`` is the order of their commits, by date where it is not given. A legend entry switches its series.
    """
    order = tuple(commits) or _by_date(histories)
    number = {commit.hash: x for x, commit in enumerate(order)}
    unit = axis_unit(histories)
    figure = go.Figure(layout=_layout(histories, order, unit, is_dark))
    traces: list[go.Scatter] = []
    # The first series, which is the worst one in a report, is drawn last and so on top.
    for index, (history, name) in reversed(list(enumerate(zip(histories, names, strict=True)))):
        xs = commit_numbers(history, number)
        texts = _hover_texts(history, order, xs)
        for trace in series_traces(history, xs, unit, look(index)):
            trace.update(name=disarmed(words.cut(words.visible(name), NAME_LENGTH)), legendgroup=str(index))
            trace.showlegend = trace.meta == POINTS and len(histories) > 1
            if trace.meta in (POINTS, OTHER_VERSION):
                trace.update(text=[texts[x] for x in trace.x.tolist()])
            if trace.meta == BAND and len(histories) > CROWDED:
                trace.opacity = 0.3
            traces.append(trace)
    # Bands lie under all lines and points.
    figure.add_traces(sorted(traces, key=lambda trace: trace.meta != BAND))
    _add_marks(figure, histories, number, order, tags)
    return figure


def commit_numbers(history: History, number: Mapping[str, int]) -> Places:
    """The number of each run's commit, by the numbers of their hashes."""
    runs = columns(history.points)
    return np.array([number[runs.order[at].hash] for at in runs.commit_index.tolist()], np.int64)


def series_traces(history: History, xs: Places, unit: Unit, style: Look) -> list[go.Scatter]:
    """The traces of one series, without its name and without texts for a hover; empty parts are left out.

    ``xs`` is the number of each run's commit.
    """
    runs = columns(history.points)
    stretches = levels(history)
    reached = reach(history, stretches)
    with np.errstate(over="ignore"):  # the largest numbers are none in a small unit
        is_measured = np.isfinite(runs.value / unit.factor)
    traces = [
        _band(stretches, xs, unit, reached, style) if reached else None,
        _line(stretches, xs, unit, style),
        _points(runs, xs, is_measured & runs.comparable, unit, style),
        _points_of_other_version(runs, xs, is_measured & ~runs.comparable, unit, style),
        _changes(history, xs, unit),
    ]
    return [trace for trace in traces if trace is not None and len(trace.x)]


def _ends(level: Level, xs: Places) -> tuple[float, float]:
    first, last = sorted((int(xs[level.first]), int(xs[level.last])))
    return first - BEYOND_COMMIT, last + BEYOND_COMMIT


def _band(stretches: Sequence[Level], xs: Places, unit: Unit, reached: float, style: Look) -> go.Scatter:
    """The noise around each level, as areas."""
    x: list[float | None] = []
    y: list[float | None] = []
    for level in stretches:
        left, right = _ends(level, xs)
        middle, half = level.value / unit.factor, abs(level.value) / unit.factor * reached
        low, high = _drawable(middle - half), _drawable(middle + half)
        x += [left, right, right, left, left, None]
        y += [low, low, high, high, low, None]
    fill = faded(style.colour, 0.17)
    line = {"color": style.colour, "width": 0}
    return go.Scatter(x=x, y=y, mode="lines", line=line, fill="toself", fillcolor=fill, hoverinfo="skip", meta=BAND)


def _line(stretches: Sequence[Level], xs: Places, unit: Unit, style: Look) -> go.Scatter:
    """The levels, as a line with gaps."""
    x: list[float | None] = []
    y: list[float | None] = []
    for level in stretches:
        x += [*_ends(level, xs), None]
        y += [_drawable(level.value / unit.factor)] * 2 + [None]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": style.colour, "width": 2}, hoverinfo="skip", meta=LEVEL)


def _points(runs: PointColumns, xs: Places, is_shown: NDArray[np.bool_], unit: Unit, style: Look) -> go.Scatter:
    """Each run's median, with its quartiles as bars."""
    marker = {"color": style.colour, "symbol": style.symbol, "size": 6, "opacity": 0.75}
    value = runs.value[is_shown] / unit.factor
    with np.errstate(over="ignore"):
        low, high = runs.low[is_shown] / unit.factor, runs.high[is_shown] / unit.factor
    bars: dict[str, Any] = {
        "type": "data",
        "symmetric": False,
        "array": np.maximum(high - value, 0),
        "arrayminus": np.maximum(value - low, 0),
        "width": 0,
        "thickness": 1,
        "color": faded(style.colour, 0.6),
    }
    known = bool(np.isfinite(bars["array"]).any())
    return _run_markers(xs[is_shown], value, marker, POINTS, **({"error_y": bars} if known else {}))


def _points_of_other_version(
    runs: PointColumns, xs: Places, is_shown: NDArray[np.bool_], unit: Unit, style: Look
) -> go.Scatter:
    """Runs of another version of the benchmark, which no level is made of."""
    marker = {"color": NEUTRAL_COLOUR, "symbol": f"{style.symbol}-open", "size": 6, "opacity": 0.75}
    return _run_markers(xs[is_shown], runs.value[is_shown] / unit.factor, marker, OTHER_VERSION)


def _run_markers(x: Places, y: Floats, marker: Mapping[str, Any], part: str, **more: Any) -> go.Scatter:
    hover = "<b>%{fullData.name}</b><br>%{text}<extra></extra>"
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hovertemplate=hover, meta=part, **more)


def drawn_changes(history: History) -> list[ChangeEvidence]:
    """The changes that have a run and a size."""
    runs = len(history.points)
    return [
        evidence
        for evidence in history.changes
        if 0 <= evidence.change.index < runs
        and math.isfinite(evidence.change.before)
        and math.isfinite(evidence.change.after)
    ]


def _changes(history: History, xs: Places, unit: Unit) -> go.Scatter | None:
    """A triangle for each change at its new level: where the value went, hollow where it is only suspect."""
    changes = [evidence.change for evidence in drawn_changes(history)]
    if not changes:
        return None
    shapes = [
        f"triangle-{'up' if change.after > change.before else 'down'}{'' if change.confirmed else '-open'}"
        for change in changes
    ]
    return go.Scatter(
        x=[int(xs[change.index]) for change in changes],
        y=[_drawable(change.after / unit.factor) for change in changes],
        mode="markers",
        marker={"size": 14, "color": [_colour(change, history) for change in changes], "symbol": shapes},
        text=[change_text(change, history) for change in changes],
        hovertemplate="<b>%{fullData.name}</b><br>%{text}<extra></extra>",
        meta=CHANGES,
    )


def change_text(change: Change, history: History) -> str:
    """``<b>▲ +12 % slower, suspect</b><br>1.00 ms → 1.12 ms``, disarmed."""
    effect = words.visible(verdicts.effect(change, history.unit, history.better))
    sizes = words.visible(verdicts.before_after(change, history.unit))
    return f"<b>{disarmed(effect)}{'' if change.confirmed else ', suspect'}</b><br>{disarmed(sizes)}"


def _colour(change: Change, history: History) -> str:
    return MERIT_COLOURS.get(merit(change, history.better), BETTER_COLOUR)


def _drawable(value: float) -> float:
    """``value``, or the number farthest from zero that there is: a band may reach farther than any axis."""
    return min(max(value, -sys.float_info.max), sys.float_info.max)


def _by_date(histories: Sequence[History]) -> tuple[Commit, ...]:
    known: dict[str, Commit] = {}
    for history in histories:
        runs = columns(history.points)
        known |= {runs.order[at].hash: runs.order[at] for at in runs.commit_index.tolist()}
    return tuple(sorted(known.values(), key=lambda commit: (commit.date, commit.hash)))


def _hover_texts(history: History, order: Sequence[Commit], xs: Places) -> dict[int, str]:
    """The text of a hover over each run, by the number of its commit."""
    runs = columns(history.points)
    texts = {}
    rows = zip(xs.tolist(), runs.value.tolist(), runs.low.tolist(), runs.high.tolist(), strict=True)
    for x, value, low, high in rows:
        lines = [words.quantity(value, history.unit)]
        if math.isfinite(low) and math.isfinite(high):
            lines.append(f"quartiles {words.quantity(low, history.unit)} – {words.quantity(high, history.unit)}")
        lines += [f"{order[x].short} · {words.moment(order[x].date)}", order[x].subject]
        texts[x] = "<br>".join(disarmed(words.visible(line)) for line in lines if line)
    return texts


def _layout(histories: Sequence[History], order: Sequence[Commit], unit: Unit, is_dark: bool) -> go.Layout:
    labelled = range(0, len(order), max(1, math.ceil(len(order) / TICKS)))
    ticks = [f"{disarmed(order[x].short)}<br>{order[x].date:%Y-%m-%d}" for x in labelled]
    values = [columns(history.points).value for history in histories]
    finite = np.concatenate([series[np.isfinite(series)] for series in values])
    is_log = axis_scale(values) != "linear"
    return go.Layout(
        template=template(is_dark),
        title={"text": disarmed(words.visible(histories[0].key.benchmark))},
        xaxis={"tickmode": "array", "tickvals": list(labelled), "ticktext": ticks, "title": {"text": "commit"}},
        yaxis={
            "title": {"text": disarmed(axis_title(histories[0], unit))},
            **(log_ticks(float(finite.min()), float(finite.max())) if is_log else {}),
        },
    )


def axis_title(history: History, unit: Unit) -> str:
    """``time per call in ms, lower is better``."""
    quantity = SUBJECTS.get(history.unit, "value")
    better = verdicts.better(history).partition(":")[0]
    size = f"{quantity} in {unit.symbol}" if unit.symbol else f"{quantity} (no unit recorded)"
    return ", ".join(filter(None, [size, better]))


def _add_marks(
    figure: go.Figure,
    histories: Sequence[History],
    number: Mapping[str, int],
    order: Sequence[Commit],
    tags: Sequence[Tag],
) -> None:
    """Lines before each commit with a confirmed change, where another version begins, and at tags; with their words."""
    moved: dict[int, list[tuple[Change, History]]] = {}
    for history in histories:
        xs = commit_numbers(history, number)
        for index in version_breaks(history):
            figure.add_vline(
                int(xs[index]) - 0.5, line={"color": NEUTRAL_COLOUR, "width": 1.5, "dash": "dash"}, layer="below"
            )
        for change in (evidence.change for evidence in drawn_changes(history) if evidence.change.confirmed):
            moved.setdefault(int(xs[change.index]), []).append((change, history))
    for height, (x, changes) in enumerate(sorted(moved.items())):
        colours = [_colour(change, history) for change, history in changes]
        colour = next((wanted for wanted in (WORSE_COLOUR, BETTER_COLOUR) if wanted in colours), NEUTRAL_COLOUR)
        figure.add_vline(x - 0.5, line={"color": colour, "width": 1.5, "dash": "dot"}, layer="below")
        if len(moved) <= LABELLED:
            _label(figure, x, f"<b>{_moved(changes)}</b> {disarmed(order[x].short)}", colour, height % 2, len(order))
    for tag in (tag for tag in tags if tag.commit in number):
        x_tag = number[tag.commit] - (0 if tag.is_exact else 0.5)
        figure.add_vline(x_tag, line={"color": NEUTRAL_COLOUR, "width": 1}, opacity=0.45, layer="below")
        name = disarmed(words.cut(words.visible(tag.name), 24))
        figure.add_annotation(
            text=name, x=x_tag, y=0, yref="paper", yanchor="bottom", xanchor="right", textangle=-90, showarrow=False,
            font={"size": 10},
        )  # fmt: skip


def _moved(changes: Sequence[tuple[Change, History]]) -> str:
    moves = [words.visible(verdicts.move(change, history.unit)) for change, history in changes]
    if len(moves) == 1:
        return disarmed(moves[0])
    return f"{''.join(sorted({move[0] for move in moves}))} {len(moves)} series"


def _label(figure: go.Figure, x: int, text: str, colour: str, height: int, commits: int) -> None:
    """A change's words above its line; neighbours are on different heights, so that they do not cover each other."""
    figure.add_annotation(
        text=text, x=x - 0.5, y=1, yref="paper", yanchor="bottom", yshift=13 * height, showarrow=False,
        xanchor="left" if x < commits / 2 else "right", font={"color": colour, "size": 11},
    )  # fmt: skip
