"""The idle time of a device: each gap in its work, put down to what the host did meanwhile.

Takes a ``Trace`` with its ``HostTree`` and ``DeviceWork``, gives a checked frame whose times add up to the time that
the device was not busy. A gap ends with the next piece of work. Until that was launched, the host was late: it waited
for data, came back from a synchronisation, or was busy with other things. After its launch the gap is the queue's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.kernels import DeviceWork, work_codes, work_names
from tbp.traces.calls.nesting import first_ancestors
from tbp.traces.reading.categories import Category
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, typed
from tbp.traces.reading.trace import ABSENT, NS_PER_US, Nanoseconds, Trace

DATA_LOADER = "data loader"  # the host waited for the next batch
SYNCHRONISATION = "synchronisation"  # the host had waited for the device, and has yet to launch something new
HOST = "host"  # the host was busy: its launches come later than the device could begin
QUEUE = "queue"  # launched, but not begun: another stream's work has to end first, or the launch itself takes time
CAUSES = (DATA_LOADER, SYNCHRONISATION, HOST, QUEUE)

IDLE_COLUMNS = {
    "device": TEXT,
    "cause": TEXT,  # one of CAUSES
    "operator": TEXT,  # the wait of the first two causes; that which launched the next work of the others; or REST
    "gaps": COUNT,
    "total_us": NUMBER,  # of the window
}
END = "(the end of the last step)"  # in the column "operator": nothing was launched any more

# torch's own annotations around the wait for a batch (torch/utils/data/dataloader.py).
_LOADER = re.compile(r"^enumerate\(DataLoader\)|DataLoader\w*Iter\b.*__next__")
# Runtime calls that return when the device is done: cudaDeviceSynchronize, hipStreamSynchronize, a copy that is not
# asynchronous.
_WAITS = re.compile(r"Synchronize|^(cuda|hip)Memcpy(2D|3D)?(_ptsz|_ptds)?$")


class _Gaps(Struct, frozen=True):
    """One entry per gap; ``opener`` is the piece of ``DeviceWork`` behind it, ABSENT behind the last one."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds
    opener: Indices


class _Waits(Struct, frozen=True):
    """The host's waits, as entries of the ``HostTree`` in order of their start."""

    loads: Indices  # for the data loader
    syncs: Indices  # for a device
    names: NDArray[np.object_]  # of every entry, that of the operator around a runtime call; at ABSENT ""


def idle(
    trace: Trace,
    tree: HostTree,
    work: DeviceWork,
    of_device: Mapping[str, NDArray[np.bool_]],
    window_ns: tuple[int, int],
) -> pd.DataFrame:
    """The gaps between the pieces of ``work`` where a device's mask is true: IDLE_COLUMNS, a device's longest first."""
    waits = _Waits(
        loads=_entries(trace, tree, _LOADER, (Category.OPERATOR, Category.ANNOTATION)),
        syncs=_entries(trace, tree, _WAITS, (Category.RUNTIME,)),
        names=_names(trace, tree),
    )
    frames = [
        _idle(trace, tree, work, waits, _gaps(trace, work, here, window_ns)).assign(device=device)
        for device, here in of_device.items()
    ]
    return typed(pd.concat(frames, ignore_index=True), IDLE_COLUMNS)


def _idle(trace: Trace, tree: HostTree, work: DeviceWork, waits: _Waits, gaps: _Gaps) -> pd.DataFrame:
    launched_ns = _launch_ns(trace, tree, work, gaps)
    loading_ns = _overlap_ns(trace, tree, waits.loads, gaps.start_ns, launched_ns)
    load = _last_begun(trace, tree, waits.loads, launched_ns)
    sync = _around(trace, tree, waits.syncs, gaps.start_ns)
    late_ns = launched_ns - gaps.start_ns - loading_ns
    launcher = _operators(tree, work, gaps.opener)
    parts = [
        (DATA_LOADER, waits.names[load], loading_ns),
        (SYNCHRONISATION, waits.names[sync], np.where(sync != ABSENT, late_ns, 0)),
        (HOST, launcher, np.where(sync == ABSENT, late_ns, 0)),
        (QUEUE, launcher, gaps.end_ns - launched_ns),
    ]
    rows = pd.concat([pd.DataFrame({"cause": cause, "operator": name, "ns": ns}) for cause, name, ns in parts])
    summed = rows[rows["ns"] > 0].groupby(["cause", "operator"], sort=False)["ns"].agg(["size", "sum"]).reset_index()
    summed = summed.sort_values(["sum", "cause", "operator"], ascending=[False, True, True], kind="stable")
    return summed.rename(columns={"size": "gaps"}).assign(total_us=summed["sum"] / NS_PER_US)


