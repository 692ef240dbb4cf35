"""Python functions around operators: a tree of both, in which no time is counted twice.

Takes a ``Trace`` with its tree of operators, gives one with its Python functions too (``with_stack=True``). An
annotation begins and ends inside the functions that open and close it, so these overlap: a function that holds the edge
of an operator or annotation counts up to it, or from it on.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree, nested
from tbp.traces.calls.nesting import NO_PARENT, looked_up
from tbp.traces.reading.categories import Category
from tbp.traces.reading.trace import Nanoseconds, Trace


def with_python(trace: Trace, tree: HostTree) -> HostTree:
    """The tree of ``trace`` with its Python functions around the operators; ``tree`` where it has none."""
    python = trace.category == Category.PYTHON
    if not python.any():
        return tree
    start_ns, end_ns = trace.start_ns.copy(), trace.end_ns
    for thread in np.unique(trace.thread_code[python]).tolist():
        operators = _Operators.of(trace, tree, thread)
        events = np.flatnonzero(python & (trace.thread_code == thread))
        if len(operators.start_ns):
            start_ns[events], end_ns[events] = _beside(operators, start_ns[events], end_ns[events])
    return nested(replace(trace, start_ns=start_ns, duration_ns=end_ns - start_ns), tree.comparable, python=True)


class _Operators(Struct, frozen=True, eq=False):
    """The operators and annotations of one thread, by their start; of one start the longest first."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds
    parent: Indices  # in these

    @classmethod
    def of(cls, trace: Trace, tree: HostTree, thread: int) -> _Operators:
        at = np.flatnonzero(trace.thread_code[tree.event] == thread)
        event = tree.event[at]
        order = np.lexsort((-trace.end_ns[event], trace.start_ns[event]))
        rank = np.full(len(tree.event), NO_PARENT, dtype=np.int64)
        rank[at[order]] = np.arange(len(at))
        parent = looked_up(rank, tree.parent[at[order]])
        return cls(trace.start_ns[event[order]], trace.end_ns[event[order]], parent)

    def around(self, time_ns: Nanoseconds) -> Indices:
        """The innermost that begins before each time and ends after it; NO_PARENT where there is none."""
        at = np.searchsorted(self.start_ns, time_ns, side="left") - 1  # NO_PARENT is −1
        while (over := (at != NO_PARENT) & (self.end_ns[at] <= time_ns)).any():
            at = np.where(over, self.parent[at], at)
        return at


def _beside(operators: _Operators, start_ns: Nanoseconds, end_ns: Nanoseconds) -> tuple[Nanoseconds, Nanoseconds]:
    """(starts, ends) of Python functions, without the parts that lie in operators which they do not hold."""
    start, end = start_ns, end_ns
    at = operators.around(start)
    while (partly := (at != NO_PARENT) & (operators.end_ns[at] < end_ns)).any():
        start = np.where(partly, operators.end_ns[at], start)
        at = np.where(partly, operators.parent[at], NO_PARENT)
    at = operators.around(end)
    while (partly := (at != NO_PARENT) & (operators.start_ns[at] > start_ns)).any():
        end = np.where(partly, operators.start_ns[at], end)
        at = np.where(partly, operators.parent[at], NO_PARENT)
    return start, np.maximum(end, start)  # nothing is left where two operators overlap in it
