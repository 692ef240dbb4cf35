"""The timing loop: calls → samples.

Takes something to call, a device to wait for and a plan. Gives every sample, with the CPU time and the involuntary
context switches that show how far to trust it. Statistics are left to whoever reads the samples.

A sample takes about one millisecond. One that is shorter than a scheduler slice is mostly either untouched by
a neighbour or discarded by the median. asv's 10 ms is hit almost always. On two cores with up to two busy neighbours
the sd of a night's value was 7–9 % at 1 ms and 27–29 % at 4 ms.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from .devices import Device

# History of the protocol: what a stored time means. Goes into every benchmark's asv version, so that a change
# starts a new series instead of posing as a change of the code under test.
#   1  samples of 1 ms, device synchronised at both edges of a sample, garbage collector off
PROTOCOL = 1


def _involuntary_switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


@dataclass(frozen=True)
class Clock:
    """The readings at both edges of a sample; a test injects a clock that it controls."""

    wall_s: Callable[[], float] = time.perf_counter
    cpu_s: Callable[[], float] = time.process_time  # all threads of the process
    involuntary_switches: Callable[[], int] = _involuntary_switches


@dataclass(frozen=True)
class SamplingPlan:
    """How long to warm up and how much to sample. Samples end at ``max_samples`` or when the budget is spent."""

    sample_s: float = 0.001
    warmup_s: float = 0.1
    budget_s: float = 0.5
    min_samples: int = 10  # taken even past the budget
    max_samples: int = 300
    number: int = 0  # calls per sample; 0: as many as fill ``sample_s``

    def with_asv(self, repeat: object, number: int, warmup_s: float, sample_s: float | None) -> SamplingPlan:
        """The plan under asv's attributes (``--attribute``, ``--quick``, or set on a suite).

        ``repeat`` is asv's: a number of samples, or (min, max, seconds), 0 for tbp's own choice; a negative
        ``warmup_s`` means the default.
        """
        plan = replace(self, number=number)
        if warmup_s >= 0:
            plan = replace(plan, warmup_s=warmup_s)
        if sample_s is not None:
            plan = replace(plan, sample_s=sample_s)
        if isinstance(repeat, tuple | list):
            low, high, budget_s = repeat
            return replace(plan, min_samples=int(low), max_samples=int(high), budget_s=float(budget_s))
        if isinstance(repeat, int) and repeat > 0:
            return replace(plan, min_samples=repeat, max_samples=repeat)
        return plan


@dataclass(frozen=True)
class Timing:
    """Samples in the order they were taken; times are seconds per call."""

    number: int
    wall_s: tuple[float, ...] = field(repr=False)
    cpu_s: tuple[float, ...] = field(repr=False)
    involuntary_switches: tuple[int, ...] = field(repr=False)  # per sample, of the whole process
    yardstick_s: tuple[float, ...] = field(default=(), repr=False)  # wall time of the yardstick after each sample


@contextmanager
def garbage_collector_off() -> Iterator[None]:
    """Garbage collected before the block, and not in it."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def time_calls(
    call: Callable[[], object],
    device: Device,
    plan: SamplingPlan,
    clock: Clock | None = None,
    yardstick: Callable[[], object] | None = None,
    flush: Callable[[], object] | None = None,
) -> Timing:
    """Time ``call`` on ``device``, and ``yardstick`` (see ``tbp.bench.yardstick``) once after each sample.

    The device is synchronised before each sample's first reading and before its last. Synchronising at the end only
    would let work submitted earlier leak into the sample (measured 1.30 × on CUDA). With ``flush`` each sample is one
    call after it, which finds nothing in the caches.
    """
    clock = clock or Clock()
    plan = replace(plan, number=1) if flush is not None else plan
    with garbage_collector_off():
        number = plan.number or calibrated_number(call, device, plan, clock)
        if plan.number:
            _warm_up(call, device, plan.warmup_s, clock)
        start_s = clock.wall_s()
        samples: list[tuple[float, float, int]] = []
        yardstick_s: list[float] = []
        while len(samples) < plan.max_samples:
            if len(samples) >= plan.min_samples and clock.wall_s() - start_s >= plan.budget_s:
                break
            if flush is not None:
                flush()
            samples.append(sample(call, number, device, clock))
            if yardstick is not None:
                yardstick_s.append(sample(yardstick, 1, device, clock)[0])
    wall_s, cpu_s, switches = zip(*samples, strict=True)
    return Timing(number, wall_s, cpu_s, switches, tuple(yardstick_s))


def seconds_of(call: Callable[[], object], device: Device, clock: Clock | None = None) -> float:
    """Wall seconds of a single call."""
    return sample(call, 1, device, clock or Clock())[0]


def sample(call: Callable[[], object], number: int, device: Device, clock: Clock) -> tuple[float, float, int]:
    """Wall and CPU seconds per call of ``number`` calls, and the involuntary context switches meanwhile."""
    device.synchronise()
    switches, cpu_s, wall_s = clock.involuntary_switches(), clock.cpu_s(), clock.wall_s()
    for _ in range(number):
        call()
    device.synchronise()
    wall_s, cpu_s = clock.wall_s() - wall_s, clock.cpu_s() - cpu_s
    return wall_s / number, cpu_s / number, clock.involuntary_switches() - switches


def _warm_up(call: Callable[[], object], device: Device, warmup_s: float, clock: Clock) -> None:
    end_s = clock.wall_s() + warmup_s
    while clock.wall_s() < end_s:
        call()
        device.synchronise()


def calibrated_number(call: Callable[[], object], device: Device, plan: SamplingPlan, clock: Clock) -> int:
    """Calls that fill one sample, from the fastest call seen while warming up (at least three calls)."""
    end_s = clock.wall_s() + plan.warmup_s
    fastest_s, calls, number = float("inf"), 0, 1
    while calls < 3 or clock.wall_s() < end_s:
        seconds, _, _ = sample(call, number, device, clock)
        fastest_s, calls = min(fastest_s, seconds), calls + number
        # Growing batches see through the cost of reading the clock, which a batch of one would count as work.
        number = min(max(1, int(plan.sample_s / max(fastest_s, 1e-9))), 2 * number)
    return max(1, round(plan.sample_s / max(fastest_s, 1e-9)))
