"""The devices of a trace: the time that they were busy, their kernels and copies, and their waits for the host.

Takes a ``Trace``, gives a frozen ``DeviceUse`` with checked frames; which operator launched what is left to
``kernels``. Times are sums over the window that is looked at, not per step.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HOST, HostTree
from tbp.traces.calls.kernels import DeviceWork, work_codes, work_names
from tbp.traces.calls.steps import StepWindows
from tbp.traces.devices.idle import IDLE_COLUMNS, idle
from tbp.traces.reading.categories import ON_DEVICE, Category
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, check, typed
from tbp.traces.reading.trace import ABSENT, NS_PER_US, Nanoseconds, Trace

# NVIDIA's, AMD's, Intel's and Ascend's collectives (ncclKernel_AllReduce_…, ncclDevKernel_…, rcclGenericKernel,
# oneccl_allreduce_…, hcom_allReduce__…): communication.
COMMUNICATION = re.compile(r"\bn?r?ccl[A-Z_]|\bnccl|\b(one|x)ccl|\bhcom_", re.IGNORECASE)

DEVICE_COLUMNS = {
    "device": TEXT,  # as the trace numbers it
    "busy_us": NUMBER,  # of the window: some kernel, copy or fill ran (union over streams)
    "busy_share": NUMBER,  # of the window, 0…1
    "host_bound_share": NUMBER,  # of the window, 0…1: nothing ran, the device waited for the host
    "kernel_us": NUMBER,  # sums over streams, communication included: may exceed the window
    "copy_us": NUMBER,
    "fill_us": NUMBER,
    "communication_us": NUMBER,  # of NCCL's and RCCL's kernels
    "communication_share": NUMBER,  # of all device time, 0…1
    "exposed_communication_us": NUMBER,  # of the window: communication ran and nothing else
    # Of the time in which communication ran, that with other work beside it, 0…1; NaN without any.
    "hidden_communication_share": NUMBER,
    "kernels": COUNT,
    "copies": COUNT,
    "fills": COUNT,
    "copied_bytes": NUMBER,  # by copies; NaN where none was recorded
    "filled_bytes": NUMBER,
}
KERNEL_COLUMNS = {
    "kernel": TEXT,
    "kind": TEXT,  # "kernel", "copy", "fill", "communication"
    "calls": COUNT,  # launches in the window
    "total_us": NUMBER,
    "share": NUMBER,  # of all device time in the window
    "operator": TEXT,  # that most of its time belongs to, or a named rest (``kernels.REST``)
    # Time-weighted mean of the warps that kineto estimates to fit on a multiprocessor, 0…1; NaN where not recorded.
    "occupancy": NUMBER,
}


class DeviceUse(Struct, frozen=True, eq=False):
    """The use of all devices: DEVICE_COLUMNS, a row per device; KERNEL_COLUMNS and IDLE_COLUMNS, longest first.

    The window runs from the start of the first step to the end of the last one, or over all host and device events
    where there are no steps. What lies partly in it counts with that part in busy times, and wholly in sums if it
    starts inside. All frames are empty, and the window 0, for a trace without a device.
    """

    window_us: float
    devices: pd.DataFrame
    kernels: pd.DataFrame
    idle: pd.DataFrame

    def __post_init__(self) -> None:
        check(self.devices, DEVICE_COLUMNS, "devices")
        check(self.kernels, KERNEL_COLUMNS, "kernels")
        check(self.idle, IDLE_COLUMNS, "idle time")


def device_use(trace: Trace, tree: HostTree, work: DeviceWork) -> DeviceUse:
    """The work of each device of a trace, of which ``tree`` and ``work`` are."""
    if not np.isin(trace.category, ON_DEVICE).any():
        return DeviceUse(0.0, typed([], DEVICE_COLUMNS), typed([], KERNEL_COLUMNS), typed([], IDLE_COLUMNS))
    start_ns, end_ns = window_of(trace, tree.windows)
    inside = (trace.start_ns[work.event] >= start_ns) & (trace.start_ns[work.event] < end_ns)
    communication = np.array([COMMUNICATION.search(name) is not None for name in trace.names], dtype=bool)
    kind = _kinds(trace, communication)[work.event]
    codes = np.unique(work.process).tolist()
    of_device = {trace.processes[code].pid: work.process == code for code in codes}
    window_ns = (start_ns, end_ns)
    rows = [
        _device_row(trace, work.event, kind, here, inside, window_ns) | {"device": name}
        for name, here in of_device.items()
    ]
    operator = work_codes(tree, work)
    return DeviceUse(
        window_us=(end_ns - start_ns) / NS_PER_US,
        devices=typed(rows, DEVICE_COLUMNS),
        kernels=_kernels(trace, work.event[inside], kind[inside], operator[inside], work_names(tree)),
        idle=idle(trace, tree, work, of_device, window_ns),
    )


def busy_ns(start_ns: Nanoseconds, end_ns: Nanoseconds) -> int:
    """Length of the union of intervals, exact."""
    if not len(start_ns):
        return 0
    order = np.argsort(start_ns, kind="stable")
    start, reached = start_ns[order], np.maximum.accumulate(end_ns[order])
    gap_ns = np.maximum(start[1:] - reached[:-1], 0)
    return int(reached[-1] - start[0] - gap_ns.sum())


def window_of(trace: Trace, steps: StepWindows) -> tuple[int, int]:
    """From the start of the first step to the end of the last one; over all events where there are no steps."""
    if len(steps):
        return int(steps.start_ns.min()), int(steps.end_ns.max())
    timed = np.isin(trace.category, (*HOST, *ON_DEVICE))
    if not timed.any():
        return 0, 0
    return int(trace.start_ns[timed].min()), int(trace.end_ns[timed].max())


_KINDS = ("kernel", "copy", "fill", "communication")


def _kinds(trace: Trace, communication: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Index into _KINDS of every event on a device."""
    kinds = np.select([trace.category == Category.COPY, trace.category == Category.FILL], [1, 2], 0)
    return np.where((kinds == 0) & communication[trace.name_code], 3, kinds).astype(np.int8)


