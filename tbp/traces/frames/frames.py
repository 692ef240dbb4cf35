"""A trace → its frames: the calls of a step, merged by path, as a flame graph shows them.

Takes a ``Trace`` with its tree and device work, gives a checked frame of integers: sums over all steps, in ns, so that
what lies below a frame never takes longer than it. Without Python functions all of it adds up to the operator table's
self times; with them to the time that they span. Merging sessions is left to ``merging``, drawing to the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.kernels import NO_OPERATOR, REST, DeviceWork, device_work, work_names
from tbp.traces.calls.nesting import NO_PARENT, added_up, looked_up
from tbp.traces.calls.python_calls import with_python
from tbp.traces.calls.steps import OUTSIDE
from tbp.traces.frames.backward import backward_chains, with_chains
from tbp.traces.frames.by_path import by_path, nearest
from tbp.traces.frames.folding import NO_BOUND, Folded, folded
from tbp.traces.frames.kinds import ANNOTATION, DEVICE, MODULE, OPERATOR, PYTHON, REST_OF_DEVICE, RUNTIME, SMALLER
from tbp.traces.frames.stacks import MODULE_START, stack_frames
from tbp.traces.reading.categories import Category
from tbp.traces.reading.columns import COUNT, TEXT, check
from tbp.traces.reading.trace import ABSENT, Trace

Value = TypeVar("Value", bound=np.generic)

_KINDS = {Category.ANNOTATION: ANNOTATION, Category.RUNTIME: RUNTIME, Category.PYTHON: PYTHON}

FRAME_COLUMNS = {
    "parent": COUNT,  # row of the frame it was called from, always an earlier row; NO_PARENT at the top of a step
    "name": TEXT,  # that compares between runs (calls/names.py); "" of SMALLER
    "kind": TEXT,
    "calls": COUNT,  # over all steps, as all numbers here; launches of DEVICE
    "self_ns": COUNT,  # on the host; below 0 only where events overlap without nesting
    "device_ns": COUNT,  # of DEVICE and REST_OF_DEVICE, and of what was put together from them; 0 of all others
    "merged": COUNT,  # frames put together in SMALLER, 0 where they were only too deep to be told; 1 of all others
    "recorded": TEXT,  # its name in the file, of several sessions in the first; "" where that is the same, or several
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
    """The frames of a session: of its calls in steps, where the trace marks steps.

    Python functions are frames where they were recorded: as calls, or as the stack of each operator.
    """
    whole = with_python(trace, tree)
    work = work if whole is tree else _with_python_owners(trace, tree, work, whole)
    inside = whole.counted & ~whole.is_step & ((whole.step != OUTSIDE) | (whole.steps == 0)) & ~_goes_on(trace, whole)
    names = whole.comparable.texts
    smaller = len(names)
    above, depth = nearest(whole.parent, inside, MOST_DEPTH)
    outer = stack_frames(trace, whole.event, inside & (above == NO_PARENT))
    chains = backward_chains(trace, whole, inside, above, outer)
    codes = smaller + 1
    code = np.where(depth < MOST_DEPTH, whole.name_code, smaller) + codes * (chains.of_event + 1)
    # At most 5 M rows, 400,000 names (reading.events) and 20,000 chains: the product fits int64.
    every = codes * (len(chains.rows) + 1)
    paths = by_path(inside, above, np.minimum(depth, MOST_DEPTH), code, every, outer.row, len(outer.names))
    row_code, at, size = paths.code % codes, paths.row_of[inside] - len(outer.names), len(paths.parent)
    host = pd.DataFrame(
        {
            "parent": paths.parent,
            "name": _texts((*names, ""), row_code),
            "kind": _host_kinds(trace, whole.event[paths.first], row_code == smaller),
            "calls": np.bincount(at, minlength=size),
            "self_ns": _added(whole.self_ns[inside], at, size),
            "device_ns": np.zeros(size, dtype=np.int64),
            "merged": (row_code != smaller).astype(np.int64),
            "recorded": _texts((*whole.comparable.recorded, ""), row_code),
        }
    )
    host = pd.concat([outer.rows, host], ignore_index=True) if len(outer.names) else host
    of_row = np.concatenate([np.full(len(outer.names), NO_PARENT), paths.code // codes - 1])
    host, new = with_chains(host, of_row, chains)
    rows = _with_device(host, trace, whole, work, looked_up(new, paths.row_of))
    step_ns = int((whole.windows.end_ns - whole.windows.start_ns).sum())
    # Of several processes with steps, these are the mean: a step of any of them counts alike.
    return pruned(Frames(rows, max(len(whole.windows), 1), step_ns), most=MOST_FRAMES)


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
        for name, filler in (("name", ""), ("kind", SMALLER), ("recorded", ""))
        if name in rows
    }
    counts = np.ones(size, dtype=np.int64)
    counts[added] = 0
    np.add.at(counts, added, _integers(rows["merged"])[~fold.stays])
    values = {name: _added(rows[name].to_numpy(), fold.row, size) for name in summed}
    return pd.DataFrame({"parent": fold.parent, **texts, **values, "merged": counts})


def _with_python_owners(trace: Trace, tree: HostTree, work: DeviceWork, whole: HostTree) -> DeviceWork:
    """``work`` with its owners in ``whole``: operators own what they do in ``tree``, Python functions what is left."""
    left = device_work(trace, whole)
    owned = work.owner != ABSENT
    if not owned.any():
        return left
    at = np.searchsorted(whole.event, tree.event[np.maximum(work.owner, 0)])  # both in file order
    return replace(
        left,
        owner=np.where(owned, whole.stands_for[at], left.owner),
        rest=np.where(owned, ABSENT, left.rest),
        step=np.where(owned, work.step, left.step),
    )


def _goes_on(trace: Trace, tree: HostTree) -> NDArray[np.bool_]:
    """True of Python functions that end behind the step in which they began, as ``profiler.step()`` does."""
    python = (trace.category[tree.event] == Category.PYTHON) & (tree.step != OUTSIDE)
    last_ns = np.maximum(trace.end_ns[tree.event] - 1, trace.start_ns[tree.event])
    goes_on: NDArray[np.bool_] = python & (tree.windows.at(last_ns, tree.process) != tree.step)
    return goes_on


def _with_device(
    host: pd.DataFrame,
    trace: Trace,
    tree: HostTree,
    work: DeviceWork,
    row_of: Indices,
) -> pd.DataFrame:
    """The host's rows, then a row for each kernel under each of them; behind them the rest at the top."""
    launched = np.flatnonzero((work.step != OUTSIDE) | (tree.steps == 0))
    if not len(launched):
        return host
    names = work_names(tree)
    owner = looked_up(row_of, work.owner[launched])  # ABSENT is NO_PARENT
    kernel_code = tree.comparable.code_of[trace.name_code[work.event[launched]]]
    # What a function launched that goes on behind the step has no frame to be in.
    rest = np.where(work.rest[launched] == ABSENT, REST.index(NO_OPERATOR), work.rest[launched])
    code = np.where(owner != NO_PARENT, kernel_code, len(tree.names) + rest).astype(np.int64)
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
            "recorded": _texts((*tree.comparable.recorded, *("" for _ in REST)), keys % len(names)),
        }
    )
    return pd.concat([host, device], ignore_index=True)


def _host_kinds(trace: Trace, event: Indices, is_smaller: NDArray[np.bool_]) -> pd.Series[str]:
    is_module = np.array([name.startswith(MODULE_START) for name in trace.names], dtype=bool)
    kinds = [
        MODULE if module and category == Category.PYTHON else _KINDS.get(Category(category), OPERATOR)
        for category, module in zip(trace.category[event].tolist(), is_module[trace.name_code[event]], strict=True)
    ]
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
