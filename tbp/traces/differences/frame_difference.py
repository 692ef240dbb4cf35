"""Two sides' frames → every path with its figures before and after, and which of them to mark as changed.

Takes merged ``Frames`` and the certain operators of ``difference``, gives a checked frame. A frame is marked by its
time with all below it, so that marks lead from the step down to the operator that changed. Drawing is left to the
report.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.nesting import NO_PARENT, added_up
from tbp.traces.differences.difference import LEAST_CHANGE
from tbp.traces.frames.folding import NO_BOUND, folded
from tbp.traces.frames.frames import Frames, refolded, shares
from tbp.traces.frames.kinds import DEVICE, SMALLER
from tbp.traces.frames.merging import alike, union
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, check
from tbp.traces.reading.trace import NS_PER_US

# A frame whose time changed by less of the step than this is not marked: at the width of a screen it is a change of
# five pixels, and half of what ``difference`` calls a change of the step at all (SHARE_LEAST_CHANGE).
LEAST_MARKED_SHARE = 0.005

NEW, GONE, SLOWER, FASTER, SAME = "new", "gone", "slower", "faster", "same"

DIFFERENCE_COLUMNS = {
    "parent": COUNT,  # as in frames.FRAME_COLUMNS
    "name": TEXT,
    "kind": TEXT,
    "merged": COUNT,
    "calls_before": NUMBER,  # per step, mean over sessions, as all numbers here
    "calls_after": NUMBER,
    "self_before_us": NUMBER,
    "self_after_us": NUMBER,
    "device_before_us": NUMBER,
    "device_after_us": NUMBER,
    "recorded": TEXT,  # its name in the traces of after; of before where it is gone
    "known_before": COUNT,  # 0: it may have run, but too short to be among the frames of that side; else 1
    "known_after": COUNT,
}
SUMMED = ("calls_before", "calls_after", "self_before_us", "self_after_us", "device_before_us", "device_after_us")


class FrameDifference(Struct, frozen=True, eq=False):
    """``rows`` has DIFFERENCE_COLUMNS, every path of any side once."""

    rows: pd.DataFrame
    step_before_us: float  # mean; 0 where the traces mark no steps
    step_after_us: float

    def __post_init__(self) -> None:
        check(self.rows, DIFFERENCE_COLUMNS, "difference of frames")

    @property
    def parent(self) -> Indices:
        values: Indices = self.rows["parent"].to_numpy(dtype=np.int64)
        return values

    def total_us(self, side: str, clock: str = "host") -> NDArray[np.float64]:
        """Each frame's time with all below it; ``side`` is "before" or "after", ``clock`` "host" or "device"."""
        self_us = self.rows[f"{'self' if clock == 'host' else 'device'}_{side}_us"].to_numpy(dtype=np.float64)
        return added_up(self.parent, self_us)

    def step_us(self, side: str, clock: str = "host") -> float:
        """All of a step: the frames at its top, or the annotated step where that is longer."""
        top = float(self.total_us(side, clock)[self.parent == NO_PARENT].sum())
        marked_us = self.step_before_us if side == "before" else self.step_after_us
        return max(top, marked_us) if clock == "host" else top


def frame_difference(before: Frames, after: Frames) -> FrameDifference:
    """Both sides' frames, joined by path."""
    before, after = alike([before, after])
    rows, places = union([after.rows, before.rows])  # the order of what runs now
    for side, frames, at in (("before", before, places[1]), ("after", after, places[0])):
        for column, source in (("calls", "calls"), ("self", "self_ns"), ("device", "device_ns")):
            values = np.zeros(len(rows), dtype=np.float64)
            scale = frames.steps if column == "calls" else frames.steps * NS_PER_US
            np.add.at(values, at, frames.rows[source].to_numpy(dtype=np.float64) / scale)
            rows[f"{column}_{side}" if column == "calls" else f"{column}_{side}_us"] = values
        rows[f"known_{side}"] = _known(rows, at)
    step_before_us, step_after_us = (each.step_ns / each.steps / NS_PER_US for each in (before, after))
    return FrameDifference(rows[list(DIFFERENCE_COLUMNS)], step_before_us, step_after_us)


def pruned_difference(difference: FrameDifference, least_share: float = 0.0, most: int = NO_BOUND) -> FrameDifference:
    """``difference`` without the frames below ``least_share`` of the step on both sides and clocks; no sum changes."""
    share = np.zeros(len(difference.rows))
    for side, step_us in (("before", difference.step_before_us), ("after", difference.step_after_us)):
        for clock in ("host", "device"):
            whole_us = step_us if clock == "host" else 0.0
            share = np.maximum(share, shares(difference.parent, difference.total_us(side, clock), whole_us))
    fold = folded(difference.parent, share, (difference.rows["kind"] == SMALLER).to_numpy(), least_share, most)
    rows = refolded(difference.rows, fold, SUMMED)
    for column in ("known_before", "known_after"):
        rows[column] = np.ones(len(rows), dtype=np.int64)
        rows.loc[: int(fold.stays.sum()) - 1, column] = difference.rows[column].to_numpy()[fold.stays]
    return FrameDifference(rows[list(DIFFERENCE_COLUMNS)], difference.step_before_us, difference.step_after_us)


