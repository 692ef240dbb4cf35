"""Several processes in one file: identifiers and steps belong to one of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.traces.devices.ranks import rank_of
from tbp.traces.differences.sides import operators_of, side
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

Write = Callable[..., Path]
Event = dict[str, Any]


def rank(host: object, device: object, operator: str, host_us: float, kernel_us: float, skew_us: float) -> list[Event]:
    """Two steps of one rank; identifiers are the same in every rank."""
    events: list[Event] = []
    on_host = {"ph": "X", "pid": host, "tid": 83}
    for step in range(2):
        ts, number = 1000 + 1000 * step + skew_us, 10 + step
        events += [
            on_host | {"cat": "user_annotation", "name": f"ProfilerStep#{5 + step}", "ts": ts, "dur": 900},
            on_host | {"cat": "cpu_op", "name": operator, "ts": ts + 600, "dur": host_us},
            on_host | {"cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": ts + 610, "dur": 10,
                       "args": {"correlation": number}},
            {"ph": "X", "cat": "kernel", "name": f"k_{operator}", "pid": device, "tid": 7, "ts": ts + 650,
             "dur": kernel_us, "args": {"correlation": number}},
        ]  # fmt: skip
    return events


def columns(trace: Trace, column: str) -> dict[str, float]:
    frame = session(trace).table.frame.set_index("operator")
    return frame.loc[["mm", "conv"], column].to_dict()


IDS = {
    "labels before": (("[TP00] 83", "[TP01] 83"), ("[TP00] 0", "[TP01] 0")),
    "labels joined": (("rank0_83", "rank1_83"), ("rank0_0", "rank1_0")),
    "ranks before": (("0:83", "1:83"), ("0:0", "1:0")),
    "ranks behind": (("83 (A)", "83 (B)"), ("0 (A)", "0 (B)")),
    "numbers": ((100, 200), (0, 1)),
    "one id for host and device": ((100, 200), (100, 200)),
    "one device for both": ((100, 200), (0, 0)),
}


@pytest.mark.parametrize("in_order_of_time", [False, True], ids=["one behind the other", "by time"])
@pytest.mark.parametrize("ids", IDS)
def test_each_kernel_belongs_to_its_own_process(write: Write, ids: str, in_order_of_time: bool) -> None:
    hosts, devices = IDS[ids]
    events = rank(hosts[0], devices[0], "mm", 100, 200, 0) + rank(hosts[1], devices[1], "conv", 80, 50, 100)
    trace = read_trace(write(sorted(events, key=lambda event: event["ts"]) if in_order_of_time else events))
    assert columns(trace, "self_device_us") == {"mm": 200, "conv": 50}
    assert columns(trace, "calls") == {"mm": 1, "conv": 1}
    assert columns(trace, "self_us") == {"mm": 90, "conv": 70}
    assert session(trace).table.steps == 2


def test_a_process_is_nearer_than_what_stands_nearer(write: Write) -> None:
    """The second rank's launch is the last before both kernels, which have their host's process id."""
    late = [
        event | {"ts": event["ts"] + 200} if event["cat"] == "kernel" else event
        for event in rank(100, 100, "mm", 100, 20, 0) + rank(200, 200, "conv", 80, 50, 100)
    ]
    trace = read_trace(write(sorted(late, key=lambda event: event["ts"])))
    assert columns(trace, "self_device_us") == {"mm": 20, "conv": 50}


def test_names_of_processes_tell_ranks_apart(write: Write) -> None:
    """Ids are numbers, the second rank's kernels stand first, and its clock is ahead."""
    kernels_last = sorted(rank(2, 20, "conv", 80, 50, -20), key=lambda event: event["cat"] != "kernel")
    names = [
        {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": name}}
        for pid, name in ((1, "rank 0: python"), (10, "rank 0: GPU 0"), (2, "rank 1: python"), (20, "rank 1: GPU 0"))
    ]
    trace = read_trace(write([*kernels_last, *rank(1, 10, "mm", 100, 200, 0), *names]))
    assert columns(trace, "self_device_us") == {"mm": 200, "conv": 50}


def test_a_kernel_of_another_rank_is_not_borrowed(write: Write) -> None:
    """The second rank's launches are lost: its kernels are nobody's, though the first rank has their identifiers."""
    second = [event for event in rank("[B] 1", "[B] 0", "conv", 80, 50, 0) if event["cat"] != "cuda_runtime"]
    trace = read_trace(write(rank("[A] 1", "[A] 0", "mm", 100, 200, 0) + second))
    assert columns(trace, "self_device_us") == {"mm": 200, "conv": 0}


def stage(pid: object, operator: str, start: float, length: float, at: float, host_us: float) -> list[Event]:
    return [
        {"ph": "X", "pid": pid, "tid": 1, "cat": cat, "name": name, "ts": 1000 + 1000 * step + after, "dur": dur}
        for step in range(2)
        for cat, name, after, dur in (
            ("user_annotation", f"ProfilerStep#{5 + step}", start, length),
            ("cpu_op", operator, start + at, host_us),
        )
    ]


def test_steps_belong_to_their_process(write: Write) -> None:
    """The second process's short step begins last and has ended when the first one's operator runs."""
    trace = read_trace(write(stage("A", "mm", 0, 900, 600, 100) + stage("B", "conv", 100, 300, 50, 80)))
    assert columns(trace, "self_us") == {"mm": 100, "conv": 80}
    assert columns(trace, "calls") == {"mm": 1, "conv": 1}
    assert session(trace).per_step.to_numpy().tolist() == [
        [0, "mm", 1, 100, 0], [0, "conv", 1, 80, 0], [1, "mm", 1, 100, 0], [1, "conv", 1, 80, 0],
    ] or sorted(session(trace).per_step["operator"]) == ["conv", "conv", "mm", "mm"]  # fmt: skip
    assert session(trace).step_us == 600


def test_an_operator_of_every_rank_counts_once_a_step(write: Write) -> None:
    trace = read_trace(write([event for pid in "ABC" for event in stage(pid, "mm", 0, 900, 10, 30)]))
    frame = session(trace).table.frame.set_index("operator")
    assert frame.loc["mm", ["calls", "self_us"]].to_list() == [1, 30]
    one = session(trace)
    assert one.frames is not None
    assert one.frames.rows["self_ns"].sum() / one.frames.steps == 30_000
    figures = side([one], operators_of([one]), "self_us", "self_device_us")
    assert (figures.steps, figures.fewest_calls.tolist(), figures.floor_us.tolist()) == (2, [[1]], [[30]])


def test_ranks_of_unlike_numbers_of_steps(write: Write) -> None:
    long = stage("A", "mm", 0, 900, 10, 30)
    short = [event for event in stage("B", "conv", 0, 900, 10, 50) if event["ts"] < 2000]
    trace = read_trace(write(long + short))
    assert columns(trace, "self_us") == {"mm": 30, "conv": 50}


def test_a_process_without_steps_is_in_those_of_the_only_one_that_has_some(write: Write) -> None:
    """As in a container, where a step has the process id from within, its operators the one from outside."""
    worker = [event | {"pid": 9} for event in stage(1, "conv", 0, 900, 10, 50) if event["cat"] == "cpu_op"]
    trace = read_trace(write(stage(1, "mm", 0, 900, 10, 30) + worker))
    assert columns(trace, "self_us") == {"mm": 30, "conv": 50}


def test_devices_of_ranks_have_their_own_rows(write: Write) -> None:
    trace = read_trace(write(rank("A 1", "A 0", "mm", 100, 200, 0) + rank("B 1", "B 0", "conv", 80, 50, 100)))
    use = rank_of(Path("t.json"), trace).device
    assert use.devices[["device", "kernel_us"]].to_numpy().tolist() == [["A 0", 400], ["B 0", 100]]
    assert use.kernels[["kernel", "operator"]].to_numpy().tolist() == [["k_mm", "mm"], ["k_conv", "conv"]]


def test_a_thousand_processes_with_one_id_cost_little(write: Write) -> None:
    """64 of them are looked at; a process id of a thousand digits costs as much as its length."""
    args = {"args": {"correlation": 1}}
    calls = [
        {
            "ph": "X",
            "cat": "cuda_runtime",
            "name": "launch",
            "pid": "9" * 1000 + f"x{at}y",
            "tid": 1,
            "ts": at,
            "dur": 1,
            **args,
        }
        for at in range(1000)
    ]
    work = [
        {"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 2000 + at, "dur": 1, **args}
        for at in range(1000)
    ]
    trace = read_trace(write(calls + work))
    assert len(trace.processes) == 1001
    assert session(trace).table.frame["self_device_us"].sum() == 1000
