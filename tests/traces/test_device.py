"""What a device did: busy time as a union, kinds of work, communication, and the host's share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbp.traces.devices.device import DEVICE_COLUMNS, KERNEL_COLUMNS, DeviceUse, busy_ns
from tbp.traces.devices.ranks import rank_of
from tbp.traces.reading.trace import Trace

TraceOf = Callable[..., Trace]


def used(trace: Trace) -> DeviceUse:
    return rank_of(Path("trace.json"), trace).device


@pytest.mark.parametrize(
    ("intervals", "expected_ns"),
    [([], 0), ([(0, 5)], 5), ([(0, 5), (3, 8)], 8), ([(0, 10), (2, 3), (12, 15)], 13), ([(5, 5)], 0)],
)
def test_the_union_of_intervals(intervals: list[tuple[int, int]], expected_ns: int) -> None:
    pairs = np.array(intervals, dtype=np.int64).reshape(-1, 2)
    assert busy_ns(pairs[:, 0], pairs[:, 1]) == expected_ns


def on_device(name: str, start: float, duration: float, category: str = "kernel", **extra: Any) -> tuple[Any, ...]:
    arguments = {"correlation": int(start), **extra.pop("args", {})}
    return (name, start, duration, {"cat": category, "pid": 0, "tid": 7, "args": arguments} | extra)


def test_what_ran_on_a_device(trace_of: TraceOf) -> None:
    use = used(
        trace_of(
            ("ProfilerStep#1", 0, 100, {"cat": "user_annotation"}),
            on_device("gemm", 10, 20),
            on_device("ncclDevKernel_AllReduce_Sum_f32_RING_LL", 20, 30, tid=20),
            on_device("Memcpy HtoD (Pageable -> Device)", 60, 5, "gpu_memcpy", args={"bytes": 64}),
            on_device("Memset (Device)", 70, 5, "gpu_memset"),
            on_device("late", 95, 20),
            on_device("outside", 200, 20),
        )
    )
    assert use.window_us == 100
    assert list(use.devices.columns) == list(DEVICE_COLUMNS)
    row = use.devices.loc[0]
    assert row["device"] == "0"
    assert row["busy_us"] == 40 + 5 + 5 + 5  # the last one up to the end of the window
    assert row["host_bound_share"] == pytest.approx(0.45)
    assert (row["kernel_us"], row["communication_us"]) == (20 + 30 + 20, 30)
    assert row["exposed_communication_us"] == 20
    assert (row["kernels"], row["copies"], row["fills"]) == (3, 1, 1)
    assert row["copied_bytes"] == 64
    assert np.isnan(row["filled_bytes"])
    kinds = use.kernels.set_index("kernel")["kind"].to_dict()
    assert kinds["ncclDevKernel_AllReduce_Sum_f32_RING_LL"] == "communication"
    assert kinds["Memset (Device)"] == "fill"
    assert "outside" not in kinds


def test_a_trace_without_a_device_has_empty_frames(trace_of: TraceOf) -> None:
    use = used(trace_of(("mm", 0, 5)))
    assert (len(use.devices), len(use.kernels)) == (0, 0)
    assert list(use.kernels.columns) == list(KERNEL_COLUMNS)
    assert use.window_us == 0


@pytest.mark.parametrize(
    "name",
    ["hcom_allReduce__123_0_1", "oneccl_allreduce_small", "xccl_reduce", "rcclGenericKernel", "ncclDevKernel_AG"],
)
def test_collectives_of_every_vendor(trace_of: TraceOf, name: str) -> None:
    assert used(trace_of(on_device(name, 10, 5))).devices.loc[0, "communication_us"] == 5


def test_a_name_with_the_letters_of_a_collective_is_a_kernel(trace_of: TraceOf) -> None:
    assert used(trace_of(on_device("my_hcom_like_kernel", 10, 5))).devices.loc[0, "communication_us"] == 0
