"""A trace → its operators: the calls of each per step, and its time.

Takes a ``Trace``, gives checked frames. A *step* is one ``ProfilerStep#…`` annotation, that is one workload call;
what lies outside the steps is left out wherever the trace has steps. A trace without steps counts as one step.
Profiled times are longer than real ones (1.0–1.4 µs per event): they say where, never how long.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree, host_tree
from tbp.traces.calls.kernels import REST, DeviceWork, device_ns_below, device_work, work_codes, work_names
from tbp.traces.calls.names import NameRule
from tbp.traces.calls.quantities import Quantities, quantities
from tbp.traces.calls.roofline import roofline
from tbp.traces.calls.steps import OUTSIDE
from tbp.traces.frames.frames import Frames, frames
from tbp.traces.frames.merging import merged
from tbp.traces.operators.detail import DETAIL_COLUMNS, detail
from tbp.traces.operators.origin import RankOrigin
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, check
from tbp.traces.reading.loss import NOTHING_LOST, Loss, total
from tbp.traces.reading.trace import ABSENT, NS_PER_US, Trace

FLOPS = "flops"  # known of traces whose shapes were recorded
OPERATOR_COLUMNS = {
    "operator": TEXT,  # the name that compares between runs (calls/names.py); one row each
    "calls": NUMBER,  # per step; with several processes that have steps, of those that call it
    "self_us": NUMBER,  # per step, on the host, without what it called
    "total_us": NUMBER,  # per step, on the host, with what it called; nested calls of one operator count twice
    "self_device_us": NUMBER,  # per step, of the kernels it launched itself; 0 without a device
    "total_device_us": NUMBER,  # per step, of those and of what it called
    "shapes": TEXT,  # the most common input shapes, as JSON; "" where none were recorded
    FLOPS: NUMBER,  # per step; NaN where unknown, 0 where an enclosing operator's row has them
    "allocated_bytes": NUMBER,  # per step, in its own code, freed again or not; NaN without memory recording
    "copied_bytes": NUMBER,  # per step, by copies and fills it launched itself; NaN where none was recorded
    # The calls of ``flops``, per step (calls/roofline.py); NaN where unknown.
    "flops_us": NUMBER,  # their time with all that they called: on the device where the trace has one, else on the host
    "moved_bytes": NUMBER,  # of the tensors that they read and write, each once
    "memory_bound_us": NUMBER,  # the part of ``flops_us`` that the device's memory bounds; NaN with an unknown peak
    "compute_bound_us": NUMBER,  # … that its arithmetic bounds
    "roof_us": NUMBER,  # the least time that the device can take for them
    "recorded": TEXT,  # its name in the file; "" where that is the same, or several
    "source": TEXT,  # the file of a kernel that Inductor generated, as the recorder noted it; "" of all others
}
ROOFLINE = ("flops_us", "moved_bytes", "memory_bound_us", "compute_bound_us", "roof_us")
# May be absent: tables from before they were read.
QUANTITIES = frozenset({FLOPS, "allocated_bytes", "copied_bytes", "recorded", "source", *ROOFLINE})
PER_STEP_COLUMNS = {
    "step": COUNT,  # from 0, in order of time
    "operator": TEXT,
    "calls": NUMBER,  # in this step; of a run of several ranks their mean
    "self_us": NUMBER,  # in this step, on the host
    "self_device_us": NUMBER,  # in this step, of the kernels it launched itself
}


class OperatorTable(Struct, frozen=True, eq=False):
    """``frame`` has OPERATOR_COLUMNS, longest host self time first; every number is per step.

    Two rows may be no operators but the rest of the device time (``kernels.REST``), with 0 calls.
    """

    frame: pd.DataFrame
    steps: int  # workload calls behind the numbers, over all sessions
    sessions: int = 1  # recorded processes behind the numbers
    loss: Loss = NOTHING_LOST  # of the files behind it: belongs beside the numbers wherever they stand

    def __post_init__(self) -> None:
        check(self.frame, OPERATOR_COLUMNS, "operator table", QUANTITIES)


class TraceSession(Struct, frozen=True, eq=False):
    """The trace of a process, reduced to the needs of a comparison."""

    table: OperatorTable
    per_step: pd.DataFrame  # PER_STEP_COLUMNS
    step_us: float  # median time of a step on the host
    detail: pd.DataFrame | None = None  # detail.DETAIL_COLUMNS, for the exact comparison; None: not at hand
    frames: Frames | None = None  # for flame graphs; None: not at hand
    origin: RankOrigin | None = None  # its rank in a run; None: a run of its own
    is_bare: bool = False  # a rank whose callers were left out on purpose: those of other ranks of its run stand for it

    @property
    def loss(self) -> Loss:
        return self.table.loss

    def __post_init__(self) -> None:
        check(self.per_step, PER_STEP_COLUMNS, "per-step operators")
        if self.detail is not None:
            check(self.detail, DETAIL_COLUMNS, "operators by caller and shapes")


def session(trace: Trace, rules: Sequence[NameRule] = ()) -> TraceSession:
    """The session of a trace that is yet to be nested; ``rules`` are the project's for names.

    Its table has the means over the steps. The step annotation itself is no operator and is left out.
    """
    tree = host_tree(trace, rules)
    return nested_session(trace, tree, device_work(trace, tree))


def nested_session(trace: Trace, tree: HostTree, work: DeviceWork) -> TraceSession:
    """The session of ``trace``, of which ``tree`` and ``work`` are."""
    amounts = quantities(trace, tree, work)
    table = _table(trace, tree, work, amounts, tree.steps > 0)
    return TraceSession(
        table,
        _per_step(tree, work),
        _step_us(trace, tree),
        detail(trace, tree, work, amounts),
        frames(trace, tree, work),
    )


def whole_trace_table(trace: Trace) -> OperatorTable:
    """Sums over a whole trace, the time outside of steps, the steps (``ProfilerStep#*``) and Python functions included.

    Calls, self and total time equal those of torch's ``key_averages()``, which calls the step ``ProfilerStep*``.
    That can make a self time negative: of two children that overlap partially both count in full.
    """
    tree = host_tree(trace, python=True)
    work = device_work(trace, tree)
    return _table(trace, tree, work, quantities(trace, tree, work), within_steps=False)


def hotspots(table: OperatorTable, top: int = 10, by: str = "self_us") -> pd.DataFrame:
    """The ``top`` operators by self time (or by "self_device_us"), with ``share``, their part of the sum over all."""
    frame = table.frame.sort_values([by, "operator"], ascending=[False, True], kind="stable")
    whole_us = float(frame[by].sum())
    frame = frame.assign(share=frame[by] / whole_us if whole_us else 0.0)
    return frame.head(top).reset_index(drop=True)


def merged_frames(sessions: Sequence[TraceSession]) -> Frames | None:
    """The mean frames of several sessions; None where a session has none."""
    drawn = [each.frames for each in sessions if each.frames is not None]
    return merged(drawn) if drawn and len(drawn) == len(sessions) else None


def merged_table(tables: Sequence[OperatorTable]) -> OperatorTable:
    """The mean over several sessions; an operator that a session lacks counts 0 there."""
    if len(tables) == 1:
        return tables[0]
    rows = pd.concat([table.frame for table in tables], ignore_index=True)
    numbers = [name for name, kind in OPERATOR_COLUMNS.items() if kind == NUMBER and name in rows]
    # Unknown in every table stays unknown.
    frame = rows.groupby("operator")[numbers].sum(min_count=1) / max(len(tables), 1)
    frame["shapes"] = rows.groupby("operator")["shapes"].first()
    if "recorded" in rows:
        names = rows.groupby("operator")["recorded"]
        frame["recorded"] = names.first().where(names.nunique() == 1, "")
    if "source" in rows:
        frame["source"] = rows.groupby("operator")["source"].max()  # "" where no table has one
    return OperatorTable(
        _sorted(frame.reset_index()),
        sum(table.steps for table in tables),
        sum(table.sessions for table in tables),
        total(table.loss for table in tables),
    )


def _table(trace: Trace, tree: HostTree, work: DeviceWork, amounts: Quantities, within_steps: bool) -> OperatorTable:
    counted = tree.counted & ~(tree.is_step | (tree.step == OUTSIDE)) if within_steps else tree.counted
    launched = work.step != OUTSIDE if within_steps else np.ones(len(work.step), dtype=bool)
    names = work_names(tree)
    code, size = tree.name_code[counted], len(names)
    steps = _steps_behind(tree, work, counted, launched) if within_steps else np.ones(size, dtype=np.int64)
    per_call = NS_PER_US * steps
    calls = np.bincount(code, minlength=size)
    total_device_ns = device_ns_below(tree, work, launched)
    frame = pd.DataFrame(
        {
            "operator": names,
            "calls": calls / steps,
            "self_us": np.bincount(code, tree.self_ns[counted], size) / per_call,
            "total_us": np.bincount(code, tree.total_ns[counted], size) / per_call,
            "self_device_us": np.bincount(work_codes(tree, work)[launched], work.duration_ns[launched], size)
            / per_call,
            "total_device_us": (np.bincount(code, total_device_ns[counted], size) + _rest_ns(work, launched, size))
            / per_call,
            "shapes": _common_shapes(trace, tree, counted, size),
            **amounts.summed(counted, code, size, steps),
            **roofline(trace, tree, work, amounts.flops).summed(counted, code, size, steps),
            "recorded": [*tree.comparable.recorded, *("" for _ in REST)],
            "source": _sources(trace, tree, size),
        }
    )
    return OperatorTable(
        _sorted(frame[(calls > 0) | (frame["self_device_us"] > 0)]),
        tree.steps if within_steps else 1,
        loss=trace.loss,
    )


def _steps_behind(tree: HostTree, work: DeviceWork, counted: NDArray[np.bool_], launched: NDArray[np.bool_]) -> Indices:
    """The steps behind each name, and behind each of REST: a device has as many as a process."""
    size = len(tree.names) + len(REST)
    behind = tree.windows.behind(tree.name_code[counted], tree.process[counted], size)
    alone = launched & (work.owner == ABSENT)
    pairs = np.unique(np.stack([work.rest[alone], work.process[alone]]), axis=1)
    devices = np.bincount(pairs[0], minlength=len(REST)) if tree.windows.are_of_several else 1
    behind[len(tree.names) :] *= np.maximum(devices, 1)
    return behind


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    ordered = frame.sort_values(["self_us", "operator"], ascending=[False, True], kind="stable")
    return ordered.reset_index(drop=True)[[name for name in OPERATOR_COLUMNS if name in ordered]]


def _rest_ns(work: DeviceWork, launched: NDArray[np.bool_], size: int) -> NDArray[np.float64]:
    alone = launched & (work.owner == ABSENT)
    codes = size - len(REST) + work.rest[alone]
    return np.bincount(codes, work.duration_ns[alone], size).astype(np.float64)


def _sources(trace: Trace, tree: HostTree, size: int) -> list[str]:
    """The file of each name, the first of several."""
    sources = [""] * size
    for name, code in zip(trace.names, tree.comparable.code_of.tolist(), strict=True):
        sources[code] = sources[code] or trace.sources.get(name, "")
    return sources


def _common_shapes(trace: Trace, tree: HostTree, counted: NDArray[np.bool_], size: int) -> list[str]:
    """Each operator's most frequent non-empty shapes text; of equally frequent ones the first in the file."""
    code, shape = tree.name_code[counted], trace.shape_code[tree.event[counted]]
    pairs = pd.DataFrame({"code": code, "shape": shape})
    recorded = np.array([bool(text) for text in trace.shapes], dtype=bool)
    pairs = pairs[recorded[shape]] if len(recorded) else pairs
    counts = pairs.groupby(["code", "shape"]).size().sort_values(ascending=False, kind="stable")
    texts = [""] * size
    for operator, shapes in reversed(list(counts.index)):
        texts[operator] = trace.shapes[shapes]
    return texts


def _per_step(tree: HostTree, work: DeviceWork) -> pd.DataFrame:
    """PER_STEP_COLUMNS, a row for each operator in each step that called it; without steps all is step 0.

    Of several processes with steps it is the mean of those that called it, calls rounded.
    """
    names = work_names(tree)
    counted = tree.counted & ~tree.is_step
    step, work_step = (tree.step, work.step) if tree.steps else (tree.step * 0, work.step * 0)
    counted &= step != OUTSIDE
    launched = work_step != OUTSIDE
    host_key = step[counted] * len(names) + tree.name_code[counted]
    device_key = work_step[launched] * len(names) + work_codes(tree, work)[launched]
    key, position = np.unique(np.concatenate([host_key, device_key]), return_inverse=True)
    host, device = position[: len(host_key)], position[len(host_key) :]
    ranks = _ranks(tree, host, counted, len(key))
    return pd.DataFrame(
        {
            "step": key // len(names),
            "operator": pd.Series([names[code] for code in key % len(names)], dtype=object),
            "calls": np.rint(np.bincount(host, minlength=len(key)) / ranks),
            "self_us": np.bincount(host, tree.self_ns[counted], len(key)) / NS_PER_US / ranks,
            "self_device_us": np.bincount(device, work.duration_ns[launched], len(key)) / NS_PER_US / ranks,
        }
    )


def _ranks(tree: HostTree, row: NDArray[np.intp], counted: NDArray[np.bool_], size: int) -> NDArray[np.float64]:
    """The processes behind each row of which every entry is in ``row``: 1 where the steps of one hold for all."""
    if not tree.windows.are_of_several:
        return np.ones(size)
    processes = int(tree.process.max()) + 1
    pairs = np.unique(row * processes + tree.process[counted])
    return np.maximum(np.bincount(pairs // processes, minlength=size), 1).astype(np.float64)


def _step_us(trace: Trace, tree: HostTree) -> float:
    """Median time of a step on the host; without steps the time from the first host event to the last one's end."""
    if tree.steps:
        return float(np.median(tree.windows.end_ns - tree.windows.start_ns)) / NS_PER_US
    if not len(tree.event):
        return 0.0
    span_ns = trace.end_ns[tree.event].max() - trace.start_ns[tree.event].min()
    return float(span_ns) / NS_PER_US
