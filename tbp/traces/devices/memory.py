"""The memory of each device over time: its peak, the blocks alive then, and the blocks that pile up step by step.

Takes a ``Trace`` with its ``HostTree``, gives checked frames made from its ``[memory]`` events
(``profile_memory=True``). An event belongs to the operator and the nn.Module that run on its thread.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.nesting import NO_PARENT, first_ancestors, parents
from tbp.traces.calls.quantities import innermost_at
from tbp.traces.calls.steps import OUTSIDE
from tbp.traces.frames.stacks import MODULE_START
from tbp.traces.reading.categories import Category
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, check, typed
from tbp.traces.reading.trace import ABSENT, HOST_MEMORY, NS_PER_US, Trace

PEAK_COLUMNS = {
    "device": TEXT,  # "host", or the device's number
    "peak_bytes": NUMBER,  # most that was allocated at a time; with the blocks before the trace where recorded
    "before_bytes": NUMBER,  # allocated before the first event; NaN where totals were not recorded, and peaks lack it
    "end_bytes": NUMBER,  # after the last event
    "peak_us": NUMBER,  # since the first memory event of the trace
    "step": COUNT,  # of the peak, from 0; OUTSIDE between and around steps
    "operator": TEXT,  # that allocated at the peak; "" outside of operators
    "module": TEXT,  # path of nn.Modules around that; "" where none was recorded
    "growth_bytes": NUMBER,  # per step, median over the ends of steps, if each is above the one before; else 0
}
BLOCK_COLUMNS = {
    "device": TEXT,
    "operator": TEXT,  # that allocated them, or NOT_SEEN
    "module": TEXT,
    "blocks": COUNT,
    "bytes": NUMBER,
}
TIMELINE_COLUMNS = {"device": TEXT, "time_us": NUMBER, "allocated_bytes": NUMBER}

HOST = "host"
NOT_SEEN = "(allocated before the trace)"
NO_OPERATOR = "(outside of operators)"

# Steps whose ends are compared before memory is said to grow: of two ends chance has one above the other, and the
# first step allocates what stays (the optimizer's state, caches).
LEAST_ENDS = 3


class MemoryUse(Struct, frozen=True, eq=False):
    """The memory of all devices, in order of their peaks, largest first."""

    peaks: pd.DataFrame  # PEAK_COLUMNS, a row per device
    alive: pd.DataFrame  # BLOCK_COLUMNS: the blocks alive at the peak of their device, largest first
    # BLOCK_COLUMNS of devices that grow: blocks of a step that are not freed at the end of the next one, over the
    # steps that have a next one.
    grown: pd.DataFrame
    timeline: pd.DataFrame  # TIMELINE_COLUMNS, after each event

    def __post_init__(self) -> None:
        check(self.peaks, PEAK_COLUMNS, "memory peaks")
        check(self.alive, BLOCK_COLUMNS, "blocks at the peak")
        check(self.grown, BLOCK_COLUMNS, "blocks that pile up")
        check(self.timeline, TIMELINE_COLUMNS, "memory over time")


class _Events(Struct, frozen=True, eq=False):
    """The memory events of one device of one process, in order of time."""

    device: str
    time_ns: Indices
    size: Indices
    total: Indices  # after each event; from 0 where the trace has no totals
    has_totals: bool
    freed: Indices  # the event that ends each block; the number of events where none does
    is_block: NDArray[np.bool_]  # the event allocates a block whose end can be known
    step: Indices
    operator: NDArray[np.object_]
    module: NDArray[np.object_]
    step_end_ns: Indices  # of the device's process, by step


def memory_use(trace: Trace, tree: HostTree) -> MemoryUse | None:
    """The memory of a trace of which ``tree`` is; None where no memory was recorded."""
    if not len(trace.memory):
        return None
    devices = _devices(trace, tree)
    devices.sort(key=lambda each: -int(each.total.max()))
    first_ns = int(trace.memory.start_ns.min())
    peaks = [_peak(each, first_ns) for each in devices]
    grows = [peak["device"] for peak in peaks if float(str(peak["growth_bytes"])) > 0]
    timeline = [
        pd.DataFrame(
            {
                "device": each.device,
                "time_us": (each.time_ns - first_ns) / NS_PER_US,
                "allocated_bytes": each.total.astype(np.float64),
            }
        )
        for each in devices
    ]
    return MemoryUse(
        peaks=typed(peaks, PEAK_COLUMNS),
        alive=pd.concat([_alive(each) for each in devices], ignore_index=True),
        grown=pd.concat(
            [_blocks(each, _outlives(each) if each.device in grows else each.is_block & False) for each in devices],
            ignore_index=True,
        ),
        timeline=typed(pd.concat(timeline, ignore_index=True), TIMELINE_COLUMNS),
    )


def _devices(trace: Trace, tree: HostTree) -> list[_Events]:
    memory = trace.memory
    process = trace.process_of[memory.thread_code].astype(np.int64)
    operator = _operators(trace, tree)
    module = _modules(trace)
    step = tree.windows.at(memory.start_ns, process.astype(np.int32))
    keys, code = np.unique(np.stack([process, memory.device_type, memory.device]), axis=1, return_inverse=True)
    code = code.reshape(-1)
    names = [HOST if kind == HOST_MEMORY else str(device) for _, kind, device in keys.T.tolist()]
    devices = []
    for number, (its_process, _, _) in enumerate(keys.T.tolist()):
        here = np.flatnonzero(code == number)
        here = here[np.argsort(memory.start_ns[here], kind="stable")]
        name = names[number]
        if names.count(name) > 1:
            name = f"{name} of process {trace.processes[its_process].pid}"
        size, address, total = memory.size_bytes[here], memory.address[here], memory.total_bytes[here]
        has_totals = bool((total != ABSENT).all())
        of_process = tree.windows.process == its_process
        ends = tree.windows.end_ns[of_process] if tree.windows.are_of_several else tree.windows.end_ns
        devices.append(
            _Events(
                device=name,
                time_ns=memory.start_ns[here],
                size=size,
                total=total if has_totals else np.cumsum(size),
                has_totals=has_totals,
                freed=_freed(address),
                is_block=(size > 0) & (address != ABSENT),
                step=step[here],
                operator=operator[here],
                module=module[here],
                step_end_ns=ends,
            )
        )
    return devices


def _freed(address: Indices) -> Indices:
    """The next event at the address of each one: a block lies there until it is freed, and then another may."""
    order = np.argsort(address, kind="stable")
    freed = np.full(len(address), len(address), dtype=np.int64)
    same = address[order[1:]] == address[order[:-1]]
    freed[order[:-1][same]] = order[1:][same]
    return freed


def _operators(trace: Trace, tree: HostTree) -> NDArray[np.object_]:
    """The name of the operator that each memory event lies in; a step is none."""
    memory = trace.memory
    named = np.array([NO_OPERATOR, *tree.names], dtype=object)
    if not len(tree.event):
        return named[np.zeros(len(memory), dtype=np.int64)]
    entry = innermost_at(trace, tree.event, tree.parent, memory.thread_code, memory.start_ns)
    outward = first_ancestors(tree.parent, trace.category[tree.event] == Category.RUNTIME)
    entry = np.where(entry != NO_PARENT, outward[entry], NO_PARENT)
    usable = (entry != NO_PARENT) & ~tree.is_step[entry]
    text: NDArray[np.object_] = named[np.where(usable, tree.name_code[entry] + 1, 0)]
    return text


def _modules(trace: Trace) -> NDArray[np.object_]:
    """The path of the nn.Modules that each memory event lies in; "" in none."""
    memory = trace.memory
    is_module = np.array([name.startswith(MODULE_START) for name in trace.names], dtype=bool)
    event = np.flatnonzero((trace.category == Category.PYTHON) & is_module[trace.name_code])
    parent = parents(trace.thread_code[event], trace.start_ns[event], trace.end_ns[event])
    paths = np.array(["", *_paths(trace, event, parent)], dtype=object)
    text: NDArray[np.object_] = paths[innermost_at(trace, event, parent, memory.thread_code, memory.start_ns) + 1]
    return text


def _paths(trace: Trace, event: Indices, parent: Indices) -> list[str]:
    """The path of each module's call, as ``frames.groups`` writes it."""
    paths = [""] * len(event)
    for entry in np.lexsort((-trace.end_ns[event], trace.start_ns[event])).tolist():  # callers first
        name = trace.names[trace.name_code[event[entry]]].removeprefix(MODULE_START)
        paths[entry] = f"{paths[parent[entry]]}/{name}" if parent[entry] != NO_PARENT else name
    return paths