def _gaps(trace: Trace, work: DeviceWork, here: NDArray[np.bool_], window_ns: tuple[int, int]) -> _Gaps:
    index = np.flatnonzero(here)
    start_ns, end_ns = (np.clip(times[work.event[index]], *window_ns) for times in (trace.start_ns, trace.end_ns))
    order = np.argsort(start_ns, kind="stable")
    reached_ns = np.maximum.accumulate(np.concatenate([[window_ns[0]], end_ns[order]]))
    next_ns = np.concatenate([start_ns[order], [window_ns[1]]])
    opener = np.concatenate([index[order], [ABSENT]])
    real = next_ns > reached_ns
    return _Gaps(reached_ns[real], next_ns[real], opener[real])


def _launch_ns(trace: Trace, tree: HostTree, work: DeviceWork, gaps: _Gaps) -> Nanoseconds:
    """The start of the call that launched each gap's opener, within the gap; its end where no launch is known."""
    launch = np.where(gaps.opener != ABSENT, work.launch[np.maximum(gaps.opener, 0)], ABSENT)
    start_ns = trace.start_ns[tree.event[np.maximum(launch, 0)]] if len(tree.event) else gaps.end_ns
    return np.clip(np.where(launch != ABSENT, start_ns, gaps.end_ns), gaps.start_ns, gaps.end_ns)


def _entries(trace: Trace, tree: HostTree, names: re.Pattern[str], categories: tuple[Category, ...]) -> Indices:
    """Entries of ``tree`` whose name matches, in order of their start."""
    wanted = np.array([names.search(name) is not None for name in trace.names], dtype=bool)
    of_kind = np.isin(trace.category[tree.event], categories)
    entries = np.flatnonzero(of_kind & wanted[trace.name_code[tree.event]])
    return entries[np.argsort(trace.start_ns[tree.event[entries]], kind="stable")]


def _last_begun(trace: Trace, tree: HostTree, waits: Indices, time_ns: Nanoseconds) -> Indices:
    """The wait that began last before each time; ABSENT where none did."""
    if not len(waits):
        return np.full(len(time_ns), ABSENT, dtype=np.int64)
    position = np.searchsorted(trace.start_ns[tree.event[waits]], time_ns, side="left") - 1
    return np.where(position >= 0, waits[np.maximum(position, 0)], ABSENT)


def _around(trace: Trace, tree: HostTree, waits: Indices, time_ns: Nanoseconds) -> Indices:
    """The wait that each time lies in, of several the one that began last; ABSENT outside all of them."""
    wait = _last_begun(trace, tree, waits, time_ns)
    if not len(waits):
        return wait
    return np.where((wait != ABSENT) & (trace.end_ns[tree.event[np.maximum(wait, 0)]] >= time_ns), wait, ABSENT)


def _overlap_ns(
    trace: Trace, tree: HostTree, waits: Indices, start_ns: Nanoseconds, end_ns: Nanoseconds
) -> Nanoseconds:
    """The part of each interval that lies in the union of ``waits``."""
    if not len(waits):
        return np.zeros(len(start_ns), dtype=np.int64)
    begin_ns, reached_ns = trace.start_ns[tree.event[waits]], trace.end_ns[tree.event[waits]]
    reached_ns = np.maximum.accumulate(reached_ns)
    begin_ns = np.maximum(begin_ns, np.concatenate([begin_ns[:1], reached_ns[:-1]]))  # what earlier ones leave
    length_ns = np.maximum(reached_ns - begin_ns, 0)
    before_ns = np.concatenate([[0], np.cumsum(length_ns)])

    def covered_ns(time_ns: Nanoseconds) -> Nanoseconds:
        position = np.searchsorted(begin_ns, time_ns, side="right")
        last = np.maximum(position - 1, 0)
        whole_ns = before_ns[last] + np.clip(time_ns - begin_ns[last], 0, length_ns[last])
        return np.where(position > 0, whole_ns, 0)

    return covered_ns(end_ns) - covered_ns(start_ns)


def _names(trace: Trace, tree: HostTree) -> NDArray[np.object_]:
    """For each entry the operator around a runtime call, or itself where none is; "" behind them all, for ABSENT."""
    operator = first_ancestors(tree.parent, trace.category[tree.event] == Category.RUNTIME)
    usable = (operator != ABSENT) & ~np.append(tree.is_step, True)[operator]
    shown = np.where(usable, operator, np.arange(len(operator)))
    return np.append(np.array(tree.names, dtype=object)[tree.name_code[shown]], "")


def _operators(tree: HostTree, work: DeviceWork, opener: Indices) -> NDArray[np.object_]:
    """The operator that launched each opener, or the part of REST that it belongs to; END for ABSENT."""
    named = np.array([*work_names(tree), END], dtype=object)
    text: NDArray[np.object_] = named[np.append(work_codes(tree, work), len(named) - 1)[opener]]
    return text
