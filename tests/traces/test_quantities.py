"""Quantities of host events, summed by operator."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tbp.traces.calls.kernels import NO_LINK
from tbp.traces.calls.quantities import Quantities
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace

from ..trace_events import event


def test_sums_are_per_step_and_of_what_counts():
    of_events = Quantities(*(np.array([1.0, 3.0, 5.0, 100.0]) * factor for factor in (2.0, 4.0, 8.0)))
    counted, code = np.array([True, True, True, False]), np.array([0, 1, 1])
    sums = of_events.summed(counted, code, 2, np.array([2, 4]))
    assert {name: values.tolist() for name, values in sums.items()} == {
        "flops": [1.0, 4.0],
        "allocated_bytes": [2.0, 8.0],
        "copied_bytes": [4.0, 16.0],
    }


def block(ts: float, size: int, thread: int = 1) -> dict[str, Any]:
    """A memory event: an allocation, or where ``size`` is negative the end of one."""
    arguments = {"Bytes": size, "Addr": 0x7000, "Device Type": 0, "Device Id": -1}
    return {"ph": "i", "s": "t", "name": "[memory]", "pid": 1, "tid": thread, "ts": ts, "args": arguments}


def allocated(path: Path) -> dict[str, float]:
    frame = session(read_trace(path)).table.frame.set_index("operator")
    return {str(name): float(size) for name, size in frame["allocated_bytes"].items()}


def test_an_allocation_is_of_the_innermost_operator_that_runs_on_its_thread(write: Callable[..., Path]):
    events = [
        event("outer", 10, 50),
        event("inner", 20, 10),
        event("leaf", 22, 4),
        event("next", 60, 10),
        event("elsewhere", 0, 100, {"tid": 2}),
    ]
    sizes = [
        (5, 1), (10, 2), (21, 4), (22, 8), (25, 16), (26, 32), (29, 64), (30, 128), (45, 256),
        (60, 512), (69, 1024), (70, 2048), (90, 4096),
    ]  # fmt: skip
    path = write([*events, *(block(ts, size) for ts, size in sizes), block(24, -8), block(3, 1 << 20, thread=2)])
    assert allocated(path) == {
        "outer": 2 + 128 + 256,
        "inner": 4 + 32 + 64,  # what begins at an end is outside
        "leaf": 8 + 16,
        "next": 512 + 1024,
        "elsewhere": 1 << 20,
    }


def test_in_a_trace_without_memory_events_allocations_are_unknown(write: Callable[..., Path]):
    assert np.isnan(allocated(write([event("mm", 0, 5)]))["mm"])
    assert allocated(write([event("mm", 0, 5), block(9, 64)])) == {"mm": 0.0}
    assert np.isnan(allocated(write([event("gemm", 0, 5, {"cat": "kernel"}), block(2, 64)]))[NO_LINK])


def test_flops_with_an_unknown_part_are_unknown_and_of_bytes_the_known_part_counts():
    of_events = Quantities(*(np.array([1.0, np.nan, np.nan]) for _ in range(3)))
    sums = of_events.summed(np.full(3, True), np.array([0, 0, 1]), 2, np.array([1, 1]))
    assert np.isnan(sums["flops"]).tolist() == [True, True]
    assert sums["allocated_bytes"][0] == sums["copied_bytes"][0] == 1
    assert np.isnan([sums["allocated_bytes"][1], sums["copied_bytes"][1]]).all()
