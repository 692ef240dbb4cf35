"""The sessions of one commit → the operators and frames of its median step.

One basis for all times of a page: an operator's time is the median over the steps of a session, and then over the
sessions, as in a difference of two commits (``sides.side``). A few slow steps make a mean up to twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.system.arrays import Floats
from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.differences.sides import operators_of, side
from tbp.traces.frames.frames import Frames
from tbp.traces.frames.kinds import DEVICE
from tbp.traces.operators.operators import OperatorTable, TraceSession, merged_frames, merged_table
from tbp.traces.reading.trace import NS_PER_US


def typical_table(sessions: Sequence[TraceSession]) -> OperatorTable:
    """The operators of the median step: their calls and self times; all else is the mean of the sessions."""
    return _with_medians(merged_table([each.table for each in sessions]), sessions)


def _with_medians(table: OperatorTable, sessions: Sequence[TraceSession]) -> OperatorTable:
    names = operators_of(sessions)
    medians = side(sessions, names, "self_us", "self_device_us")
    frame = table.frame.set_index("operator")
    known = frame.index.intersection(pd.Index(names))
    columns = (("calls", medians.calls), ("self_us", medians.self_us), ("self_device_us", medians.other_self_us))
    for column, of_sessions in columns:
        typical = pd.Series(np.median(of_sessions, axis=0), index=names)
        frame.loc[known, column] = typical.loc[known]
    ordered = frame.reset_index().sort_values(["self_us", "operator"], ascending=[False, True], kind="stable")
    return replace(table, frame=ordered.reset_index(drop=True)[list(table.frame.columns)])


def typical_frames(sessions: Sequence[TraceSession]) -> Frames | None:
    """The frames, so that all of one operator together have its time of ``typical_table``, and a step the median.

    None where a session has no frames. Python functions and what is put together are scaled as the step is.
    """
    whole = merged_frames(sessions)
    if whole is None:
        return None
    merged = merged_table([each.table for each in sessions])
    mean = merged.frame.set_index("operator")
    typical = _with_medians(merged, sessions).frame.set_index("operator").reindex(mean.index)
    step_ns = float(np.median([each.step_us for each in sessions])) * NS_PER_US * whole.steps
    of_step = step_ns / whole.step_ns if whole.step_ns else 1.0
    rows = whole.rows
    names = rows["name"].to_numpy(dtype=object)
    is_device = (rows["kind"] == DEVICE).to_numpy()
    # Device work has the factor of the operator that launched it.
    launcher = np.where(is_device & (whole.parent != NO_PARENT), whole.parent, np.arange(len(rows)))
    host = _factors(mean["self_us"], typical["self_us"], names, of_step)
    device = _factors(mean["self_device_us"], typical["self_device_us"], names[launcher], 1.0)
    scaled = rows.assign(
        self_ns=np.rint(rows["self_ns"].to_numpy(np.float64) * host).astype(np.int64),
        device_ns=np.rint(rows["device_ns"].to_numpy(np.float64) * device).astype(np.int64),
    )
    return replace(whole, rows=scaled, step_ns=round(step_ns) if whole.step_ns else 0)


def _factors(mean: pd.Series[float], typical: pd.Series[float], names: NDArray[np.object_], otherwise: float) -> Floats:
    """The factor of each name from its mean to its median; ``otherwise`` where it has no time of its own."""
    has_time = (mean > 0) & (typical >= 0)
    factors = (typical[has_time] / mean[has_time]).reindex(names)
    return np.asarray(factors.fillna(otherwise), dtype=np.float64)
