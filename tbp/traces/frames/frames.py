"""A trace → its frames: the calls of a step, merged by path, as a flame graph shows them.

Takes a ``Trace`` with its tree and device work, gives a checked frame of integers: sums over all steps, in ns, so that
what lies below a frame never takes longer than it, and all of it adds up to the operator table's self times. Several
sessions merge into one. What differs between two is left to ``frame_difference``, drawing to the report.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree, operator_codes
from tbp.traces.calls.kernels import REST, DeviceWork
from tbp.traces.calls.nesting import NO_PARENT, added_up, depths, first_ancestors, looked_up
from tbp.traces.calls.steps import OUTSIDE
from tbp.traces.frames.folding import NO_BOUND, Folded, folded
from tbp.traces.reading.categories import Category
from tbp.traces.reading.columns import COUNT, TEXT, check
from tbp.traces.reading.trace import Trace

Value = TypeVar("Value", bound=np.generic)

# What a frame is.
OPERATOR, ANNOTATION, RUNTIME = "operator", "annotation", "runtime"
DEVICE = "device"  # a kernel, copy or fill, below the operator that launched it
REST_OF_DEVICE = "rest"  # device work that no operator owns (``kernels.REST``), at the top
SMALLER = "smaller"  # several frames too small to be told apart, below the one that called them
KINDS = frozenset({OPERATOR, ANNOTATION, RUNTIME, DEVICE, REST_OF_DEVICE, SMALLER})
_KINDS = {Category.ANNOTATION: ANNOTATION, Category.RUNTIME: RUNTIME}

FRAME_COLUMNS = {
    "parent": COUNT,  # row of the frame it was called from, always an earlier row; NO_PARENT at the top of a step
    "name": TEXT,  # as host.operator_name gives it; "" of SMALLER
    "kind": TEXT,
    "calls": COUNT,  # over all steps, as all numbers here; launches of DEVICE
    "self_ns": COUNT,  # on the host; below 0 only where events overlap without nesting
    "device_ns": COUNT,  # of DEVICE and REST_OF_DEVICE, and of what was put together from them; 0 of all others
    "merged": COUNT,  # frames put together in SMALLER, 0 where they were only too deep to be told; 1 of all others
}
SUMMED = ("calls", "self_ns", "device_ns")

# Deeper calls are put together. The 15 real traces of the tests have at most 9 levels, nested annotations of modules
# add some 20, and a browser shows about 40 at once; a trace made to exhaust us has a million.
MOST_DEPTH = 100

# Frames kept of one session. Those real traces have up to 498; with more than this, names that contain numbers make a
# frame of every call, and the smallest go.
MOST_FRAMES = 10_000

# What is worth drawing: a screen shows 1,000 to 2,000 pixels, and Chromium draws 2,000 frames in 0.1 to 0.3 s.
DRAWN_SHARE = 0.0005
MOST_DRAWN = 2_000

# Sessions of unlike numbers of steps are brought to a common one with factors of at most this, so that int64 holds
# them: 10**12 ns, over a quarter of an hour, a thousand times.
_LARGEST_WEIGHT = 1_000


class Frames(Struct, frozen=True, eq=False):
    """``rows`` has FRAME_COLUMNS. Divided by ``steps`` a number is per step."""

    rows: pd.DataFrame
    steps: int  # that the numbers are summed over
    step_ns: int  # what those steps lasted together, on the host; 0 where the trace marks none
    sessions: int = 1

    def __post_init__(self) -> None:
        check(self.rows, FRAME_COLUMNS, "frames")

    @property
    def parent(self) -> Indices:
        return _integers(self.rows["parent"])

    def total_ns(self, clock: str = "host") -> Indices:
        """Each frame's time with all below it, on the "host" or on the "device"."""
        return added_up(self.parent, _integers(self.rows["self_ns" if clock == "host" else "device_ns"]))


