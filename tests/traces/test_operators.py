"""Operator tables of literal traces: self and total time, steps, shapes, device work."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from tbp.traces.calls.kernels import GRAPH, NO_LAUNCH, NO_LINK, NO_OPERATOR, REST
from tbp.traces.operators.operators import (
    OPERATOR_COLUMNS,
    PER_STEP_COLUMNS,
    OperatorTable,
    hotspots,
    merged_frames,
    merged_table,
    session,
    whole_trace_table,
)
from tbp.traces.reading.trace import Trace

TraceOf = Callable[..., Trace]
STEP = {"cat": "user_annotation"}


def row(frame: pd.DataFrame, operator: str) -> dict[str, Any]:
    return {str(name): value for name, value in frame.set_index("operator").loc[operator].items()}


def test_self_and_total_time(trace_of: TraceOf) -> None:
    table = session(trace_of(("linear", 0, 10), ("t", 1, 2), ("mm", 4, 5.5), ("linear", 20, 3))).table
    assert list(table.frame.columns) == list(OPERATOR_COLUMNS)
    assert list(table.frame["operator"]) == ["linear", "mm", "t"]
    linear = row(table.frame, "linear")
    assert (linear["calls"], linear["self_us"], linear["total_us"]) == (2, 5.5, 13)
    assert (table.steps, table.sessions) == (1, 1)


def test_numbers_are_per_step_and_what_lies_outside_is_left_out(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("warm", 0, 5),
        ("ProfilerStep#4", 10, 10, STEP), ("mm", 11, 2), ("mm", 14, 2),
        ("mm", 20.5, 1),
        ("ProfilerStep#5", 22, 12, STEP), ("mm", 23, 6), ("relu", 30, 1),
        ("after", 40, 1),
    )  # fmt: skip
    table = session(trace).table
    assert table.steps == 2
    assert list(table.frame["operator"]) == ["mm", "relu"]
    assert row(table.frame, "mm")["calls"] == 1.5
    assert row(table.frame, "mm")["self_us"] == 5
    assert row(table.frame, "relu")["calls"] == 0.5
    assert session(trace).step_us == 11
    whole = whole_trace_table(trace).frame
    assert row(whole, "ProfilerStep#*")["calls"] == 2
    assert row(whole, "ProfilerStep#*")["self_us"] == 22 - 11
    assert row(whole, "mm")["calls"] == 4


def test_per_step_rows(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("ProfilerStep#1", 0, 9, STEP), ("mm", 1, 2), ("mm", 4, 2), ("ProfilerStep#2", 10, 9, STEP), ("relu", 11, 1)
    )
    frame = session(trace).per_step
    assert list(frame.columns) == list(PER_STEP_COLUMNS)
    assert frame.to_numpy().tolist() == [[0, "mm", 2, 4.0, 0.0], [1, "relu", 1, 1.0, 0.0]]


def test_without_steps_the_trace_is_one_step(trace_of: TraceOf) -> None:
    trace = trace_of(("mm", 5, 2), ("mm", 8, 4))
    assert session(trace).per_step.to_numpy().tolist() == [[0, "mm", 2, 6.0, 0.0]]
    assert session(trace).step_us == 7


def test_device_time_without_steps_is_of_step_0(trace_of: TraceOf) -> None:
    launch = {"cat": "cuda_runtime", "args": {"correlation": 7}}
    kernel = {"cat": "kernel", "pid": 0, "tid": 7, "args": {"correlation": 7, "device": 0, "stream": 7}}
    trace = trace_of(("mm", 0, 10), ("cudaLaunchKernel", 2, 1, launch), ("gemm", 20, 4, kernel))
    rows = session(trace).per_step.set_index("operator")
    assert rows.loc["mm"].tolist() == [0, 1, 9.0, 4.0]


def test_python_functions_are_no_operators(trace_of: TraceOf) -> None:
    trace = trace_of(("ProfilerStep#1", 0, 9, STEP), ("a.py(1): f", 1, 5, {"cat": "python_function"}), ("mm", 2, 2))
    assert list(session(trace).table.frame["operator"]) == ["mm"]
    assert row(whole_trace_table(trace).frame, "a.py(#1): f")["self_us"] == 3


def test_the_most_common_shapes(trace_of: TraceOf) -> None:
    shapes = [[[1, 2]], [[3, 4]], [[3, 4]]]
    entries = [("mm", i, 1, {"args": {"Input Dims": shape}}) for i, shape in enumerate(shapes)]
    assert row(session(trace_of(*entries, ("relu", 9, 1))).table.frame, "mm")["shapes"] == "[[3, 4]]"


LAUNCH = {"cat": "cuda_runtime"}


def test_a_kernel_belongs_to_the_innermost_operator_around_its_launch(trace_of: TraceOf) -> None:
    table = session(
        trace_of(
            ("linear", 0, 10),
            ("addmm", 1, 8),
            ("cudaLaunchKernel", 2, 1, LAUNCH | {"args": {"correlation": 1}}),
            ("gemm", 50, 100, {"cat": "kernel", "tid": "stream 7", "args": {"correlation": 1, "External id": 99}}),
            ("copy", 160, 20, {"cat": "Memcpy", "tid": "stream 7", "args": {"correlation": 1}}),
        )
    ).table.frame
    assert row(table, "addmm")["self_device_us"] == 120
    assert row(table, "linear")["self_device_us"] == 0
    assert row(table, "linear")["total_device_us"] == 120
    assert row(table, "addmm")["self_us"] == 7
    assert row(table, "cudaLaunchKernel")["self_us"] == 1


def test_device_time_without_an_operator_is_kept_under_a_name(trace_of: TraceOf) -> None:
    def kernel(start: float, arguments: dict[str, int]) -> tuple[Any, ...]:
        return ("k", start, 10, {"cat": "kernel", "tid": "stream 7", "args": arguments})

    trace = trace_of(
        ("mm", 0, 1, {"args": {"External id": 5}}),
        ("cudaGraphLaunch", 3, 1, LAUNCH | {"args": {"correlation": 1}}),
        ("cudaLaunchKernel", 5, 1, LAUNCH | {"args": {"correlation": 4}}),
        kernel(10, {"correlation": 1}),
        kernel(10, {"correlation": 4}),
        kernel(20, {"correlation": 2}),
        kernel(30, {"correlation": 3, "External id": 5}),
        kernel(40, {}),
    )
    table = session(trace).table.frame
    device_us = {name: row(table, name)["self_device_us"] for name in ("mm", *REST)}
    assert device_us == {"mm": 10, NO_LAUNCH: 10, NO_OPERATOR: 10, GRAPH: 10, NO_LINK: 10}
    assert row(table, NO_LAUNCH)["calls"] == 0


def test_a_step_owns_no_kernel(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("ProfilerStep#1", 0, 9, STEP),
        ("cudaLaunchKernel", 2, 1, LAUNCH | {"args": {"correlation": 1}}),
        ("k", 5, 3, {"cat": "kernel", "tid": "stream 7", "args": {"correlation": 1}}),
    )
    assert row(session(trace).table.frame, NO_OPERATOR)["self_device_us"] == 3


def test_a_trace_without_host_events(trace_of: TraceOf) -> None:
    trace = trace_of(("k", 5, 3, {"cat": "kernel"}))
    one = session(trace)
    assert list(one.table.frame["operator"]) == [NO_LINK]
    assert one.step_us == 0
    assert len(session(trace_of(("PyTorch Profiler (0)", 0, 1, {"cat": "Trace"}))).per_step) == 0


def test_hotspots_and_shares(trace_of: TraceOf) -> None:
    table = session(trace_of(("a", 0, 6), ("b", 10, 3), ("c", 20, 1))).table
    top = hotspots(table, top=2)
    assert list(top["operator"]) == ["a", "b"]
    assert list(top["share"]) == [0.6, 0.3]
    assert list(hotspots(table, by="self_device_us")["share"]) == [0, 0, 0]
    many = session(trace_of(*((f"o{number}", 10 * number, 1) for number in range(12)))).table
    assert len(hotspots(many)) == 10


def test_the_mean_of_sessions(trace_of: TraceOf) -> None:
    tables = [session(trace_of(("a", 0, 6))).table, session(trace_of(("a", 0, 8), ("b", 10, 3))).table]
    merged = merged_table(tables)
    assert (merged.steps, merged.sessions) == (2, 2)
    assert row(merged.frame, "a")["self_us"] == 7
    assert row(merged.frame, "b")["calls"] == 0.5


def test_the_mean_frames_are_of_all_sessions_or_of_none(trace_of: TraceOf) -> None:
    sessions = [session(trace_of(("a", 0, 6))), session(trace_of(("a", 0, 8)))]
    frames = merged_frames(sessions)
    assert frames is not None
    assert (frames.sessions, frames.steps, frames.rows["self_ns"].tolist()) == (2, 2, [14_000])
    assert merged_frames([sessions[0], replace(sessions[1], frames=None)]) is None
    assert merged_frames([]) is None


def test_a_frame_of_other_columns_is_refused() -> None:
    with pytest.raises(TypeError, match="operator table: columns"):
        OperatorTable(pd.DataFrame({"operator": ["a"]}), steps=1)