def _device_row(
    trace: Trace,
    event: Indices,
    kind: NDArray[np.int8],
    here: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    window_ns: tuple[int, int],
) -> dict[str, object]:
    length_ns = window_ns[1] - window_ns[0]
    start_ns, end_ns = (np.clip(times[event], *window_ns) for times in (trace.start_ns, trace.end_ns))
    quiet = here & (kind != _KINDS.index("communication"))
    busy, computing, communicating = (
        busy_ns(start_ns[chosen], end_ns[chosen]) for chosen in (here, quiet, here & ~quiet)
    )
    of_kind = [here & inside & (kind == code) for code in range(len(_KINDS))]
    kernel_ns, copy_ns, fill_ns, communication_ns = (int(trace.duration_ns[event[each]].sum()) for each in of_kind)
    whole_ns = kernel_ns + copy_ns + fill_ns + communication_ns
    return {
        "busy_us": busy / NS_PER_US,
        "busy_share": busy / length_ns if length_ns else np.nan,
        "host_bound_share": 1 - busy / length_ns if length_ns else np.nan,
        "kernel_us": (kernel_ns + communication_ns) / NS_PER_US,
        "copy_us": copy_ns / NS_PER_US,
        "fill_us": fill_ns / NS_PER_US,
        "communication_us": communication_ns / NS_PER_US,
        "communication_share": communication_ns / whole_ns if whole_ns else 0.0,
        "exposed_communication_us": (busy - computing) / NS_PER_US,
        "hidden_communication_share": 1 - (busy - computing) / communicating if communicating else np.nan,
        "kernels": int(of_kind[0].sum() + of_kind[3].sum()),
        "copies": int(of_kind[1].sum()),
        "fills": int(of_kind[2].sum()),
        "copied_bytes": _recorded_bytes(trace.copied_bytes[event[of_kind[1]]]),
        "filled_bytes": _recorded_bytes(trace.copied_bytes[event[of_kind[2]]]),
    }


def _recorded_bytes(sizes: Indices) -> float:
    return float(sizes[sizes != ABSENT].sum()) if (sizes != ABSENT).any() else np.nan


def _kernels(
    trace: Trace, event: Indices, kind: NDArray[np.int8], operator: Indices, names: tuple[str, ...]
) -> pd.DataFrame:
    launches = pd.DataFrame(
        {"name": trace.name_code[event], "kind": kind, "operator": operator, "ns": trace.duration_ns[event]}
    )
    share = trace.occupancy_percent[event].astype(np.float64) / 100
    known = trace.occupancy_percent[event] != ABSENT
    launches["occupied"] = np.where(known, share * launches["ns"], 0.0)
    launches["known"] = np.where(known, launches["ns"], 0)
    by_operator = launches.groupby(["name", "kind", "operator"])["ns"].agg(["size", "sum"]).reset_index()
    by_operator = by_operator.sort_values("sum", ascending=False, kind="stable")
    by_name = by_operator.groupby(["name", "kind"], sort=False)
    total = by_name[["size", "sum"]].sum().reset_index()
    sums = launches.groupby(["name", "kind"])[["occupied", "known"]].sum().reset_index()
    total = total.merge(sums, on=["name", "kind"])
    total["operator"] = by_name["operator"].first().to_numpy()
    total = total.sort_values("sum", ascending=False, kind="stable")
    whole_ns = int(total["sum"].sum())
    frame = pd.DataFrame(
        {
            "kernel": [trace.names[code] for code in total["name"]],
            "kind": [_KINDS[code] for code in total["kind"]],
            "calls": total["size"].to_numpy(dtype=np.int64),
            "total_us": total["sum"].to_numpy(dtype=np.float64) / NS_PER_US,
            "share": total["sum"].to_numpy(dtype=np.float64) / max(whole_ns, 1),
            "operator": [names[code] for code in total["operator"]],
            "occupancy": (total["occupied"] / total["known"].where(total["known"] > 0)).to_numpy(),
        }
    )
    return typed(frame, KERNEL_COLUMNS)