def _peak(events: _Events, first_ns: int) -> dict[str, object]:
    at = int(events.total.argmax())
    return {
        "device": events.device,
        "peak_bytes": float(events.total[at]),
        "before_bytes": float(_before(events)) if events.has_totals else np.nan,
        "end_bytes": float(events.total[-1]),
        "peak_us": (int(events.time_ns[at]) - first_ns) / NS_PER_US,
        "step": int(events.step[at]),
        "operator": events.operator[at],
        "module": events.module[at],
        "growth_bytes": _growth(events),
    }


def _before(events: _Events) -> int:
    return int(events.total[0] - events.size[0])


def _growth(events: _Events) -> float:
    """The median rise between the ends of steps; 0 unless there are LEAST_ENDS and every rise is one."""
    last = np.searchsorted(events.time_ns, events.step_end_ns, side="right") - 1
    at_end = np.where(last >= 0, events.total[np.maximum(last, 0)], _before(events))[1:]  # not of the first step
    rises = np.diff(at_end)
    return float(np.median(rises)) if len(at_end) >= LEAST_ENDS and bool((rises > 0).all()) else 0.0


def _outlives(events: _Events) -> NDArray[np.bool_]:
    """True of blocks that a step behind the first allocated, and that are not freed at the end of the next step."""
    steps = len(events.step_end_ns)
    judged = events.is_block & (events.step != OUTSIDE) & (events.step > 0) & (events.step + 1 < steps)
    end_ns = events.step_end_ns[np.clip(events.step + 1, 0, steps - 1)]
    freed_ns = np.append(events.time_ns, np.iinfo(np.int64).max)[events.freed]
    outlives: NDArray[np.bool_] = judged & (freed_ns > end_ns)
    return outlives


