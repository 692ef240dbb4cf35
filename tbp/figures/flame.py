"""A flame graph: a bar for each frame, as wide as its total time, below the frame that called it.

Takes a tree of frames as arrays, gives a plotly figure of bars: plotly's icicle takes seconds for 2,000 frames, bars
take a tenth of one. The report draws the same trees by a script of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from msgspec import Struct
from numpy.typing import NDArray

from tbp.figures.look import BETTER_COLOUR, COLOURS, NEUTRAL_COLOUR, WORSE_COLOUR, disarmed, faded, template
from tbp.system.arrays import Floats, Indices
from tbp.traces.calls.nesting import NO_PARENT, added_up, depths
from tbp.traces.differences.frame_difference import FASTER, GONE, NEW, SAME, SLOWER
from tbp.traces.frames.kinds import ANNOTATION, DEVICE, MODULE, OPERATOR, PYTHON
from tbp.wording import words

KIND_COLOURS = {
    OPERATOR: faded(COLOURS[0], 0.75),
    DEVICE: faded(COLOURS[1], 0.75),
    PYTHON: faded(COLOURS[2], 0.75),
    MODULE: faded(COLOURS[3], 0.75),
    ANNOTATION: faded(COLOURS[6], 0.75),
}
REST_COLOUR = faded(NEUTRAL_COLOUR, 0.5)
"""The colour of runtime calls, of what is too small to draw, and of frames that did not change."""

_MARKED = {SLOWER: WORSE_COLOUR, FASTER: BETTER_COLOUR, NEW: COLOURS[4], GONE: NEUTRAL_COLOUR}
MARK_COLOURS = {**_MARKED, SAME: REST_COLOUR}
FAINT_COLOURS = {**{mark: faded(colour, 0.45) for mark, colour in _MARKED.items()}, SAME: REST_COLOUR}
"""The colours of marks that are not certain."""

ROW_HEIGHT = 24
AROUND_ROWS = 110  # pixels of the title and the axis
LABEL_LENGTH = 48  # characters of a name in its bar: names of kernels have hundreds, and the hover has all of them
LEAST_TEXT = 9  # pixels; a name that does not fit into its bar at this size is left to the hover


class FlameBars(Struct, frozen=True, eq=False):
    """The frames of one graph; a parent stands before what it called."""

    parent: Indices  # NO_PARENT at the top of a step
    names: Sequence[str]
    self_us: Floats  # in a step
    colours: Sequence[str]
    texts: Sequence[str]  # further lines of the hover: plain text
    step_us: float  # 0 where the trace marks none


def flame_figure(bars: FlameBars, title: str, is_dark: bool = False) -> go.Figure:
    """The graph of ``bars``, with the step as its top bar. Zooming and panning are plotly's own."""
    # A frame is at least as wide as all below it: where events overlap, self times are below 0.
    width_us = added_up(bars.parent, np.maximum(bars.self_us, 0.0))
    top = bars.parent == NO_PARENT
    step_us = max(bars.step_us, float(width_us[top].sum()))
    left_us, depth = _left_ends(bars.parent, width_us), depths(bars.parent) + 1
    is_drawn = width_us > 0
    share = width_us / step_us if step_us > 0 else width_us
    hover = [
        "<br>".join(disarmed(words.visible(line)) for line in (name, _size(size, part), text) if line)
        for name, size, part, text in zip(bars.names, width_us.tolist(), share.tolist(), bars.texts, strict=True)
    ]
    labels = [disarmed(words.visible(words.cut(name, LABEL_LENGTH))) for name in bars.names]
    bar = go.Bar(
        orientation="h",
        x=[step_us / 1e3, *(width_us[is_drawn] / 1e3).tolist()],
        base=[0.0, *(left_us[is_drawn] / 1e3).tolist()],
        y=[0, *depth[is_drawn].tolist()],
        text=["step", *_chosen(labels, is_drawn)],
        hovertext=[f"step<br>{words.microseconds(step_us)}", *_chosen(hover, is_drawn)],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"color": [REST_COLOUR, *_chosen(bars.colours, is_drawn)], "line": {"width": 0.5, "color": "white"}},
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
    )
    rows = int(depth[is_drawn].max(initial=0)) + 1
    return go.Figure([bar], layout=_layout(title, rows, step_us, is_dark))


def _left_ends(parent: Indices, width_us: Floats) -> Floats:
    """The left end of each frame: beside those of the same parent before it."""
    left_us, filled_us = np.zeros(len(width_us)), np.zeros(len(width_us) + 1)  # the last entry is the step's
    for row, above in enumerate(parent.tolist()):
        start = 0.0 if above == NO_PARENT else left_us[above]
        left_us[row] = start + filled_us[above]  # NO_PARENT is −1: the step
        filled_us[above] += width_us[row]
    return left_us


def _size(width_us: float, share: float) -> str:
    return f"{words.microseconds(width_us)}, {words.percent(share)} of the step"


def _chosen(texts: Sequence[str], is_drawn: NDArray[np.bool_]) -> list[str]:
    return [text for text, drawn in zip(texts, is_drawn.tolist(), strict=True) if drawn]


def _layout(title: str, rows: int, step_us: float, is_dark: bool) -> go.Layout:
    return go.Layout(
        template=template(is_dark),
        title={"text": disarmed(words.visible(title))},
        height=AROUND_ROWS + ROW_HEIGHT * (rows + 1),
        bargap=0.04,
        showlegend=False,
        uniformtext={"mode": "hide", "minsize": LEAST_TEXT},
        xaxis={"title": {"text": "ms in a step"}, "range": [0, step_us / 1e3]},
        yaxis={"range": [rows + 0.5, -0.5], "visible": False, "fixedrange": True},
    )
