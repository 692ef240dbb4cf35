"""Work for the checks: a product that is long beside its launch, and the time between two events around a call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from tbp import bench

# About 3 ms on an H200 in float32, and on one core of a CPU: long beside a launch of some 10 µs.
WIDTHS = {"cuda": 4096, "cpu": 384}
EVENTS = 10


def product(device: bench.Device) -> Callable[[], torch.Tensor]:
    """A float32 product of square matrices; every call gives a new tensor."""
    generator = torch.Generator().manual_seed(0)
    width = WIDTHS[device.name]
    square = torch.randn(width, width, generator=generator).to(device.name)
    return lambda: square @ square


def events_s(call: Callable[[], object], device: bench.Device, times: int = EVENTS) -> float:
    """Median seconds of a call by another clock than the ruler's: CUDA events, or the CPU's clock around each call."""
    call()
    device.synchronise()
    if device.name == "cpu":
        return statistics.median(_counted_s(call) for _ in range(times))
    return statistics.median(_between_events_s(call) for _ in range(times))


def _counted_s(call: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    call()
    return time.perf_counter() - start_s


def _between_events_s(call: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def wall_s(
    call: Callable[[], object], device: bench.Device, samples: int = EVENTS, clock: bench.Clock | None = None
) -> float:
    """Median seconds of a call by the ruler, one call a sample and without warming up."""
    plan = bench.SamplingPlan(warmup_s=0, number=1, min_samples=samples, max_samples=samples)
    return statistics.median(bench.time_calls(call, device, plan, clock).wall_s)


def error_of(value: torch.Tensor, reference: torch.Tensor) -> float:
    """Largest difference from a float64 reference, relative to the largest value of that."""
    value, reference = value.detach().double().cpu(), reference.detach().double().cpu()
    return float((value - reference).abs().max() / reference.abs().max())