class Marks(Struct, frozen=True, eq=False):
    """An entry per row of a ``FrameDifference``."""

    kind: tuple[str, ...]  # NEW, GONE, SLOWER, FASTER or SAME
    certain: NDArray[np.bool_]  # of a changed one: it holds an operator whose change is certain, in that direction


def marks(difference: FrameDifference, clock: str, machine_factor: float, certain: Mapping[str, int]) -> Marks:
    """The marks on one ``clock``; ``certain`` has 1 for each operator that surely does more there, -1 for less.

    ``machine_factor`` is how much longer unchanged work took after. A frame is slower or faster only where that holds
    as measured *and* freed of the machine's speed, as in ``difference``. It must have changed by LEAST_MARKED_SHARE of
    the step, and by LEAST_CHANGE of its own time where no certain change is in it.
    """
    before_us, after_us = difference.total_us("before", clock), difference.total_us("after", clock)
    measured_us, freed_us = after_us - before_us, after_us / machine_factor - before_us
    size_us = np.where(measured_us * freed_us > 0, np.minimum(np.abs(measured_us), np.abs(freed_us)), 0.0)
    sure = _holds_certain(difference, clock, certain, np.sign(measured_us))
    least_us = LEAST_MARKED_SHARE * max(difference.step_us("before", clock), difference.step_us("after", clock))
    marked = (size_us > 0) & (size_us >= least_us) & (sure | (size_us > LEAST_CHANGE * before_us))
    rows = difference.rows
    is_single = (rows["kind"] != SMALLER).to_numpy()
    calls_before, calls_after = rows["calls_before"].to_numpy(), rows["calls_after"].to_numpy()
    is_new = is_single & (calls_before == 0) & (calls_after > 0) & (rows["known_before"] > 0).to_numpy()
    is_gone = is_single & (calls_after == 0) & (calls_before > 0) & (rows["known_after"] > 0).to_numpy()
    kinds = np.select(
        [is_new, is_gone, marked & (measured_us > 0), marked & (measured_us < 0)],
        [NEW, GONE, SLOWER, FASTER],
        default=SAME,
    )
    # As many calls in each step: no accident of one of them.
    steady = (calls_before == np.round(calls_before)) & (calls_after == np.round(calls_after))
    return Marks(tuple(kinds.tolist()), (sure | ((is_new | is_gone) & steady)) & (kinds != SAME))


def _known(rows: pd.DataFrame, rows_of_side: Indices) -> NDArray[np.int64]:
    """1 where a side has the frame, or would have it: 0 below a frame that lost something small."""
    has = np.zeros(len(rows), dtype=bool)
    has[rows_of_side] = True
    parents = rows["parent"].to_numpy(dtype=np.int64)
    collects = np.zeros(len(rows) + 1, dtype=bool)  # the last entry is the top's: NO_PARENT is −1
    collects[parents[has & (rows["kind"] == SMALLER).to_numpy()]] = True
    known = np.ones(len(rows), dtype=np.int64)
    for row, parent in enumerate(parents.tolist()):  # a parent stands above its rows
        if not has[row]:
            known[row] = known[parent] if parent != NO_PARENT and not has[parent] else int(not collects[parent])
    return known


def _holds_certain(
    difference: FrameDifference, clock: str, certain: Mapping[str, int], direction: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """True where a certain operator, in the frame or below it, moved the way the frame did."""
    rows, parent = difference.rows, difference.parent
    column = "self" if clock == "host" else "device"
    own_us = (rows[f"{column}_after_us"] - rows[f"{column}_before_us"]).to_numpy(dtype=np.float64)
    names = rows["name"].to_numpy(dtype=object)
    # Device work speaks for the operator that launched it.
    launcher = np.where((rows["kind"] == DEVICE).to_numpy() & (parent != NO_PARENT), parent, np.arange(len(rows)))
    # Twice the calls in less time: that there are more is certain, that they take less is not.
    sure = np.array([certain.get(name, 0) for name in names[launcher]], dtype=np.float64)
    moved = np.where(np.sign(own_us) == sure, sure, 0.0)
    holds = {sign: added_up(parent, (moved == sign).astype(np.int64)) > 0 for sign in (-1.0, 1.0)}
    return np.where(direction > 0, holds[1.0], np.where(direction < 0, holds[-1.0], False))
