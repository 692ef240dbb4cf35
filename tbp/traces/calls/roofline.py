"""The calls whose FLOPs are known → their time, the bytes they have to move, and what bounds them.

Takes a ``Trace`` with its tree, device work and FLOPs, gives an entry per call. On a device whose peak is known, a call
is bound by memory where moving its bytes takes longer than its arithmetic, each at the peak; else by arithmetic (the
roofline model: Williams, Waterman, Patterson, CACM 52(4), 2009). Sums over operators are left to ``operators``.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Floats, Indices
from tbp.traces.calls.flops import COMPOSED, FORMULAS
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.kernels import DeviceWork, device_ns_below
from tbp.traces.calls.peaks import Peak, peak_of
from tbp.traces.calls.quantities import around, summed_wholly
from tbp.traces.calls.tensor_bytes import moved
from tbp.traces.reading.trace import NS_PER_US, Trace

_S_PER_US = 1e-6


class Roofline(Struct, frozen=True, eq=False):
    """An entry for each call with FLOPs that are not counted with another one; NaN is unknown."""

    entry: Indices  # in the HostTree
    flops_us: Floats  # with all that it called: on the device where the trace has one, else on the host
    moved_bytes: Floats
    memory_bound_us: Floats  # ``flops_us`` where memory bounds it, else 0; NaN where that is unknown, as of the next
    compute_bound_us: Floats
    roof_us: Floats  # the least time that the device can take for it; NaN where it may run at one of two peaks

    def summed(
        self, counted: NDArray[np.bool_], code: NDArray[np.integer], size: int, steps: Indices
    ) -> dict[str, Floats]:
        """Sums per step by ``code``, as ``Quantities.summed``; one unknown call makes a sum unknown."""
        of_row = np.full(len(counted), -1, dtype=np.int64)
        of_row[counted] = code
        row = of_row[self.entry]
        names = self.__struct_fields__[1:]
        return {name: summed_wholly(getattr(self, name)[row >= 0], row[row >= 0], size) / steps for name in names}


def roofline(trace: Trace, tree: HostTree, work: DeviceWork, flops: Floats) -> Roofline:
    """The roofline of a trace; ``flops`` are of each of the tree's entries."""
    entry = np.flatnonzero(flops > 0)  # False of NaN
    if len(work.event):
        below_ns = device_ns_below(tree, work)[entry]
        time_us = np.where(below_ns > 0, below_ns / NS_PER_US, np.nan)  # a call without device work is not timed by it
    else:
        time_us = tree.total_ns[entry] / NS_PER_US
    event = tree.event[entry]
    codes = np.stack([trace.name_code[event], trace.shape_code[event], trace.settings_code[event]])
    kinds, kind = np.unique(codes, axis=1, return_inverse=True)
    kind = kind.reshape(-1)
    calls = [moved(trace.names[n], trace.shapes[s], *trace.settings[t]) for n, s, t in kinds.T.tolist()]
    sizes = np.array([np.nan if call is None else call.size_bytes for call in calls], dtype=np.float64)[kind]
    peak = peak_of(trace) if len(work.event) else None
    rates = [(np.nan, np.nan) if call is None else _rates(peak, call.type) for call in calls]
    slowest, fastest = np.array(rates, dtype=np.float64).reshape(-1, 2).T[:, kind]
    is_sure = ~_is_cast(trace, tree, flops)[entry]
    memory_us = sizes / (peak.bytes_per_s if peak else np.nan) / _S_PER_US
    least_us, most_us = flops[entry] / fastest / _S_PER_US, flops[entry] / slowest / _S_PER_US
    by_memory, by_compute = memory_us >= most_us, memory_us < least_us
    is_known = (by_memory | by_compute) & is_sure
    return Roofline(
        entry=entry,
        flops_us=time_us,
        moved_bytes=sizes,
        memory_bound_us=np.where(is_known, by_memory * time_us, np.nan),
        compute_bound_us=np.where(is_known, by_compute * time_us, np.nan),
        roof_us=np.where(is_sure & (by_memory | (least_us == most_us)), np.maximum(memory_us, least_us), np.nan),
    )


def _is_cast(trace: Trace, tree: HostTree, flops: Floats) -> NDArray[np.bool_]:
    """True of composed operators with a product inside, as ``linear`` under autocast: it multiplies another type."""
    name = trace.name_code[tree.event]
    composed = np.array([text in COMPOSED for text in trace.names], dtype=bool)[name] & (flops > 0)
    if not composed.any():
        return composed
    product = np.array([text in FORMULAS and text not in COMPOSED for text in trace.names], dtype=bool)[name]
    return around(tree, product, composed)


def _rates(peak: Peak | None, kind: str) -> tuple[float, float]:
    return peak.flop_per_s.get(kind, (np.nan, np.nan)) if peak else (np.nan, np.nan)
