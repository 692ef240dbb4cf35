"""Which event encloses which, as torch's own tables see it.

Takes start and end times, gives parents; leaves what is added up along them to ``operators`` and ``kernels``. The
reference is ``EventList._populate_cpu_children`` and ``_remove_dup_nodes`` (torch/autograd/profiler_util.py).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.trace import Codes, Nanoseconds

Value = TypeVar("Value", bound=np.generic)

NO_PARENT = -1


def parents(thread: Codes, start_ns: Nanoseconds, end_ns: Nanoseconds) -> Indices:
    """Index of the innermost event that encloses each event on its thread; NO_PARENT at the top.

    Intervals are half-open: what starts where another ends is not inside it. Of equal intervals the earlier entry
    encloses the later. A partial overlap is no nesting; where one occurs, the thread is walked event by event.
    """
    order = np.lexsort((-end_ns, start_ns, thread))  # stable: the index breaks ties
    parent = np.full(len(start_ns), NO_PARENT, dtype=np.int64)
    bounds = np.flatnonzero(np.diff(thread[order], prepend=-1, append=-1))
    for low, high in pairwise(bounds):
        members = order[low:high]
        start, end = start_ns[members], end_ns[members]
        local = _nested(start, end)
        if not _encloses(local, end):
            local = _walked(start, end)
        parent[members] = np.where(local == NO_PARENT, NO_PARENT, members[local])
    return parent


def _nested(start: Nanoseconds, end: Nanoseconds) -> Indices:
    """Parents within one sorted thread, right if no two events overlap partially."""
    index = np.arange(len(start), dtype=np.int32)  # half of the memory, of which this takes most
    depth = index - np.searchsorted(np.sort(end), start, side="right").astype(np.int32)
    # Events without a duration that begin here but stand later in the order have "ended" without having begun.
    empty = (end == start).astype(np.int32)
    if empty.any():
        empty_before = np.cumsum(empty, dtype=np.int32) - empty
        last_of_start = np.searchsorted(start, start, side="right")
        depth += np.append(empty_before, empty.sum(dtype=np.int32))[last_of_start] - empty_before
    by_depth = np.lexsort((index, depth))
    keys = depth[by_depth] * np.int64(len(start)) + by_depth
    wanted = (depth.astype(np.int64) - 1) * len(start)
    wanted += index
    above = np.searchsorted(keys, wanted)
    above -= 1
    return np.where(depth > 0, by_depth[np.maximum(above, 0, out=above)], NO_PARENT)


def _encloses(parent: Indices, end: Nanoseconds) -> bool:
    """True where every event ends inside its parent, so that no two events of the thread overlap partially."""
    child = np.flatnonzero(parent != NO_PARENT)
    return bool(np.all(end[child] <= end[parent[child]]))


def _walked(start: Nanoseconds, end: Nanoseconds) -> Indices:
    """Parents by torch's stack walk: an event that does not hold the next is closed for good, also if it still runs."""
    parent: list[int] = []
    stack: list[int] = []
    starts, ends = start.tolist(), end.tolist()
    for index, (begins, stops) in enumerate(zip(starts, ends, strict=True)):
        while stack and (begins >= ends[stack[-1]] or stops > ends[stack[-1]]):
            stack.pop()
        parent.append(stack[-1] if stack else NO_PARENT)
        stack.append(index)
    return np.array(parent, dtype=np.int64)


def absorbed(parent: Indices, name_code: Codes) -> Indices:
    """The event that stands for each event: itself, or the ancestor of the same name of which it is the only child.

    torch counts such a pair once, with the time of the outer event.
    """
    has_parent = parent != NO_PARENT
    above = np.where(has_parent, parent, 0)
    children = np.bincount(parent[has_parent], minlength=len(parent))
    double = has_parent & (name_code[above] == name_code) & (children[above] == 1) if len(parent) else has_parent
    stands_for = np.where(double, above, np.arange(len(parent), dtype=np.int64))
    while not np.array_equal(further := stands_for[stands_for], stands_for):
        stands_for = further
    return stands_for


def depths(parent: Indices) -> Indices:
    """Number of events around each event. The distance looked at doubles, so deep nesting costs its logarithm."""
    depth: Indices = (parent != NO_PARENT).astype(np.int64)
    above = parent.copy()
    while (below := np.flatnonzero(above != NO_PARENT)).size:
        depth[below] += depth[above[below]]
        above[below] = above[above[below]]
    return depth


def added_up(parent: Indices, values: NDArray[Value]) -> NDArray[Value]:
    """Each event's value with those of all that it encloses, through ``parent``; exact in int64."""
    total = values.copy()
    depth = depths(parent)
    order = np.argsort(-depth, kind="stable")
    order = order[: np.count_nonzero(depth)]  # those with a parent, the deepest first
    for level in np.split(order, np.flatnonzero(np.diff(depth[order])) + 1):
        np.add.at(total, parent[level], total[level])
    return total


def first_ancestors(parent: Indices, skipped: NDArray[np.bool_]) -> Indices:
    """Each event itself, or the innermost around it that is not skipped; NO_PARENT where there is none."""
    ancestor = np.where(skipped, parent, np.arange(len(parent), dtype=np.int64))
    while not np.array_equal(further := looked_up(ancestor, ancestor), ancestor):
        ancestor = further
    return ancestor


def looked_up(values: Indices, index: Indices) -> Indices:
    """``values[index]``, NO_PARENT where the index is that."""
    if not len(values):
        return np.full(len(index), NO_PARENT, dtype=np.int64)
    return np.where(index != NO_PARENT, values[np.maximum(index, 0)], NO_PARENT)