def frames(trace: Trace, tree: HostTree, work: DeviceWork) -> Frames:
    """The frames of a session: of its calls in steps, where the trace marks steps."""
    inside = tree.counted & ~tree.is_step & ((tree.step != OUTSIDE) | (tree.steps == 0))
    names, device_code = operator_codes(trace.names)
    smaller = len(names)
    above, depth = _above(tree, inside)
    code = np.where(depth < MOST_DEPTH, tree.name_code, smaller).astype(np.int64)
    row_of, parent, row_code, first = _merged_by_path(inside, above, np.minimum(depth, MOST_DEPTH), code, smaller + 1)
    at = row_of[inside]
    host = pd.DataFrame(
        {
            "parent": parent,
            "name": _texts((*names, ""), row_code),
            "kind": _host_kinds(trace, tree.event[first], row_code == smaller),
            "calls": np.bincount(at, minlength=len(parent)),
            "self_ns": _added(tree.self_ns[inside], at, len(parent)),
            "device_ns": np.zeros(len(parent), dtype=np.int64),
            "merged": (row_code != smaller).astype(np.int64),
        }
    )
    rows = _with_device(host, trace, tree, work, row_of, (names, device_code))
    step_ns = int((tree.windows.end_ns - tree.windows.start_ns).sum())
    # Of several processes with steps, these are the mean: a step of any of them counts alike.
    return pruned(Frames(rows, max(len(tree.windows), 1), step_ns), most=MOST_FRAMES)


