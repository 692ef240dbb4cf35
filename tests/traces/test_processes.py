"""Whose event is it: categories of every vendor, and names of processes and threads where those leave it open."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbp.traces.devices.ranks import rank_of
from tbp.traces.operators.operators import session
from tbp.traces.read_recording import read_recording
from tbp.traces.reading.categories import (
    CATEGORIES,
    DEVICE_OPERATOR,
    ON_DEVICE,
    UNDECIDED,
    Category,
    meaning,
)
from tbp.traces.reading.processes import Process
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import NS_PER_US, Trace

Write = Callable[..., Path]
Event = dict[str, Any]


def timed(name: str, ts: float, dur: float, pid: object, tid: object, **more: Any) -> Event:
    return {"ph": "X", "name": name, "ts": ts, "dur": dur, "pid": pid, "tid": tid, **more}


def label(kind: str, pid: object, text: object, tid: object = 0) -> Event:
    key = "labels" if kind == "process_labels" else "name"
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {key: text}}


def times_us(trace: Trace) -> tuple[float, float]:
    """Self time on the host, and time on devices."""
    frame = session(trace).table.frame
    return frame["self_us"].sum(), frame["self_device_us"].sum()


def kinds(trace: Trace) -> dict[str, Category]:
    return {trace.names[code]: Category(kind) for code, kind in zip(trace.name_code, trace.category, strict=True)}


def test_the_old_export_of_autograd_tells_devices_by_their_process(write: Write) -> None:
    host, device = "CPU functions", "CUDA functions"
    trace = read_trace(
        write([
            timed("aten::mm", 10, 100, host, 1), timed("aten::relu", 130, 40, host, 1),
            timed("aten::mm", 120.5, 500, device, 0), timed("aten::relu", 640, 60, device, 0),
        ])
    )  # fmt: skip
    frame = session(trace).table.frame.set_index("operator")
    assert frame.loc[["aten::mm", "aten::relu"], ["calls", "self_us"]].to_numpy().tolist() == [[1, 100], [1, 40]]
    assert times_us(trace) == (140, 560)


def test_a_view_without_categories_tells_devices_by_labels(write: Write) -> None:
    """As Ascend's: a bare list, times as text, labels behind the events."""
    events = [
        event
        for i in range(3)
        for event in (
            timed("aten::matmul", f"{1712195495519689.047 + 1000 * i:.3f}", 50, 7, 7, cat="cpu_op"),  # type: ignore[arg-type]
            timed("MatMulV2", f"{1712195495519789.047 + 1000 * i:.3f}", 400, 99, 3),  # type: ignore[arg-type]
        )
    ]
    names = [
        label("process_name", 7, "Python"), label("process_labels", 7, "CPU"),
        label("process_name", 99, "Ascend Hardware"), label("process_labels", 99, "NPU"),
    ]  # fmt: skip
    trace = read_trace(write([*events, *names]))
    assert times_us(trace) == (150, 1200)
    assert trace.processes == (Process("7", "Python", "CPU"), Process("99", "Ascend Hardware", "NPU"))
    (device,) = rank_of(Path("t.json"), trace).device.devices.to_dict("records")
    assert (device["device"], device["kernels"], device["kernel_us"]) == ("99", 3, 1200)


@pytest.mark.parametrize(
    ("pid", "labels", "kind"),
    [
        ("1", [("process_labels", "GPU 1")], Category.KERNEL),
        ("1", [("process_name", "python3.11"), ("process_labels", "XPU 0")], Category.KERNEL),
        ("1", [("process_name", "Metal (MPS)")], Category.KERNEL),
        ("1", [("process_name", "/device:TPU:0")], Category.KERNEL),
        ("1", [("process_name", "rank 3: NPU")], Category.KERNEL),
        ("1", [("process_name", "[TP01] HPU 2")], Category.KERNEL),
        ("1", [("thread_name", "stream 7")], Category.KERNEL),
        ("/device:GPU:0", [], Category.KERNEL),
        ("mtia functions", [], Category.KERNEL),
        ("1", [("process_name", "/device:CPU:0")], Category.OPERATOR),
        ("1", [("process_name", "gpu_train.py")], Category.OPERATOR),
        ("1", [("process_name", "GPU 1"), ("process_labels", "CPU")], Category.OPERATOR),
        ("1", [("process_labels", 5)], Category.OPERATOR),
        ("1", [("process_name", "CANN"), ("process_labels", "CPU")], Category.RUNTIME),
        ("1", [("process_name", "/device:TPU:0"), ("thread_name", "XLA Modules")], Category.OTHER),
        ("1", [("process_name", "Overlap Analysis"), ("process_labels", "NPU")], Category.OTHER),
        ("1", [], Category.OPERATOR),
    ],
)
def test_an_event_without_a_category(write: Write, pid: str, labels: list[tuple[str, object]], kind: Category) -> None:
    names = [label(name, pid, text, tid=4) for name, text in labels]
    trace = read_trace(write([timed("fusion", 10, 5, pid, 4), *names]))
    assert kinds(trace) == {"fusion": kind}


