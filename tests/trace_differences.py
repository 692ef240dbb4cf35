"""Differences of two traces, made of literal rows."""

from collections.abc import Mapping, Sequence

import pandas as pd

from tbp.traces.differences.difference import ROW_COLUMNS, TraceDifference
from tbp.traces.reading.columns import FLAG, NUMBER, TEXT

Sides = tuple[float, float]
"""Before and after."""


def row(operator: str, calls: Sides, self_us: Sides, kind: str = "same", **fields: object) -> dict[str, object]:
    """An operator per step on the host's clock; certain unless it is the same, but for ``fields``."""
    blank = {NUMBER: 0.0, TEXT: "", FLAG: kind != "same"}
    numbers = {
        "calls_before": calls[0], "calls_after": calls[1], "self_before_us": self_us[0], "self_after_us": self_us[1],
        "self_host_before_us": self_us[0], "self_host_after_us": self_us[1], "delta_us": self_us[1] - self_us[0],
    }  # fmt: skip
    named = {"operator": operator, "kind": kind}
    return {name: blank[of] for name, of in ROW_COLUMNS.items()} | numbers | named | fields


def trace_difference(
    rows: Sequence[Mapping[str, object]], step_us: Sides, residual_us: float = 0.0, factor: float = 1.0,
    sessions: tuple[int, int] = (3, 3), **fields: object,
) -> TraceDifference:  # fmt: skip
    """The rows in their order; each has its share of the step's change."""
    frame = pd.DataFrame(rows, columns=list(ROW_COLUMNS))
    change_us = step_us[1] - step_us[0]
    frame["share"] = frame["delta_us"] / change_us if change_us else 0.0
    return TraceDifference(frame, *step_us, residual_us, factor, *sessions, **fields)  # type: ignore[arg-type]


def certain_difference(
    factor: float = 1.0, certain: Sequence[str] = ("mm", "masked_fill_"), clock: str = "host"
) -> TraceDifference:
    """Certain of these operators, in a step of 4 ms that became 4.5 ms."""
    rows = [row(name, (0.0, 1.0), (0.0, 0.0), "calls") for name in certain]
    return trace_difference(rows, (4000.0, 4500.0), factor=factor, clock=clock)
