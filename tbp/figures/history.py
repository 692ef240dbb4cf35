"""The history of the series of one benchmark: runs with quartiles, levels with their noise, changes and breaks.

Takes histories with their names, gives a plotly figure. On the x axis is the number of the commit. The report ships the
traces of each series instead (``tbp.figures.series_traces``), and its script puts together those that a reader chooses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from tbp.figures.levels import levels, version_breaks
from tbp.figures.look import (
    BETTER_COLOUR,
    NAME_LENGTH,
    NEUTRAL_COLOUR,
    WORSE_COLOUR,
    disarmed,
    log_ticks,
    look,
    template,
)
from tbp.figures.series_traces import (
    BAND,
    OTHER_VERSION,
    POINTS,
    Trace,
    Unit,
    change_colour,
    commit_numbers,
    drawn_changes,
    series_traces,
)
from tbp.model.changes import Change, History
from tbp.model.points import columns
from tbp.model.series import Commit
from tbp.system.arrays import Floats, Indices
from tbp.wording import verdicts, words

WIDE = 4.0
"""Largest over smallest value up to which a linear axis shows all: beyond, a step of 5 % of the smallest is a hundredth
of the height. Where one series is so wide the axis is logarithmic, where only series differ they start as changes."""

APART = 100.0
"""So far apart series have nothing in common but the page: a logarithmic axis would be as flat as a linear one."""

CROWDED = 3
"""With more series than these their noise bands are paler, or they would hide the points."""

LABELLED = 5
"""With more labelled changes the labels cover each other; the marks have the same words."""

TICKS = 10
"""Labelled commits, 100 pixels apart in a figure of a usual width."""

UNIT_LENGTH = 30
"""Characters of a unit beside the axis, which is 400 pixels high."""

SUBJECTS = {"seconds": "time per call", "bytes": "size"}


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


def history_figure(histories: Sequence[History], names: Sequence[str], is_dark: bool = False) -> go.Figure:
    """The history of all of ``histories``, which are of one benchmark, each with its name; commits by their dates.

    A legend entry switches its series.
    """
    order = _by_date(histories)
    number = {commit.hash: x for x, commit in enumerate(order)}
    unit = axis_unit(histories)
    figure = go.Figure(layout=_layout(histories, order, unit, is_dark))
    traces: list[Trace] = []
    # The first series, which is the worst one in a report, is drawn last and so on top.
    for index, (history, name) in reversed(list(enumerate(zip(histories, names, strict=True)))):
        xs = commit_numbers(history, number)
        texts = _hover_texts(history, order, xs)
        for trace in series_traces(history, xs, unit, look(index)):
            part = trace["meta"]
            trace |= {"name": disarmed(words.cut(words.visible(name), NAME_LENGTH)), "legendgroup": str(index)}
            trace["showlegend"] = part == POINTS and len(histories) > 1
            if part in (POINTS, OTHER_VERSION):
                trace["text"] = [texts[x] for x in trace["x"].tolist()]
            if part == BAND and len(histories) > CROWDED:
                trace["opacity"] = 0.3
            traces.append(trace)
    # Bands lie under all lines and points.
    figure.add_traces(sorted(traces, key=lambda trace: trace["meta"] != BAND))
    _add_marks(figure, histories, number, order)
    return figure


def _by_date(histories: Sequence[History]) -> tuple[Commit, ...]:
    known: dict[str, Commit] = {}
    for history in histories:
        runs = columns(history.points)
        known |= {runs.order[at].hash: runs.order[at] for at in runs.commit_index.tolist()}
    return tuple(sorted(known.values(), key=lambda commit: (commit.date, commit.hash)))


def _hover_texts(history: History, order: Sequence[Commit], xs: Indices) -> dict[int, str]:
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
    figure: go.Figure, histories: Sequence[History], number: Mapping[str, int], order: Sequence[Commit]
) -> None:
    """Lines before each commit with a confirmed change, with their words, and where another version begins."""
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
        colours = [change_colour(change, history) for change, history in changes]
        colour = next((wanted for wanted in (WORSE_COLOUR, BETTER_COLOUR) if wanted in colours), NEUTRAL_COLOUR)
        figure.add_vline(x - 0.5, line={"color": colour, "width": 1.5, "dash": "dot"}, layer="below")
        if len(moved) <= LABELLED:
            _label(figure, x, f"<b>{_moved(changes)}</b> {disarmed(order[x].short)}", colour, height % 2, len(order))


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
