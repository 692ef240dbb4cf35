"""A trace → what each operator did under each caller with each shape, for exact comparison.

Takes a ``Trace`` with its tree and device work, gives a checked frame. Calls, FLOPs, bytes and the kernels launched
are free of noise: they compare exactly. Comparing is left to ``exact``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.kernels import DeviceWork
from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.calls.quantities import Quantities
from tbp.traces.calls.steps import OUTSIDE
from tbp.traces.reading.columns import NUMBER, TEXT
from tbp.traces.reading.trace import ABSENT, NS_PER_US, Trace

NO_CALLER = "(the step)"

DETAIL_COLUMNS = {
    "parent": TEXT,  # the operator or annotation that called it; NO_CALLER at the top of a step
    "operator": TEXT,
    "shapes": TEXT,  # JSON; "" where none were recorded
    "calls": NUMBER,  # per step, as all numbers here
    "self_us": NUMBER,
    "flops": NUMBER,  # NaN where unknown, as in operators.OPERATOR_COLUMNS
    "allocated_bytes": NUMBER,
    "copied_bytes": NUMBER,
    "kernels": TEXT,  # distinct names that it launched itself, sorted, a line each
}


def detail(trace: Trace, tree: HostTree, work: DeviceWork, amounts: Quantities) -> pd.DataFrame:
    """DETAIL_COLUMNS, a row per caller, operator and shapes; inside steps where the trace has steps."""
    counted = np.flatnonzero(tree.counted & ~tree.is_step & ((tree.step != OUTSIDE) | (tree.steps == 0)))
    operators, shapes = len(tree.names) + 1, max(len(trace.shapes), 1)
    caller = _callers(tree)[counted]
    shape = trace.shape_code[tree.event[counted]].astype(np.int64)
    # At most 400,000 each (events.MOST_TEXTS): the product fits int64.
    key = (caller * operators + tree.name_code[counted]) * shapes + shape
    keys, row = np.unique(key, return_inverse=True)
    size = len(keys)
    steps = tree.windows.behind(tree.name_code[counted], tree.process[counted], operators)[keys // shapes % operators]
    names = (*tree.names, NO_CALLER)
    return pd.DataFrame(
        {
            "parent": pd.Series([names[code] for code in keys // shapes // operators], dtype=object),
            "operator": pd.Series([names[code] for code in keys // shapes % operators], dtype=object),
            "shapes": pd.Series([trace.shapes[code] for code in keys % shapes], dtype=object),
            "calls": np.bincount(row, minlength=size) / steps,
            "self_us": np.bincount(row, tree.self_ns[counted], size) / NS_PER_US / steps,
            **amounts.summed(counted, row, size, steps),
            "kernels": _kernels(trace, tree, work, counted, row, size),
        }
    )


def _callers(tree: HostTree) -> Indices:
    """Name code of each event's caller; that of NO_CALLER where only a step encloses it, or nothing."""
    top = len(tree.names)
    inside = tree.parent != NO_PARENT
    caller = tree.stands_for[np.where(inside, tree.parent, 0)] if len(tree.parent) else tree.parent
    return np.where(inside & ~tree.is_step[caller], tree.name_code[caller], top).astype(np.int64)


def _kernels(
    trace: Trace, tree: HostTree, work: DeviceWork, counted: Indices, row: NDArray[np.intp], size: int
) -> pd.Series[str]:
    row_of = np.full(len(tree.event), ABSENT, dtype=np.int64)
    row_of[counted] = row
    owned = np.flatnonzero(work.owner != ABSENT)
    names: list[set[str]] = [set() for _ in range(size)]
    launched = row_of[work.owner[owned]] * len(tree.names) + tree.comparable.code_of[trace.name_code[work.event[owned]]]
    for pair in np.unique(launched[launched >= 0]).tolist():
        at, name = divmod(pair, len(tree.names))
        names[at].add(tree.names[name])
    return pd.Series(["\n".join(sorted(each)) for each in names], dtype=object)
