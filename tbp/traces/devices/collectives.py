"""The collectives in which a rank waits for the others of its group: when each began, and how long it took.

Takes a ``Trace`` with its tree and device work, gives a checked frame. Which collectives of several ranks are one, and
who waits for whom, is left to ``waits``.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HOST, HostTree
from tbp.traces.calls.kernels import DeviceWork, work_codes, work_names
from tbp.traces.calls.steps import OUTSIDE
from tbp.traces.devices.device import COMMUNICATION
from tbp.traces.devices.host_communication import COLLECTIVE
from tbp.traces.operators.origin import clock_base_ns
from tbp.traces.reading.categories import Category
from tbp.traces.reading.columns import COUNT, TEXT, typed
from tbp.traces.reading.trace import Trace

COLLECTIVE_COLUMNS = {
    "group": TEXT,  # the process group as it is recorded; "" where the file names none
    "name": TEXT,  # "all_reduce"
    "step": COUNT,  # 12 of "ProfilerStep#12"; OUTSIDE of those launched in no step
    "start_ns": COUNT,  # since the epoch, where the file has that
    "duration_ns": COUNT,
}

# The first ones of a rank; a step of 80 layers with sharded parameters has 240. 300 ranks with as many take 60 MB.
MOST_COLLECTIVES = 5_000

# Nobody leaves these before everybody is there. A broadcast, or a send, ends where it began before the others do.
_SYNCHRONISING = re.compile(r"(all)_?(reduce|gather)|(reduce)_?(scatter)|(all)_?(to)_?(all)|(barrier)", re.IGNORECASE)
_STEP_NUMBER = re.compile(r"#(\d{1,15})$")


def collectives(trace: Trace, tree: HostTree, work: DeviceWork) -> pd.DataFrame:
    """COLLECTIVE_COLUMNS in order of time: those on devices, or those on the host where no device has any."""
    rows = _on_devices(trace, tree, work) or _on_host(trace, tree)
    frame = pd.DataFrame(rows, columns=["event", "name", "step"])
    event = frame["event"].to_numpy(np.int64)
    frame["group"] = [trace.collectives[code][1] for code in trace.collective_code[event]]
    frame["start_ns"] = trace.start_ns[event] + clock_base_ns(trace)
    frame["duration_ns"] = trace.duration_ns[event]
    frame["step"] = _recorded(trace, tree, frame["step"].to_numpy(np.int64))
    ordered = frame.sort_values("start_ns", kind="stable", ignore_index=True)
    return typed(ordered[list(COLLECTIVE_COLUMNS)].head(MOST_COLLECTIVES), COLLECTIVE_COLUMNS)


def synchronising(*names: str) -> str:
    """The collective that the first of ``names`` with one names: ``all_reduce``; "" where none waits for everybody."""
    for name in names:
        if match := _SYNCHRONISING.search(name):
            return "_".join(part.lower() for part in match.groups() if part)
    return ""


def _on_devices(trace: Trace, tree: HostTree, work: DeviceWork) -> list[tuple[int, str, int]]:
    """(event, name, step) of each collective kernel, by its recorded name, its operator's or its own."""
    communicates = np.array([COMMUNICATION.search(name) is not None for name in trace.names], dtype=bool)
    recorded = np.array([name != "" for name, _ in trace.collectives], dtype=bool)
    event = work.event
    chosen = (trace.category[event] == Category.KERNEL) & (
        communicates[trace.name_code[event]] | recorded[trace.collective_code[event]]
    )
    operators, of_work = work_names(tree), work_codes(tree, work)
    rows = []
    for at in np.flatnonzero(chosen).tolist():
        number = int(event[at])
        as_recorded = trace.collectives[trace.collective_code[number]][0]
        if name := synchronising(as_recorded, operators[of_work[at]], trace.names[trace.name_code[number]]):
            rows.append((number, name, int(work.step[at])))
    return rows


def _on_host(trace: Trace, tree: HostTree) -> list[tuple[int, str, int]]:
    """(event, name, step) of each collective of gloo, MPI or UCC."""
    names = [synchronising(name) if COLLECTIVE.match(name) else "" for name in trace.names]
    chosen = np.array([name != "" for name in names], dtype=bool)[trace.name_code] & np.isin(trace.category, HOST)
    event = np.flatnonzero(chosen)
    step = tree.windows.at(trace.start_ns[event], trace.process_code[event])
    return [
        (number, names[trace.name_code[number]], at) for number, at in zip(event.tolist(), step.tolist(), strict=True)
    ]


def _recorded(trace: Trace, tree: HostTree, step: Indices) -> Indices:
    """The number that the recorder gave to each step: a rank may have begun a step later than the others."""
    entry = tree.event[tree.is_step]
    in_order = entry[np.argsort(trace.start_ns[entry], kind="stable")]
    names = [trace.names[code] for code in trace.name_code[in_order]]
    if not names or tree.windows.are_of_several:
        return step
    numbers = np.array([int(match[1]) if (match := _STEP_NUMBER.search(name)) else OUTSIDE for name in names])
    return np.where(step == OUTSIDE, OUTSIDE, numbers[np.clip(step, 0, len(numbers) - 1)])
