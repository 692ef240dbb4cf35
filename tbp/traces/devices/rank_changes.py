"""Two sides of a distributed run → how each rank changed, apart from what all of them did.

Takes the ranks of both sides (``per_step.RUN_RANK_COLUMNS``), gives a checked frame. A rank that changes alone has
other work or another machine; what all have in common is the difference's. The work of a rank is judged, not its step:
where one is late, the steps of all are longer.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tbp.system.arrays import Floats
from tbp.traces.devices.per_step import LATE
from tbp.traces.reading.columns import COUNT, FLAG, NUMBER, typed

RANK_CHANGE_COLUMNS = {
    "rank": COUNT,
    "step_before_us": NUMBER,  # median over the runs of its side, as all below
    "step_after_us": NUMBER,
    "work_before_us": NUMBER,  # without waits for others
    "work_after_us": NUMBER,
    "wait_before_us": NUMBER,  # NaN where unknown
    "wait_after_us": NUMBER,
    "delta_us": NUMBER,  # of its work
    "apart_us": NUMBER,  # ``delta_us`` less the median of all ranks
    "stands_out": FLAG,
}

# Robust standard deviations of the other ranks that a rank has to be beyond. Of 300 ranks with normal noise 4 such
# ones happen in one of 50 pairs of runs, 5 in one of 5,000.
BEYOND = 5.0
_TO_SIGMA = 1.4826  # median absolute deviation → standard deviation, of normal values


def rank_changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """RANK_CHANGE_COLUMNS of the ranks that both sides have, in their order.

    A rank stands out whose work changed by a tenth (``per_step.LATE``) of the usual work more or less than the others'
    did, and by BEYOND their spread.
    """
    old, new = (side.groupby("rank")[["step_us", "work_us", "wait_us"]].median() for side in (before, after))
    both = old.merge(new, on="rank", suffixes=("_before", "_after")).reset_index()
    frame = pd.DataFrame({"rank": both["rank"]})
    for name in ("step", "work", "wait"):
        for side in ("before", "after"):
            frame[f"{name}_{side}_us"] = both[f"{name}_us_{side}"]
    frame["delta_us"] = frame["work_after_us"] - frame["work_before_us"]
    frame["apart_us"] = frame["delta_us"] - frame["delta_us"].median()
    frame["stands_out"] = _stands_out(frame["apart_us"].to_numpy(np.float64), float(frame["work_before_us"].median()))
    return typed(frame, RANK_CHANGE_COLUMNS)


def standing_out(changes: pd.DataFrame) -> pd.DataFrame:
    """The rows that stand out, the largest change first."""
    rows = changes[changes["stands_out"]]
    return rows.reindex(rows["apart_us"].abs().sort_values(ascending=False, kind="stable").index)


def _stands_out(apart_us: Floats, usual_us: float) -> NDArray[np.bool_]:
    if len(apart_us) < 2:
        return np.zeros(len(apart_us), dtype=bool)
    spread_us = _TO_SIGMA * float(np.median(np.abs(apart_us)))
    stands_out: NDArray[np.bool_] = np.abs(apart_us) > max(LATE * usual_us, BEYOND * spread_us)
    return stands_out