def test_a_process_in_which_all_else_is_device_work_is_a_device(write: Write) -> None:
    trace = read_trace(
        write([timed("gemm", 0, 5, 0, 7, cat="kernel"), timed("nameless", 5, 5, 0, 8), timed("mm", 0, 1, 9, 9)])
    )
    assert kinds(trace) == {"gemm": Category.KERNEL, "nameless": Category.KERNEL, "mm": Category.OPERATOR}


def test_the_kind_of_work_without_a_category_is_in_its_name(write: Write) -> None:
    names = ("Memcpy HtoD", "MEMCPY_ASYNC", "memset", "aclrtMemset", "Memcpyless", "MatMul", "ProfilerStep#3")
    events = [timed(name, 10 * at, 5, 3, 1) for at, name in enumerate(names)]
    found = kinds(read_trace(write([*events, label("process_labels", 3, "GPU 3")])))
    assert [found[name].name for name in names] == ["COPY", "COPY", "FILL", "FILL", "COPY", "KERNEL", "OTHER"]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("xpu_driver", Category.RUNTIME),
        ("musa_runtime", Category.RUNTIME),
        ("NPU_Driver", Category.RUNTIME),
        ("hip_runtime_api", Category.RUNTIME),
        ("Runtime", Category.RUNTIME),
        ("privateuse1_runtime", Category.RUNTIME),
        ("mtia_ccp_events", Category.KERNEL),
        ("mlu_kernel", Category.KERNEL),
        ("Kernel", Category.KERNEL),
        ("xpu_memcpy", Category.COPY),
        ("Memset", Category.FILL),
        ("gpu_op", DEVICE_OPERATOR),
        ("hpu_op", DEVICE_OPERATOR),
        ("blink,cpu_op", Category.OPERATOR),
        ("gpu_user_annotation", Category.OTHER),
        ("xpu_user_annotation", Category.OTHER),
        ("cuda_sync", Category.OTHER),
        ("toplevel", Category.OTHER),
        ("", UNDECIDED),
    ],
)
def test_meanings(text: str, category: int) -> None:
    assert meaning(text) == category


@pytest.mark.parametrize(("pid", "kind"), [(100, Category.RUNTIME), (0, Category.KERNEL)])
def test_a_device_operator_on_a_host_launches(write: Write, pid: int, kind: Category) -> None:
    """kineto's header calls hpu_op a call of the host, torch counts it as work of the device: its process decides."""
    trace = read_trace(write([timed("mm", 0, 9, 100, 1, cat="cpu_op"), timed("gemm", 2, 5, pid, 1, cat="hpu_op")]))
    assert kinds(trace)["gemm"] == kind


def step_with(runtime: bool, driver: bool) -> list[Event]:
    call = {"pid": 1, "tid": 1}
    events = [timed("aten::addmm", 10, 300, cat="cpu_op", **call)]
    if runtime:
        args = {"correlation": 10}
        events.append(timed("urEnqueueKernelLaunch", 50, 200, cat="xpu_runtime", args=args, **call))
    if driver:
        args = {"correlation": 10}
        events.append(timed("zeCommandListAppendLaunchKernel", 60, 150, cat="xpu_driver", args=args, **call))
    return [*events, timed("gemm", 400, 250, 0, 7, cat="kernel", args={"correlation": 10})]


@pytest.mark.parametrize(
    ("runtime", "driver", "self_us"),
    [(True, True, [100, 50, 150]), (False, True, [150, 150]), (True, False, [100, 200])],
)
def test_driver_calls_launch_and_are_rows(write: Write, runtime: bool, driver: bool, self_us: list[float]) -> None:
    frame = session(read_trace(write(step_with(runtime, driver)))).table.frame.set_index("operator")
    assert frame.loc["aten::addmm", "self_device_us"] == 250
    assert sorted(frame["self_us"]) == sorted(self_us)


def test_ids_of_any_kind_name_one_thread(write: Write) -> None:
    trace = read_trace(
        write([timed("linear", 0, 10, 83, "5", cat="cpu_op"), timed("mm", 2, 5, "83", 5.0, cat="cpu_op")])
    )
    assert trace.threads == ("83/5",)
    assert session(trace).table.frame.set_index("operator")["self_us"].to_dict() == {"linear": 5, "mm": 5}


def test_a_device_whose_id_has_a_slash_is_one_device(write: Write) -> None:
    events = [timed("a", 0, 5, "/device:GPU:0", 1, cat="kernel"), timed("b", 5, 5, "/device:GPU:1", 1, cat="kernel")]
    devices = rank_of(Path("t.json"), read_trace(write(events))).device.devices
    assert devices["device"].to_list() == ["/device:GPU:0", "/device:GPU:1"]


