"""The idle time of a device, by cause: literal gaps, and real recordings whose causes must add up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.traces.devices.device import DeviceUse
from tbp.traces.devices.ranks import rank_of
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

Entry = tuple[Any, ...]
H200 = Path(__file__).parent.parent / "data" / "h200"

STEP = ("ProfilerStep#1", 0, 100, {"cat": "user_annotation"})


@pytest.fixture
def causes(trace_of: Callable[..., Trace]) -> Callable[..., list[tuple[str, str, int, float]]]:
    """Cause, operator, gaps and µs of a step of 100 µs, ordered by cause."""

    def found(*entries: Entry) -> list[tuple[str, str, int, float]]:
        idle = use(trace_of(STEP, *entries)).idle.sort_values(["cause", "operator"])
        assert set(idle["device"]) <= {"0"}
        return list(idle[["cause", "operator", "gaps", "total_us"]].itertuples(index=False, name=None))

    return found


def use(trace: Trace) -> DeviceUse:
    return rank_of(Path("trace.json"), trace).device


def operator(name: str, start: float, end: float) -> Entry:
    return (name, start, end - start)


def call(name: str, start: float, end: float, correlation: int) -> Entry:
    return (name, start, end - start, {"cat": "cuda_runtime", "args": {"correlation": correlation}})


def kernel(start: float, end: float, correlation: int, stream: int = 7) -> Entry:
    device = {"cat": "kernel", "pid": 0, "tid": stream, "args": {"correlation": correlation}}
    return ("gemm", start, end - start, device)


def test_a_late_launch_is_the_hosts_and_the_rest_the_queues(causes):
    assert causes(operator("aten::mm", 0, 50), call("cudaLaunchKernel", 40, 45, 1), kernel(60, 100, 1)) == [
        ("host", "aten::mm", 1, 40.0),
        ("queue", "aten::mm", 1, 20.0),
    ]


def test_work_that_was_launched_before_the_gap_is_the_queues(causes):
    assert causes(
        operator("aten::mm", 0, 20),
        call("cudaLaunchKernel", 0, 2, 1),
        call("cudaLaunchKernel", 10, 12, 2),
        kernel(0, 50, 1),
        kernel(70, 100, 2),
    ) == [("queue", "aten::mm", 1, 20.0)]


def test_after_a_synchronisation_the_device_waits_for_new_work(causes):
    assert causes(
        call("cudaLaunchKernel", 0, 1, 1),
        kernel(0, 30, 1),
        operator("aten::item", 10, 40),
        call("cudaStreamSynchronize", 12, 38, 2),
        operator("aten::mm", 50, 60),
        call("cudaLaunchKernel", 55, 58, 3),
        kernel(70, 100, 3),
    ) == [("queue", "aten::mm", 1, 15.0), ("synchronisation", "aten::item", 1, 25.0)]


@pytest.mark.parametrize("name", ["cudaMemcpy", "hipMemcpy", "hipDeviceSynchronize", "cudaEventSynchronize"])
def test_whatever_returns_when_the_device_is_done_is_a_synchronisation(causes, name: str):
    assert causes(call("cudaLaunchKernel", 0, 1, 1), kernel(0, 30, 1), call(name, 12, 38, 2)) == [
        ("synchronisation", name, 1, 70.0)
    ]


@pytest.mark.parametrize("name", ["cudaMemcpyAsync", "cudaStreamWaitEvent", "cudaEventRecord"])
def test_what_returns_at_once_is_none(causes, name: str):
    assert causes(call("cudaLaunchKernel", 0, 1, 1), kernel(0, 30, 1), call(name, 12, 38, 2)) == [
        ("host", "(the end of the last step)", 1, 70.0)
    ]


def test_the_wait_for_a_batch_is_the_data_loaders_and_what_follows_the_hosts(causes):
    loader = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"
    assert causes(
        operator(loader, 10, 30),
        operator("aten::randn", 12, 20),
        operator("aten::mm", 40, 50),
        call("cudaLaunchKernel", 45, 46, 1),
        kernel(45, 100, 1),
    ) == [("data loader", loader, 1, 20.0), ("host", "aten::mm", 1, 25.0)]


def test_a_second_stream_that_works_leaves_no_gap(causes):
    assert (
        causes(
            call("cudaLaunchKernel", 0, 1, 1),
            call("cudaLaunchKernel", 1, 2, 2),
            kernel(0, 60, 1),
            kernel(40, 100, 2, 8),
        )
        == []
    )


def test_work_whose_launch_is_unknown_waits_for_the_host(causes):
    assert causes(kernel(60, 100, 1)) == [("host", "(device work launched before the trace)", 1, 60.0)]


@pytest.mark.parametrize(
    "name", ["cuda_graph", "two_streams", "compiled_triton", "train_amp_stack_modules", "ddp_nccl_one_rank"]
)
def test_the_causes_add_up_to_the_time_not_busy(name: str):
    used = use(read_trace(H200 / f"{name}.pt.trace.json.gz"))
    (device,) = used.devices.to_dict("records")
    assert used.idle["total_us"].sum() == pytest.approx(used.window_us - device["busy_us"], abs=0.01)
    assert (used.idle["total_us"] > 0).all()


def test_a_step_that_reads_its_loss_waits_after_that():
    used = use(read_trace(H200 / "train_amp_stack_modules.pt.trace.json.gz"))
    by_cause = used.idle.groupby("cause")["total_us"].sum()
    assert by_cause.idxmax() == "host", "a small model: the host launches 199 kernels of 3 µs each"
    assert set(used.idle.loc[used.idle["cause"] == "synchronisation", "operator"]) == {"aten::_local_scalar_dense"}
