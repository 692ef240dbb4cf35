"""The ruler on a CUDA device, against CUDA events, the allocator and the profiler. Skipped where there is none."""

import gzip
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tbp import bench
from tbp.bench import counters
from tbp.bench.clock import Clock, sample
from tbp.bench.devices import cache_flush
from tbp.bench.graphs import graphed
from tbp.bench.recorder import Destination, record
from tbp.bench.roof import roof
from tbp.traces.read_recording import read_recording

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.fixture(scope="module")
def product() -> Callable[[], torch.Tensor]:
    """About 3 ms of an H200: long enough that launching it, some 10 µs, is below the tolerances here."""
    square = torch.randn(4096, 4096, device="cuda")
    return lambda: square @ square


def events_s(call: Callable[[], object], times: int = 10) -> float:
    """Median seconds between two CUDA events around ``call``."""
    call()
    seconds = []
    for _ in range(times):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        torch.cuda.synchronize()
        seconds.append(start.elapsed_time(end) / 1e3)
    return statistics.median(seconds)


def test_a_long_steps_wall_and_device_time_are_the_events(product: Callable[[], torch.Tensor]):
    timing = bench.time_calls(product, bench.device("cuda"), bench.SamplingPlan(budget_s=0.2))
    expected_s = events_s(product)
    assert statistics.median(timing.wall_s) == pytest.approx(expected_s, rel=0.1)
    assert counters.device_seconds(product) == pytest.approx(expected_s, rel=0.1)


def test_work_submitted_before_a_sample_is_not_in_it(product: Callable[[], torch.Tensor]):
    small = torch.ones(8, device="cuda")
    small + small
    for _ in range(20):
        product()
    wall_s, _, _ = sample(lambda: small + small, 1, bench.device("cuda"), Clock())
    assert wall_s < events_s(product)


def test_the_peak_is_the_allocators():
    def two_at_once() -> None:
        first = torch.empty(100 << 20, dtype=torch.uint8, device="cuda")
        second = torch.empty(50 << 20, dtype=torch.uint8, device="cuda")
        del first, second

    assert counters.peak_bytes(two_at_once, "cuda") == 150 << 20


def test_a_session_has_the_devices_clock_and_a_trace_with_its_kernels(
    product: Callable[[], torch.Tensor], tmp_path: Path
):
    device = bench.device("cuda")
    timing = bench.time_calls(product, device, bench.SamplingPlan(budget_s=0.1))
    destination = Destination(tmp_path, "run", "0" * 40, "environment", "machine")
    path = record(destination, "product", {"device": "cuda"}, device, timing, product)
    assert path is not None
    session: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    assert (session["device"], session["device_name"]) == ("cuda", torch.cuda.get_device_name())
    recording = read_recording(path.parent / session["trace"])
    operators = recording.session.table.frame.set_index("operator")
    assert operators.loc["aten::mm", "self_device_us"] == pytest.approx(events_s(product) * 1e6, rel=0.1)


def test_a_graph_computes_the_same_and_reads_its_input(product: Callable[[], torch.Tensor]):
    x = torch.ones(8, device="cuda")
    step = graphed(bench.Step(lambda: x * 2 + 1, lambda: x * 2 + 1, inputs=(x,)), bench.Case({}, torch.float32, "cuda"))
    assert torch.equal(step.output(), torch.full_like(x, 3.0))
    x.fill_(2.0)
    step.run()
    assert torch.equal(step.output(), torch.full_like(x, 5.0))


def test_products_and_a_triad_have_a_roof_on_the_gpu():
    top = roof(bench.device("cuda"), torch.float32, 1 << 28)
    assert 1e11 < top.flop_per_s < 1e16
    assert 1e10 < top.bytes_per_s < 1e14


def test_a_flush_is_not_in_the_sample(product: Callable[[], torch.Tensor]):
    device = bench.device("cuda")
    flush = cache_flush(device)
    cold = bench.time_calls(product, device, bench.SamplingPlan(budget_s=0.1), flush=flush)
    assert cold.number == 1
    assert statistics.median(cold.wall_s) == pytest.approx(events_s(product), rel=0.2), "the flush is not in the sample"