def merged(sessions: Sequence[Frames]) -> Frames:
    """The mean of several sessions, each weighing alike; a path that a session lacks counts 0 there."""
    if len(sessions) == 1:
        return sessions[0]
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

    Its columns are parent, name, kind and merged (the largest).
    """
    known: dict[tuple[int, str, str], int] = {}
    most: list[int] = []
    rows_of_each: list[Indices] = []
    for rows in several:
        row_of: list[int] = []
        for parent, name, kind, count in zip(rows["parent"], rows["name"], rows["kind"], rows["merged"], strict=True):
            row = known.setdefault((row_of[parent] if parent != NO_PARENT else NO_PARENT, name, kind), len(known))
            row_of.append(row)
            if row == len(most):
                most.append(count)
            else:
                most[row] = max(most[row], count)
        rows_of_each.append(np.array(row_of, dtype=np.int64))
    columns = list(zip(*known, strict=True)) or [(), (), ()]
    shared = pd.DataFrame(
        {
            "parent": np.array(columns[0], dtype=np.int64),
            "name": pd.Series(columns[1], dtype=object),
            "kind": pd.Series(columns[2], dtype=object),
            "merged": np.array(most, dtype=np.int64),
        }
    )
    return shared, rows_of_each


def pruned(whole: Frames, least_share: float = 0.0, most: int = NO_BOUND) -> Frames:
    """The frames without those below ``least_share`` of the step on host and device, at most about ``most``.

    Their sums go to the SMALLER frame of their caller.
    """
    clocks = ((whole.total_ns("host"), whole.step_ns), (whole.total_ns("device"), 0))
    share = np.max([shares(whole.parent, *clock) for clock in clocks], axis=0)
    fold = folded(whole.parent, share, (whole.rows["kind"] == SMALLER).to_numpy(), least_share, most)
    return Frames(refolded(whole.rows, fold, SUMMED)[list(FRAME_COLUMNS)], whole.steps, whole.step_ns, whole.sessions)


def shares(parent: Indices, total: NDArray[np.generic], step: float) -> NDArray[np.float64]:
    """The part of each frame in all at the top, or in the ``step`` where that is longer; 0 where nothing took time."""
    whole = max(float(total[parent == NO_PARENT].sum()), float(step) if np.any(total) else 0.0)
    part: NDArray[np.float64] = np.asarray(total, dtype=np.float64) / whole if whole > 0 else np.zeros(len(total))
    return part


def refolded(rows: pd.DataFrame, fold: Folded, summed: Sequence[str]) -> pd.DataFrame:
    """``rows`` as ``fold`` puts them together: names and kinds stay; ``summed`` and merged are added up."""
    size = len(fold.parent)
    added = fold.row[~fold.stays]
    texts = {
        name: pd.Series([*rows[name][fold.stays], *([filler] * (size - int(fold.stays.sum())))], dtype=object)
        for name, filler in (("name", ""), ("kind", SMALLER))
    }
    counts = np.ones(size, dtype=np.int64)
    counts[added] = 0
    np.add.at(counts, added, _integers(rows["merged"])[~fold.stays])
    values = {name: _added(rows[name].to_numpy(), fold.row, size) for name in summed}
    return pd.DataFrame({"parent": fold.parent, **texts, **values, "merged": counts})


def _above(tree: HostTree, inside: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """The nearest frame around each event, below MOST_DEPTH the frame at that depth; and the number around it."""
    nearest = first_ancestors(tree.parent, ~inside)
    above = looked_up(nearest, tree.parent)
    depth = depths(above)
    if len(depth) and depth.max() > MOST_DEPTH:
        limit = first_ancestors(above, depth >= MOST_DEPTH)
        above = np.where(depth >= MOST_DEPTH, limit, above)
    return above, depth


def _merged_by_path(
    inside: NDArray[np.bool_], above: Indices, depth: Indices, code: Indices, codes: int
) -> tuple[Indices, Indices, Indices, Indices]:
    """(row of each event, parent and name code of each row, the first event of each row), level by level."""
    row_of = np.full(len(above), NO_PARENT, dtype=np.int64)
    parents, row_codes, firsts, size = [], [], [], 0
    events = np.flatnonzero(inside)
    events = events[np.argsort(depth[events], kind="stable")]
    for level in np.split(events, np.flatnonzero(np.diff(depth[events])) + 1):
        # At most 5 M rows and 400,000 names (tbp.traces.reading.events): the product fits int64.
        key = (looked_up(row_of, above[level]) + 1) * codes + code[level]
        keys, first, row = np.unique(key, return_index=True, return_inverse=True)
        row_of[level] = size + row
        parents.append(keys // codes - 1)
        row_codes.append(keys % codes)
        firsts.append(level[first])
        size += len(keys)
    return row_of, np.concatenate(parents), np.concatenate(row_codes), np.concatenate(firsts)


def _with_device(
    host: pd.DataFrame,
    trace: Trace,
    tree: HostTree,
    work: DeviceWork,
    row_of: Indices,
    named: tuple[tuple[str, ...], NDArray[np.int32]],
) -> pd.DataFrame:
    """The host's rows, then a row for each kernel under each of them; behind them the rest at the top."""
    launched = np.flatnonzero((work.step != OUTSIDE) | (tree.steps == 0))
    if not len(launched):
        return host
    names, code_of = (*named[0], *REST), named[1]
    owner = looked_up(row_of, work.owner[launched])  # ABSENT is NO_PARENT
    kernel_code = code_of[trace.name_code[work.event[launched]]]
    code = np.where(owner != NO_PARENT, kernel_code, len(named[0]) + work.rest[launched]).astype(np.int64)
    keys, row = np.unique((owner + 1) * len(names) + code, return_inverse=True)
    parent = keys // len(names) - 1
    device = pd.DataFrame(
        {
            "parent": parent,
            "name": _texts(names, keys % len(names)),
            "kind": _texts((REST_OF_DEVICE, DEVICE), (parent != NO_PARENT).astype(np.int64)),
            "calls": np.bincount(row, minlength=len(keys)),
            "self_ns": np.zeros(len(keys), dtype=np.int64),
            "device_ns": _added(work.duration_ns[launched], row, len(keys)),
            "merged": np.ones(len(keys), dtype=np.int64),
        }
    )
    return pd.concat([host, device], ignore_index=True)


def _host_kinds(trace: Trace, event: Indices, is_smaller: NDArray[np.bool_]) -> pd.Series[str]:
    kinds = [_KINDS.get(Category(category), OPERATOR) for category in trace.category[event].tolist()]
    return pd.Series(
        [SMALLER if deep else kind for deep, kind in zip(is_smaller.tolist(), kinds, strict=True)], dtype=object
    )


def _texts(texts: Sequence[str], codes: Indices) -> pd.Series[str]:
    return pd.Series([texts[code] for code in codes.tolist()], dtype=object)


def _added(values: NDArray[Value], row: NDArray[np.integer], size: int) -> NDArray[Value]:
    """The sum of the values of each row, in their kind of number: integers stay exact."""
    total = np.zeros(size, dtype=values.dtype)
    np.add.at(total, row, values)
    return total


def _integers(column: pd.Series) -> Indices:
    values: Indices = column.to_numpy(dtype=np.int64)
    return values
