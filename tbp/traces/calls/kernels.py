"""Device work → the operator that launched it.

Takes a ``Trace`` and its ``HostTree``, gives an owner for every kernel, copy and fill, so that what the operators
own and the named rest add up to all device time. Leaves tables to ``operators``.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.nesting import first_ancestors
from tbp.traces.reading.trace import ABSENT, ON_DEVICE, Category, Nanoseconds, Trace

Value = TypeVar("Value", bound=np.generic)

# Device time that no operator owns. A trace window that opens late lacks launches; a CUDA graph launches its
# kernels at once, mostly without operators.
NO_LAUNCH = "(device work launched before the trace)"
NO_OPERATOR = "(device work launched outside operators)"
GRAPH = "(device work launched by graphs)"
REST = (NO_LAUNCH, NO_OPERATOR, GRAPH)

_GRAPH_LAUNCH = "GraphLaunch"  # cudaGraphLaunch, cuGraphLaunch, hipGraphLaunch, …_ptsz


class DeviceWork(Struct, frozen=True, eq=False):
    """One entry per kernel, copy or fill."""

    event: Indices  # in the trace
    duration_ns: Nanoseconds
    owner: Indices  # entry in the HostTree, never a double; ABSENT where no operator owns it
    rest: Indices  # index into REST; ABSENT where an operator owns it
    launch: Indices  # entry of the runtime call in the HostTree; ABSENT where none is known
    step: Indices  # the owner's step; its own start decides where it has no owner


def device_work(trace: Trace, tree: HostTree) -> DeviceWork:
    """The owner of each kernel: the innermost operator around its runtime call, which shares its correlation.

    Where that fails, the operator with its external id.
    """
    work = np.flatnonzero(np.isin(trace.category, ON_DEVICE))
    on_runtime = trace.category[tree.event] == Category.RUNTIME
    launches = np.flatnonzero(on_runtime & (trace.correlation[tree.event] != ABSENT))
    launch = _matches(trace.correlation[work], trace.correlation[tree.event[launches]], launches)
    numbered = np.flatnonzero(~on_runtime & (trace.external_id[tree.event] != ABSENT))
    named = _matches(trace.external_id[work], trace.external_id[tree.event[numbered]], numbered)

    # A runtime call can lie inside another, as HIP's do.
    owner = np.where(launch != ABSENT, _at(first_ancestors(tree.parent, on_runtime), launch), ABSENT)
    owner = np.where(_owns(tree, owner), owner, named)
    owner = np.where(_owns(tree, owner), owner, ABSENT)
    rest = np.where(launch == ABSENT, REST.index(NO_LAUNCH), REST.index(NO_OPERATOR))
    by_graph = np.array([_GRAPH_LAUNCH in name for name in trace.names], dtype=bool)
    launch_name = trace.name_code[_at(tree.event, launch)] if len(tree.event) else np.zeros(len(work), dtype=np.int32)
    rest[(launch != ABSENT) & by_graph[launch_name]] = REST.index(GRAPH)
    return DeviceWork(
        event=work,
        duration_ns=trace.duration_ns[work],
        owner=np.where(owner != ABSENT, _at(tree.stands_for, owner), ABSENT),
        rest=np.where(owner != ABSENT, ABSENT, rest),
        launch=launch,
        step=np.where(owner != ABSENT, _at(tree.step, owner), tree.step_at(trace.start_ns[work])),
    )


def _matches(wanted: Indices, known: Indices, entries: Indices) -> Indices:
    """The first entry that carries each ``wanted`` id; ABSENT where none does."""
    if not len(known):
        return np.full(len(wanted), ABSENT, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    position = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    return np.where(known[order][position] == wanted, entries[order][position], ABSENT)


def _owns(tree: HostTree, owner: Indices) -> NDArray[np.bool_]:
    """True where ``owner`` is an operator: a step is none, and owns nothing."""
    return np.where(owner != ABSENT, ~_at(tree.is_step, owner), False)


def _at(values: NDArray[Value], index: Indices) -> NDArray[Value]:
    """``values[index]``, with anything where the index is ABSENT."""
    return values[np.maximum(index, 0)] if len(values) else np.zeros(len(index), dtype=values.dtype)
