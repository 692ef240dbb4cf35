"""Checks of the clock: against another one, at both edges of a sample, and for work that the caches help."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator

import torch

from tbp import bench
from tbp.bench import counters
from tbp.bench.devices import cache_flush
from tbp.selftest.checks import Reading, check, close, median_ratio, quantity
from tbp.selftest.work import events_s, product, wall_s

# Two clocks of one GPU agree to 1 %; a CPU that others use too moves between two neighbouring readings.
AGREEMENT = {"cuda": 0.1, "cpu": 0.3}
ROUNDS = 15
# Half a second of an H200: more than the collection of garbage takes that precedes a sample.
QUEUED = 200
# A sample that ends before its work has some hundredths of it.
LEAST_SHARE = 0.8
SMALL_OPERATORS = 20
# A weight of 4 MB fits into every last-level cache of a GPU.
WEIGHT_WIDTH = 1024

# Imports the ruler and asks for a GPU as a suite does, then forks as asv does, and uses the device in the child.
FORKING = """
import os, sys
import torch
import tbp.bench, tbp.blocks, tbp.training
torch.cuda.is_available()
child = os.fork()
if child == 0:
    torch.ones(8, 8, device=sys.argv[1]).sum().item()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
"""


@check("import leaves the device alone")
def fork(device: bench.Device) -> Iterator[Reading]:
    """A process that imports the ruler can fork, and the child can use the device."""
    done = subprocess.run(
        [sys.executable, "-c", FORKING, device.name], capture_output=True, text=True, timeout=60, check=False
    )
    last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
    yield Reading("a forked child", "computed" if done.returncode == 0 else last[0], "computes", done.returncode == 0)


@check("wall time against events")
def against_events(device: bench.Device) -> Iterator[Reading]:
    """A long product takes as long by the ruler as by another clock."""
    call = product(device)
    both = [(wall_s(call, device, 1), events_s(call, device, 1)) for _ in range(ROUNDS)]
    by_ruler, by_events = zip(*both, strict=True)
    # On a CPU that others use too, the quickest of each are alike; on a GPU all are.
    typical = statistics.median if device.name == "cuda" else min
    yield close("wall time of a long product", typical(by_ruler), typical(by_events), AGREEMENT[device.name])


@check("both edges of a sample")
def edges(device: bench.Device) -> Iterator[Reading]:
    """Work from before a sample is not in it, and its own work is."""
    if device.name == "cpu":
        raise bench.Skip("on the CPU a call returns when its work is done")
    call, small = product(device), torch.ones(8, device=device.name)
    small + small
    yield from edges_of(device, call, lambda: small + small, events_s(call, device))


def edges_of(
    device: bench.Device,
    long_call: Callable[[], object],
    short_call: Callable[[], object],
    long_s: float,
    clock: bench.Clock | None = None,
) -> Iterator[Reading]:
    """Readings at both edges; ``long_s`` is the time of the long call by another clock."""
    for _ in range(QUEUED):
        long_call()
    before_s, most = wall_s(short_call, device, 1, clock), quantity(long_s, "s")
    yield Reading("a short sample behind queued work", quantity(before_s, "s"), f"below {most}", before_s < long_s)
    after_s, least_s = wall_s(long_call, device, 1, clock), LEAST_SHARE * long_s
    least = quantity(least_s, "s")
    yield Reading("a sample of long work", quantity(after_s, "s"), f"at least {least}", after_s >= least_s)


@check("time of the GPU")
def device_time(device: bench.Device) -> Iterator[Reading]:
    """The profiler's time of a long product is that between events; a small step mostly waits for the host."""
    _cuda_only(device)
    call = product(device)
    yield close("device_seconds of a long product", counters.device_seconds(call), events_s(call, device), 0.1)
    step = _small_step(device)
    ratio = wall_s(step, device) / counters.device_seconds(step)
    yield Reading(f"wall ÷ device time of {SMALL_OPERATORS} small operators", f"{ratio:.2f}")


@check("CUDA graphs")
def graphs(device: bench.Device) -> Iterator[Reading]:
    """A captured step gives the same numbers when it is replayed, and is no longer bound by its launches."""
    _cuda_only(device)
    step = _small_step(device)
    expected = step()
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    with torch.cuda.stream(stream):  # what is made once is made before the capture
        step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    captured.zero_()
    graph.replay()
    torch.cuda.synchronize()
    is_equal = torch.equal(captured, expected)
    yield Reading("a replayed step", "equal" if is_equal else "other numbers", "equal", is_equal)
    ratio = median_ratio(lambda: wall_s(graph.replay, device, 1), lambda: wall_s(step, device, 1), ROUNDS)
    yield Reading(f"replay ÷ {SMALL_OPERATORS} launches", f"{ratio:.2f}")


@check("cold and warm caches")
def caches(device: bench.Device) -> Iterator[Reading]:
    """A product with a vector takes no less time when the ruler's flush has moved its weight out of the caches."""
    weight = torch.randn(WEIGHT_WIDTH, WEIGHT_WIDTH, device=device.name)
    vector = torch.randn(WEIGHT_WIDTH, device=device.name)
    flush, plan = cache_flush(device), bench.SamplingPlan(warmup_s=0, number=1, min_samples=3, max_samples=3)

    def product_s(flush: Callable[[], object] | None) -> float:
        return min(bench.time_calls(lambda: weight @ vector, device, plan, flush=flush).wall_s)

    ratio = median_ratio(lambda: product_s(flush), lambda: product_s(None), ROUNDS)
    yield Reading("cold ÷ warm", f"{ratio:.2f}", "at least 0.9", ratio >= 0.9)


@check("equal work under two names")
def twins(device: bench.Device) -> Iterator[Reading]:
    """Two products of the same matrices in turns: whatever their ratio differs from 1 is noise."""
    first, second = product(device), product(device)
    ratio = median_ratio(lambda: wall_s(first, device, 3), lambda: wall_s(second, device, 3), 3 * ROUNDS)
    yield Reading("second ÷ first", f"{1 / ratio:.3f}", "0.9 to 1.1", 0.9 <= ratio <= 1.1)


def _small_step(device: bench.Device) -> Callable[[], torch.Tensor]:
    """A step of many launches with little to do in each."""
    small = torch.ones(64, 64, device=device.name)

    def step() -> torch.Tensor:
        result = small
        for _ in range(SMALL_OPERATORS):
            result = result * 1.01
        return result

    return step


def _cuda_only(device: bench.Device) -> None:
    if device.name != "cuda":
        raise bench.Skip("only a GPU has it")
