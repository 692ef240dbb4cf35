"""The frames of several sessions → one tree.

Takes ``Frames``, gives their mean, or every path of any of them. What two sides differ in is left to
``frame_difference``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.nesting import NO_PARENT, first_ancestors, looked_up
from tbp.traces.frames.backward import BACKWARD
from tbp.traces.frames.frames import FRAME_COLUMNS, SUMMED, Frames
from tbp.traces.frames.kinds import MODULE, PYTHON, SMALLER

# Sessions of unlike numbers of steps are brought to a common one with factors of at most this, so that int64 holds
# them: 10**12 ns, over a quarter of an hour, a thousand times.
_LARGEST_WEIGHT = 1_000


def merged(sessions: Sequence[Frames]) -> Frames:
    """The mean of several sessions, each weighing alike; a path that a session lacks counts 0 there."""
    if len(sessions) == 1:
        return sessions[0]
    sessions = alike(sessions)
    steps = math.lcm(*(each.steps for each in sessions)) if sessions else 1
    weights = [steps // each.steps for each in sessions]
    if max(weights, default=1) > _LARGEST_WEIGHT:  # then each step weighs alike, not each session
        weights = [1] * len(sessions)
    shared, places = union([each.rows for each in sessions])
    for name in SUMMED:
        shared[name] = np.zeros(len(shared), dtype=np.int64)
        for each, at, weight in zip(sessions, places, weights, strict=True):
            np.add.at(shared[name].to_numpy(), at, _integers(each.rows[name]) * weight)
    return Frames(
        shared[list(FRAME_COLUMNS)],
        sum(each.steps * weight for each, weight in zip(sessions, weights, strict=True)),
        sum(each.step_ns * weight for each, weight in zip(sessions, weights, strict=True)),
        sum(each.sessions for each in sessions),
    )


def union(several: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, list[Indices]]:
    """Every path of any of these frames once, and the row there of each of their rows.

    Its columns are parent, name, kind, merged (the largest) and recorded (the first).
    """
    known: dict[tuple[int, str, str], int] = {}
    most: list[int] = []
    recorded: list[str] = []
    rows_of_each: list[Indices] = []
    for rows in several:
        row_of: list[int] = []
        columns = [rows[column] for column in ("parent", "name", "kind", "merged", "recorded")]
        for parent, name, kind, count, in_file in zip(*columns, strict=True):
            row = known.setdefault((row_of[parent] if parent != NO_PARENT else NO_PARENT, name, kind), len(known))
            row_of.append(row)
            if row == len(most):
                most.append(count)
                recorded.append(in_file)
            else:
                most[row] = max(most[row], count)
        rows_of_each.append(np.array(row_of, dtype=np.int64))
    keys = list(zip(*known, strict=True)) or [(), (), ()]
    shared = pd.DataFrame(
        {
            "parent": np.array(keys[0], dtype=np.int64),
            "name": pd.Series(keys[1], dtype=object),
            "kind": pd.Series(keys[2], dtype=object),
            "merged": np.array(most, dtype=np.int64),
            "recorded": pd.Series(recorded, dtype=object),
        }
    )
    return shared, rows_of_each


def alike(several: Sequence[Frames]) -> Sequence[Frames]:
    """The frames, without what some of them lack: Python functions, or chains around backward operators.

    Else no path of one is in another.
    """
    for marked, without in ((_is_python, without_python), (_is_backward, without_backward)):
        has = [bool(marked(each).any()) for each in several]
        if any(has) and not all(has):
            several = [without(each) for each in several]
    return several


def without_python(frames: Frames) -> Frames:
    """The frames below Python functions and modules, whose own time then is outside of all frames."""
    return _without(frames, _is_python(frames))


def without_backward(frames: Frames) -> Frames:
    """The frames with backward operators below what started them alone (``frames.backward``)."""
    dropped = _is_backward(frames)
    is_empty = ((frames.rows["calls"] == 0) & (frames.rows["kind"] != SMALLER)).to_numpy()
    for row, parent in enumerate(frames.parent.tolist()):
        dropped[row] |= parent != NO_PARENT and dropped[parent] and is_empty[row]
    return _without(frames, dropped)


def _is_python(frames: Frames) -> NDArray[np.bool_]:
    python: NDArray[np.bool_] = frames.rows["kind"].isin((PYTHON, MODULE)).to_numpy()
    return python


def _is_backward(frames: Frames) -> NDArray[np.bool_]:
    return (frames.rows["name"] == BACKWARD).to_numpy(dtype=bool, copy=True)


def _without(frames: Frames, dropped: NDArray[np.bool_]) -> Frames:
    if not dropped.any():
        return frames
    new = np.cumsum(~dropped) - 1
    rows = frames.rows[~dropped].reset_index(drop=True)
    # Rows of one path that had different functions around them are one now.
    rows["parent"] = looked_up(new, looked_up(first_ancestors(frames.parent, dropped), frames.parent[~dropped]))
    shared, (at,) = union([rows])
    for name in SUMMED:
        shared[name] = np.zeros(len(shared), dtype=np.int64)
        np.add.at(shared[name].to_numpy(), at, _integers(rows[name]))
    return replace(frames, rows=shared[list(FRAME_COLUMNS)])


def _integers(column: pd.Series) -> Indices:
    values: Indices = column.to_numpy(dtype=np.int64)
    return values
