"""The ranks of a run in their collectives: how long each waits for later ones, and how their clocks differ.

Takes the collectives of each rank, gives a checked frame with a row per rank. Nobody leaves a collective before
everybody is there, so all ranks leave it together, and the last one to arrive is in it for the shortest time:

    wait of a rank   = Σ (its time in a collective − the shortest time of a rank in it) ÷ steps
    clock of a rank  = median over collectives of (its end − the median end of all ranks)

The first is the wait in an implicit synchronisation of AMD-AGI/TraceLens (its multi-rank collective report), told from
times in the collective instead of from arrivals, so that no clock has to be right. HolisticTraceAnalysis makes the
same assumption: "end at about the same time, therefore the later a kernel starts, the bigger delay it likely causes"
(hta/analyzers/straggler.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Floats
from tbp.traces.reading.columns import COUNT, NUMBER, check, typed
from tbp.traces.reading.trace import NS_PER_US

WAIT_COLUMNS = {
    "collectives": COUNT,  # of its own that other ranks have too
    "wait_us": NUMBER,  # per step; NaN without any collective in common
    "last": COUNT,  # collectives in which it arrived last
    "clock_us": NUMBER,  # its clock less the usual one; NaN without any collective in common
}

# Part of the arrivals' skew that ends may be apart. Eight real ranks of one machine (tools/many_ranks.py) leave a
# collective 0.6 µs apart and arrive 1,405 µs apart. Two groups taken for one leave as they come.
AGREEING = 0.25

_KEY = ["group", "name", "step", "turn"]


class Waits(Struct, frozen=True, eq=False):
    """The collectives that the ranks of a run have in common; ``ranks`` has WAIT_COLUMNS in the order of the ranks."""

    ranks: pd.DataFrame
    collectives: int  # that two ranks or more have
    skew_us: float  # between the first and the last rank that arrives, mean over collectives; NaN without any
    ends_us: (
        float  # how far ends are apart on corrected clocks, median; NaN without any: a large one makes waits unsure
    )

    @property
    def are_sure(self) -> bool:
        """True where each rank has a wait, and ranks leave a collective much closer together than they arrive at it.

        Else the collectives are of different groups that the files do not name, or all ranks arrive together.
        """
        return self.ends_us <= AGREEING * self.skew_us and bool(self.ranks["wait_us"].notna().all())

    def __post_init__(self) -> None:
        check(self.ranks, WAIT_COLUMNS, "waits")


def waits(collectives: Sequence[pd.DataFrame], steps: Sequence[int]) -> Waits:
    """The waits of ranks with these ``collectives.COLLECTIVE_COLUMNS`` over as many ``steps``."""
    taken, end = _side_by_side(collectives)
    common = np.isfinite(taken).sum(axis=0) > 1
    taken, end = taken[:, common], end[:, common]
    if not taken.shape[1]:
        nothing = {"collectives": 0, "wait_us": math.nan, "last": 0, "clock_us": math.nan}
        return Waits(typed([nothing] * len(collectives), WAIT_COLUMNS), 0, math.nan, math.nan)
    wait = taken - np.nanmin(taken, axis=0)
    has_any = np.isfinite(taken).sum(axis=1) > 0
    clock = _by_rank(end - np.nanmedian(end, axis=0), has_any)
    corrected = end - clock[:, None]
    frame = pd.DataFrame(
        {
            "collectives": np.isfinite(taken).sum(axis=1),
            "wait_us": np.where(has_any, np.nansum(wait, axis=1) / np.maximum(steps, 1), math.nan),
            "last": np.bincount(np.nanargmin(taken, axis=0), minlength=len(taken)),
            "clock_us": clock,
        }
    )
    apart = np.nanmedian(np.abs(corrected - np.nanmedian(corrected, axis=0)))
    return Waits(typed(frame, WAIT_COLUMNS), taken.shape[1], float(np.nanmax(wait, axis=0).mean()), float(apart))


def _by_rank(difference: Floats, has_any: NDArray[np.bool_]) -> Floats:
    """The median of each row, NaN where it has no value."""
    medians = np.full(len(difference), math.nan)
    medians[has_any] = np.nanmedian(difference[has_any], axis=1)
    return medians


def _side_by_side(collectives: Sequence[pd.DataFrame]) -> tuple[Floats, Floats]:
    """Time in each collective and its end, µs, ranks × collectives; NaN where a rank has it not.

    Collectives are one if their group, name and step are, and their turn among such. Each rank of a group launches its
    collectives in the same order, else they would never end.
    """
    numbered = [
        frame.assign(rank=rank, turn=frame.groupby(["group", "name", "step"], sort=False).cumcount())
        for rank, frame in enumerate(collectives)
        if len(frame)
    ]
    if not numbered:
        return np.empty((len(collectives), 0)), np.empty((len(collectives), 0))
    rows = pd.concat(numbered, ignore_index=True)
    column = rows.groupby(_KEY, sort=False).ngroup().to_numpy(np.int64)
    shape = (len(collectives), int(column.max()) + 1)
    taken, end = np.full(shape, math.nan), np.full(shape, math.nan)
    start_ns, duration_ns = rows["start_ns"].to_numpy(np.int64), rows["duration_ns"].to_numpy(np.int64)
    at = rows["rank"].to_numpy(np.int64), column
    taken[at] = duration_ns / NS_PER_US
    end[at] = (start_ns + duration_ns - start_ns.min()) / NS_PER_US  # nanoseconds since the epoch exceed a float
    return taken, end