def test_correlation_0_links_nothing(write: Write) -> None:
    call = {"pid": 1, "tid": 1}
    trace = read_trace(
        write([
            timed("aten::mm", 10, 100, cat="cpu_op", args={"External id": 0}, **call),
            timed("hipLaunch", 20, 50, cat="cuda_runtime", args={"correlation": 5}, **call),
            timed("hipDeviceGetAttribute", 72, 5, cat="cuda_runtime", args={"correlation": 0}, **call),
            timed("gemm", 150, 100, 0, 7, cat="kernel", args={"correlation": 5}),
            timed("ncclDevKernel_Generic", 300, 400, 0, 8, cat="kernel", args={"correlation": 0, "External id": 0}),
        ])
    )  # fmt: skip
    device_us = session(trace).table.frame.set_index("operator")["self_device_us"]
    assert device_us[device_us > 0].to_dict() == {"aten::mm": 100, "(device work without a recorded launch)": 400}


def arrow(ph: str, number: object, ts: float, pid: object, tid: object, cat: str = "async_npu") -> Event:
    return {"ph": ph, "id": number, "name": cat, "cat": cat, "ts": ts, "pid": pid, "tid": tid}


LAUNCHED = [
    timed("linear", 10, 90, 1, 1, cat="cpu_op"), timed("matmul", 10, 50, 1, 1, cat="cpu_op"),
    timed("add", 200, 20, 1, 1, cat="cpu_op", args={"External id": 7}), timed("MatMulV2", 100, 400, 9, 3),
    timed("Add", 500, 40, 9, 3), label("process_labels", 9, "NPU"),
]  # fmt: skip


@pytest.mark.parametrize("ids", [(0, 1), ("0", 0x1F), ("a", "b")])
def test_arrows_link_what_has_no_number(write: Write, ids: tuple[object, object]) -> None:
    arrows = [
        arrow("f", ids[0], 100, 9, 3), arrow("s", ids[0], 10, 1, 1),
        arrow("s", str(ids[1]), 200, 1, 1), arrow("f", ids[1], 500, 9, 3),
    ]  # fmt: skip
    device_us = session(read_trace(write([*LAUNCHED, *arrows]))).table.frame.set_index("operator")["self_device_us"]
    assert device_us[device_us > 0].to_dict() == {"matmul": 400, "add": 40}


@pytest.mark.parametrize(
    "arrows",
    [
        [arrow("s", 1, 10, 1, 1)],  # without an end
        [arrow("s", 1, 10, 1, 1), arrow("f", 2, 100, 9, 3)],
        [arrow("s", 1, 11, 1, 1), arrow("f", 1, 100, 9, 3)],  # at no event
        [arrow("s", 1, 10, 1, 2), arrow("f", 1, 100, 9, 3)],
        [arrow("s", 1, 10, 1, 1, "ac2g"), arrow("f", 1, 100, 9, 3, "ac2g")],  # kineto's, which has numbers
    ],
)
def test_other_arrows_link_nothing(write: Write, arrows: list[Event]) -> None:
    frame = session(read_trace(write([*LAUNCHED, *arrows]))).table.frame.set_index("operator")
    assert frame.loc["(device work without a recorded launch)", "self_device_us"] == 440


def test_a_device_is_named_by_its_label(write: Write) -> None:
    assert read_recording(write(LAUNCHED)).about.device == "NPU"


def test_labels_without_bound_cost_nothing(write: Write) -> None:
    names = [label("process_name", pid, "x" * 2_000) for pid in range(25_000)]
    trace = read_trace(write([timed("mm", 0, 5, 0, 1), *names]))
    assert trace.processes == (Process("0", "x" * 1_000),)


def test_the_table_in_the_docs_is_the_table_in_the_code() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "trace-events.md").read_text(encoding="utf-8")
    words = {UNDECIDED: "its process decides", DEVICE_OPERATOR: "kernel; on a host runtime"}
    expected = {
        name or "(none)": (row.writer, words.get(row.category) or Category(row.category).name.lower())
        for name, row in CATEGORIES.items()
    }
    rows = re.findall(r"^\| `?([^`|]+?)`? \| (kineto|torch\.autograd)([^|]*) \| ([^|]+) \|$", text, re.MULTILINE)
    assert {name: (writer + more, kind) for name, writer, more, kind in rows} == expected


def test_device_time_of_every_category_is_counted(write: Write) -> None:
    on_device = [name for name, row in CATEGORIES.items() if row.category in ON_DEVICE]
    trace = read_trace(write([timed("k", 10 * at, 5, 0, 7, cat=name) for at, name in enumerate(on_device)]))
    assert np.isin(trace.category, ON_DEVICE).all()
    assert trace.duration_ns.sum() == 5 * NS_PER_US * len(on_device)
