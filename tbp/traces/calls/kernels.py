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
from tbp.traces.calls.nesting import NO_PARENT, added_up, first_ancestors, looked_up
from tbp.traces.reading.categories import ON_DEVICE, Category
from tbp.traces.reading.links import launches, linked
from tbp.traces.reading.trace import ABSENT, Codes, Nanoseconds, Trace

Value = TypeVar("Value", bound=np.generic)

# Device time that no operator owns. A trace window that opens late lacks launches; a CUDA graph launches its
# kernels at once, mostly without operators.
NO_LAUNCH = "(device work launched before the trace)"
NO_LINK = "(device work without a recorded launch)"  # it has no identifier, as of recorders that know no launches
NO_OPERATOR = "(device work launched outside operators)"
GRAPH = "(device work launched by graphs)"
REST = (NO_LAUNCH, NO_OPERATOR, GRAPH, NO_LINK)

_GRAPH_LAUNCH = "GraphLaunch"  # cudaGraphLaunch, cuGraphLaunch, hipGraphLaunch, …_ptsz


class DeviceWork(Struct, frozen=True, eq=False):
    """One entry per kernel, copy or fill."""

    event: Indices  # in the trace
    process: Codes  # the device, into the trace's ``processes``
    duration_ns: Nanoseconds
    owner: Indices  # entry in the HostTree, never a double; ABSENT where no operator owns it
    rest: Indices  # index into REST; ABSENT where an operator owns it
    launch: Indices  # entry of the runtime call in the HostTree; ABSENT where none is known
    step: Indices  # the owner's step; its own start decides where it has no owner


def work_names(tree: HostTree) -> tuple[str, ...]:
    """The names that device work counts under: those of its owners, then REST."""
    return (*tree.names, *REST)


def work_codes(tree: HostTree, work: DeviceWork) -> Indices:
    """For each piece of device work the place of its name in ``work_names``."""
    owned = work.owner != ABSENT
    code = len(tree.names) + work.rest
    code[owned] = tree.name_code[work.owner[owned]]
    return code


def device_work(trace: Trace, tree: HostTree) -> DeviceWork:
    """The owner of each kernel: the innermost operator around its runtime call, which shares its correlation.

    Where that fails, the operator with its external id.
    """
    work = np.flatnonzero(np.isin(trace.category, ON_DEVICE))
    on_runtime = trace.category[tree.event] == Category.RUNTIME
    launch = _entry(tree, launches(trace, work))
    numbered = tree.event[~on_runtime & (trace.external_id[tree.event] != ABSENT)]
    named = _entry(tree, linked(trace, work, trace.external_id[work], numbered, trace.external_id[numbered]))

    # A runtime call can lie inside another, as HIP's do.
    owner = np.where(launch != ABSENT, _at(first_ancestors(tree.parent, on_runtime), launch), ABSENT)
    owner = np.where(_owns(tree, owner), owner, named)
    owner = np.where(_owns(tree, owner), owner, ABSENT)
    rest = np.where(launch == ABSENT, REST.index(NO_LAUNCH), REST.index(NO_OPERATOR))
    rest[(launch == ABSENT) & (trace.correlation[work] == ABSENT)] = REST.index(NO_LINK)
    by_graph = np.array([_GRAPH_LAUNCH in name for name in trace.names], dtype=bool)
    launch_name = trace.name_code[_at(tree.event, launch)] if len(tree.event) else np.zeros(len(work), dtype=np.int32)
    rest[(launch != ABSENT) & by_graph[launch_name]] = REST.index(GRAPH)
    process = trace.process_code[work]
    return DeviceWork(
        event=work,
        process=process,
        duration_ns=trace.duration_ns[work],
        owner=np.where(owner != ABSENT, _at(tree.stands_for, owner), ABSENT),
        rest=np.where(owner != ABSENT, ABSENT, rest),
        launch=launch,
        step=np.where(owner != ABSENT, _at(tree.step, owner), tree.windows.at(trace.start_ns[work], process)),
    )


def device_ns_below(tree: HostTree, work: DeviceWork, launched: NDArray[np.bool_] | None = None) -> Indices:
    """Device time of each entry and of all below it, of the work ``launched`` or of all; 0 for doubles."""
    at = work.owner != ABSENT if launched is None else launched & (work.owner != ABSENT)
    below_ns = np.zeros(len(tree.event), dtype=np.int64)
    np.add.at(below_ns, work.owner[at], work.duration_ns[at])
    if not at.any():
        return below_ns
    return added_up(np.where(tree.counted, looked_up(tree.stands_for, tree.parent), NO_PARENT), below_ns)


def _entry(tree: HostTree, event: Indices) -> Indices:
    """The entry of each event, which the tree has; ABSENT stays."""
    entry = np.searchsorted(tree.event, event)
    return np.where((event != ABSENT) & (np.append(tree.event, ABSENT)[entry] == event), entry, ABSENT)


def _owns(tree: HostTree, owner: Indices) -> NDArray[np.bool_]:
    """True where ``owner`` is an operator: a step is none, and owns nothing."""
    return np.where(owner != ABSENT, ~_at(tree.is_step, owner), False)


def _at(values: NDArray[Value], index: Indices) -> NDArray[Value]:
    """``values[index]``, with anything where the index is ABSENT."""
    return values[np.maximum(index, 0)] if len(values) else np.zeros(len(index), dtype=values.dtype)