def _alive(events: _Events) -> pd.DataFrame:
    """BLOCK_COLUMNS of the blocks at the peak; those that the trace did not see allocated are one row."""
    peak, at = int(events.total.argmax()), np.arange(len(events.size))
    alive = events.is_block & (at <= peak) & (events.freed > peak)
    rows = _blocks(events, alive)
    rest = float(events.total[peak] - events.size[alive].sum())
    if rest > 0 and events.has_totals:
        row = {"device": events.device, "operator": NOT_SEEN, "module": "", "blocks": 0, "bytes": rest}
        rows = _ordered(pd.concat([rows, typed([row], BLOCK_COLUMNS)], ignore_index=True))
    return rows


def _blocks(events: _Events, chosen: NDArray[np.bool_]) -> pd.DataFrame:
    """BLOCK_COLUMNS of the chosen blocks, by operator and module."""
    frame = pd.DataFrame(
        {"operator": events.operator[chosen], "module": events.module[chosen], "bytes": events.size[chosen]}
    )
    summed = frame.groupby(["operator", "module"], sort=False)["bytes"].agg(["size", "sum"]).reset_index()
    summed = summed.rename(columns={"size": "blocks", "sum": "bytes"}).assign(device=events.device)
    return _ordered(typed(summed, BLOCK_COLUMNS))


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["bytes", "operator", "module"], ascending=[False, True, True], ignore_index=True)
