"""Memory over time: the bytes allocated on each device after each memory event of a trace.

Takes the frames of ``tbp.traces.devices.memory``, gives a plotly figure.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from tbp.figures.look import Look, disarmed, look, template
from tbp.traces.devices.bounded_memory import thinned
from tbp.traces.devices.memory import HOST, MemoryUse
from tbp.wording import words

MOST_POINTS = 20_000  # of a device: ten for each column of pixels. Beyond, the highest of each stretch stays.


def memory_figure(memory: MemoryUse, is_dark: bool = False) -> go.Figure:
    """A line of steps for each device, and its peak."""
    factor, symbol = words.scale_of(float(memory.peaks["peak_bytes"].max()), words.BYTES)
    traces = []
    for number, (_, peak) in enumerate(memory.peaks.iterrows()):
        points = thinned(memory.timeline[memory.timeline["device"] == peak["device"]], MOST_POINTS)
        traces += [_line(points, peak, look(number), factor), _mark(peak, look(number), factor)]
    return go.Figure(
        traces,
        layout={
            "template": template(is_dark),
            "xaxis": {"title": {"text": "ms since the first allocation"}},
            "yaxis": {"title": {"text": f"allocated, {symbol}"}, "rangemode": "tozero"},
            "showlegend": len(memory.peaks) > 1,
        },
    )


def _line(points: pd.DataFrame, peak: pd.Series, style: Look, factor: float) -> go.Scatter:
    return go.Scatter(
        name=_name(peak),
        mode="lines",
        x=(points["time_us"] / 1e3).tolist(),
        y=(points["allocated_bytes"] / factor).tolist(),
        line={"color": style.colour, "width": 1.5, "shape": "hv"},
        text=[words.quantity(size, "bytes") for size in points["allocated_bytes"]],
        hovertemplate="%{text}<extra></extra>",
    )


def _mark(peak: pd.Series, style: Look, factor: float) -> go.Scatter:
    operator = disarmed(words.visible(words.cut(str(peak["operator"]), 80)))
    return go.Scatter(
        name=f"peak of {_name(peak)}",
        mode="markers",
        x=[float(peak["peak_us"]) / 1e3],
        y=[float(peak["peak_bytes"]) / factor],
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        text=[f"peak {words.quantity(float(peak['peak_bytes']), 'bytes')}<br>{operator}"],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _name(peak: pd.Series) -> str:
    return "host" if peak["device"] == HOST else disarmed(words.visible(f"device {peak['device']}"))
