"""Communication on the host: the collectives of gloo, MPI and UCC, which run on threads of their own.

Takes a ``Trace`` and its tree, gives sums over the steps. Collectives on a device are ``device``'s.
"""

from __future__ import annotations

import re

import numpy as np
from msgspec import Struct

from tbp.traces.calls.host import HOST, HostTree
from tbp.traces.devices.device import busy_ns, window_of
from tbp.traces.reading.categories import Category
from tbp.traces.reading.trace import NS_PER_US, Trace

COLLECTIVE = re.compile(r"(?:gloo|mpi|ucc|[a-z]*ccl):")  # "gloo:all_reduce", an annotation on gloo's thread
_LAUNCH = "c10d::"  # operators that start a collective, or wait for it


class HostCommunication(Struct, frozen=True):
    """Sums over the window: the steps, or all of a trace without steps."""

    communication_us: float = 0.0  # some collective ran (union over threads), its waiting for other ranks included
    exposed_us: float = 0.0  # it ran and no operator did
    window_us: float = 0.0


def host_communication(trace: Trace, tree: HostTree) -> HostCommunication:
    """The collectives on the host of a trace, of which ``tree`` is."""
    collective = np.array([COLLECTIVE.match(name) is not None for name in trace.names], dtype=bool)
    if not collective.any():
        return HostCommunication()
    launch = np.array([name.startswith(_LAUNCH) for name in trace.names], dtype=bool)
    window = window_of(trace, tree.windows)
    start_ns, end_ns = (np.clip(times, *window) for times in (trace.start_ns, trace.end_ns))
    is_collective = collective[trace.name_code] & np.isin(trace.category, HOST)
    computes = (trace.category == Category.OPERATOR) & ~is_collective & ~launch[trace.name_code]
    either = is_collective | computes
    computing_ns = busy_ns(start_ns[computes], end_ns[computes])
    return HostCommunication(
        communication_us=busy_ns(start_ns[is_collective], end_ns[is_collective]) / NS_PER_US,
        exposed_us=(busy_ns(start_ns[either], end_ns[either]) - computing_ns) / NS_PER_US,
        window_us=(window[1] - window[0]) / NS_PER_US,
    )
