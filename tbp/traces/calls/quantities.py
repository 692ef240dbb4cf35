"""The work of each host event of a trace: FLOPs, bytes allocated, bytes copied.

Takes a ``Trace`` and its ``HostTree``, gives an array of each with an entry per host event; NaN is unknown, never 0.
Sums over them are left to ``operators``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Floats, Indices
from tbp.traces.calls.flops import COMPOSED, FORMULAS, flops
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.kernels import DeviceWork
from tbp.traces.calls.nesting import NO_PARENT, first_ancestors
from tbp.traces.reading.trace import ABSENT, Trace

# How far an allocation looks outwards for an operator that still runs; deeper nesting is no recording's.
_MOST_CLIMBS = 1_000


class Quantities(Struct, frozen=True, eq=False):
    """One entry per host event; NaN is unknown."""

    flops: Floats
    allocated_bytes: Floats
    copied_bytes: Floats

    def summed(self, counted: NDArray[Any], code: NDArray[np.integer], size: int, steps: Indices) -> dict[str, Floats]:
        """Sums of the ``counted`` entries by ``code``, per step of those behind it, by name of the quantity."""
        return {
            "flops": summed_wholly(self.flops[counted], code, size) / steps,
            "allocated_bytes": summed(self.allocated_bytes[counted], code, size) / steps,
            "copied_bytes": summed(self.copied_bytes[counted], code, size) / steps,
        }


def quantities(trace: Trace, tree: HostTree, work: DeviceWork) -> Quantities:
    """The quantities of every host event."""
    return Quantities(event_flops(trace, tree), event_allocated(trace, tree), event_copied(trace, tree, work))


def event_flops(trace: Trace, tree: HostTree) -> Floats:
    """FLOPs of each event itself: NaN without a formula or shapes, 0 where they are counted with an enclosing event.

    ``aten::convolution`` holds ``aten::_convolution``: the outermost counts, as torch's FlopCounterMode does.
    """
    amounts = np.full(len(tree.event), np.nan)
    has_formula = np.array([name in FORMULAS for name in trace.names], dtype=bool)[trace.name_code[tree.event]]
    entry = np.flatnonzero(has_formula)
    if not len(entry):
        return amounts
    event = tree.event[entry]
    codes = np.stack([trace.name_code[event], trace.shape_code[event], trace.settings_code[event]])
    kinds, kind = np.unique(codes, axis=1, return_inverse=True)
    each = [flops(trace.names[n], trace.shapes[s], trace.settings[t][0]) for n, s, t in kinds.T.tolist()]
    amounts[entry] = np.array([np.nan if value is None else value for value in each])[kind.reshape(-1)]
    composed = np.array([name in COMPOSED for name in trace.names], dtype=bool)[trace.name_code[tree.event]]
    split_up = composed & around(tree, has_formula & ~composed, composed)
    known = has_formula & ~np.isnan(amounts)
    amounts[(known & split_up) | (has_formula & _inside(tree, known & ~split_up))] = 0.0
    return amounts


def _inside(tree: HostTree, outer: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True of the events that lie inside an event of ``outer``."""
    ancestor = first_ancestors(tree.parent, ~outer)
    inside: NDArray[np.bool_] = (tree.parent != NO_PARENT) & (ancestor[tree.parent] != NO_PARENT)
    return inside


def around(tree: HostTree, inner: NDArray[np.bool_], outer: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True of the events of ``outer`` with an event of ``inner`` inside; of several around it, the innermost."""
    holds = np.zeros(len(tree.event), dtype=bool)
    ancestor = first_ancestors(tree.parent, ~outer)[inner]
    holds[ancestor[ancestor != NO_PARENT]] = True
    return holds


def event_allocated(trace: Trace, tree: HostTree) -> Floats:
    """Bytes allocated in each event itself, on host and device; all NaN in a trace without memory recording."""
    if not len(trace.memory):
        return np.full(len(tree.event), np.nan)
    sizes = np.zeros(len(tree.event))
    grown = trace.memory.size_bytes > 0
    memory = trace.memory
    owner = innermost_at(trace, tree.event, tree.parent, memory.thread_code[grown], memory.start_ns[grown])
    known = owner != NO_PARENT
    np.add.at(sizes, tree.stands_for[owner[known]], trace.memory.size_bytes[grown][known])
    return sizes


def innermost_at(trace: Trace, event: Indices, parent: Indices, thread: NDArray[np.int32], time_ns: Indices) -> Indices:
    """The innermost of the nested events that runs on a thread at a time; NO_PARENT where none does."""
    innermost = np.full(len(time_ns), NO_PARENT, dtype=np.int64)
    if not len(event):
        return innermost
    end_ns = trace.end_ns[event]
    for code in np.unique(thread):
        entries = np.flatnonzero(trace.thread_code[event] == code)
        if len(entries):
            start_ns = trace.start_ns[event[entries]]
            order = entries[np.lexsort((-end_ns[entries], start_ns))]
            here = np.flatnonzero(thread == code)
            last = np.searchsorted(trace.start_ns[event[order]], time_ns[here], side="right") - 1
            innermost[here] = np.where(last >= 0, order[np.maximum(last, 0)], NO_PARENT)
    for _ in range(_MOST_CLIMBS):
        over = np.flatnonzero((innermost != NO_PARENT) & (end_ns[innermost] <= time_ns))
        if not len(over):
            return innermost
        innermost[over] = parent[innermost[over]]
    innermost[end_ns[innermost] <= time_ns] = NO_PARENT
    return innermost


def event_copied(trace: Trace, tree: HostTree, work: DeviceWork) -> Floats:
    """Bytes of the copies and fills that each event launched itself; NaN where none has its size recorded."""
    sizes = np.full(len(tree.event), np.nan)
    recorded = (work.owner != ABSENT) & (trace.copied_bytes[work.event] != ABSENT)
    owner = work.owner[recorded]
    sizes[owner] = 0.0
    np.add.at(sizes, owner, trace.copied_bytes[work.event[recorded]])
    return sizes


def summed(values: Floats, code: NDArray[np.integer], size: int) -> Floats:
    """Sum of the known values per code; NaN where none is known."""
    known = ~np.isnan(values)
    total = np.bincount(code[known], values[known], size).astype(np.float64)
    return np.where(np.bincount(code[known], minlength=size) > 0, total, np.nan)


def summed_wholly(values: Floats, code: NDArray[np.integer], size: int) -> Floats:
    """Sum per code; NaN where any is unknown, as a part of the FLOPs would read as all of them."""
    unknown = np.bincount(code[np.isnan(values)], minlength=size) > 0
    return np.where(unknown, np.nan, summed(values, code, size))
