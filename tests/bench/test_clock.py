"""The timing loop against an injected clock and a simulated asynchronous device: no test reads the real time."""

import gc
from dataclasses import dataclass, field
from typing import Any

import pytest

from tbp.bench.clock import Clock, SamplingPlan, Timing, time_calls
from tbp.bench.devices import Device


@dataclass
class Machine:
    """A host clock and a device stream: work is submitted at once and done later, as on CUDA."""

    now_s: float = 0.0
    stream_done_s: float = 0.0
    switches: int = 0
    waits: list[float] = field(default_factory=list)

    def submit(self, host_s: float, device_s: float) -> None:
        """The host spends ``host_s``, the stream ``device_s`` after what it already has to do."""
        self.now_s += host_s
        self.stream_done_s = max(self.stream_done_s, self.now_s) + device_s

    def synchronise(self) -> None:
        self.now_s = max(self.now_s, self.stream_done_s)
        self.waits.append(self.now_s)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now_s, lambda: self.now_s / 2, lambda: self.switches)

    @property
    def device(self) -> Device:
        return Device("simulated", "a host clock and a stream", self.synchronise)

    def time(self, host_s: float, device_s: float = 0.0, **plan: Any) -> Timing:
        """The timing of a step that submits so much work."""
        return time_calls(lambda: self.submit(host_s, device_s), self.device, SamplingPlan(**plan), self.clock)


def test_a_sample_is_the_devices_time_not_the_submissions():
    timing = Machine().time(10e-6, 400e-6)
    # Two calls fill a millisecond: 10 µs to submit the first, then the stream is busy for 2 × 400 µs.
    assert timing.number == 2
    assert timing.wall_s == pytest.approx([405e-6] * len(timing.wall_s))


def test_work_submitted_before_a_sample_does_not_leak_into_it():
    machine = Machine()
    machine.submit(0.0, 5.0)  # somebody else's, still running when the first sample starts
    timing = machine.time(0.0, 1e-3, number=1, warmup_s=0.0)  # a warm-up would wait for it too
    assert max(timing.wall_s) == pytest.approx(1e-3)


def test_the_number_of_calls_fills_a_millisecond():
    timing = Machine().time(20e-6)
    assert timing.number == 50
    assert timing.wall_s == pytest.approx([20e-6] * len(timing.wall_s))


def test_a_step_longer_than_a_sample_is_called_once():
    timing = Machine().time(0.2)
    assert timing.number == 1
    assert len(timing.wall_s) == SamplingPlan().min_samples, "the budget is spent, and ten samples are taken"


@pytest.mark.parametrize("number", [0, 1])
def test_a_cold_start_is_warmed_up_before_the_samples(number: int):
    """Caches, lazy initialisation and clocks of the first 50 ms: ten times as slow."""
    machine = Machine()

    def step() -> None:
        machine.submit(1e-3 if machine.now_s > 0.05 else 1e-2, 0.0)

    timing = time_calls(step, machine.device, SamplingPlan(number=number), machine.clock)
    assert (timing.number, max(timing.wall_s)) == (1, pytest.approx(1e-3))


def test_samples_end_with_the_budget_or_at_the_maximum():
    assert len(Machine().time(1e-3, budget_s=0.05).wall_s) == 50
    assert len(Machine().time(1e-3, budget_s=10.0).wall_s) == 300


def test_cpu_time_and_switches_stand_beside_each_sample():
    machine = Machine()

    def disturbed() -> None:
        machine.submit(1e-3, 0.0)
        machine.switches += 3

    timing = time_calls(disturbed, machine.device, SamplingPlan(number=1), machine.clock)
    assert timing.cpu_s == pytest.approx([0.5e-3] * len(timing.cpu_s))
    assert set(timing.involuntary_switches) == {3}


def test_the_yardstick_is_timed_after_each_sample():
    machine = Machine()
    work: list[str] = []

    def step() -> None:
        machine.submit(1e-3, 0.0)
        work.append("step")

    def yardstick() -> None:
        machine.submit(2e-4, 0.0)
        work.append("yardstick")

    timing = time_calls(step, machine.device, SamplingPlan(number=1, warmup_s=0), machine.clock, yardstick)
    assert timing.yardstick_s == pytest.approx([2e-4] * len(timing.wall_s))
    assert timing.wall_s == pytest.approx([1e-3] * len(timing.wall_s))
    assert work == ["step", "yardstick"] * len(timing.wall_s)


def test_a_cold_sample_is_one_call_after_a_flush_that_is_not_timed():
    machine = Machine()
    cold = [True]

    def step() -> None:
        machine.submit(5e-4 if cold[0] else 1e-4, 0.0)
        cold[0] = False

    def flush() -> None:
        machine.submit(0.0, 2e-2)
        cold[0] = True

    timing = time_calls(step, machine.device, SamplingPlan(), machine.clock, flush=flush)
    assert (timing.number, len(timing.wall_s) >= 10) == (1, True)
    assert timing.wall_s == pytest.approx([5e-4] * len(timing.wall_s))


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_is_off_and_then_as_before(was_on: bool):
    machine = Machine()
    seen: list[bool] = []

    def step() -> None:
        machine.submit(1e-3, 0.0)
        seen.append(gc.isenabled())

    gc.enable() if was_on else gc.disable()
    try:
        time_calls(step, machine.device, SamplingPlan(), machine.clock)
        assert gc.isenabled() is was_on
    finally:
        gc.enable()
    assert not any(seen)


def test_asvs_quick_means_one_call_one_sample_no_warm_up():
    machine = Machine()
    plan = SamplingPlan().with_asv(repeat=1, number=1, warmup_s=0, sample_s=None)
    calls: list[int] = []

    def step() -> None:
        machine.submit(1e-6, 0.0)
        calls.append(1)

    timing = time_calls(step, machine.device, plan, machine.clock)
    assert (timing.number, len(timing.wall_s), len(calls)) == (1, 1, 1)


def test_asvs_repeat_may_be_a_range():
    plan = SamplingPlan().with_asv(repeat=(2, 5, 0.1), number=0, warmup_s=-1, sample_s=0.002)
    assert (plan.min_samples, plan.max_samples, plan.budget_s, plan.sample_s) == (2, 5, 0.1, 0.002)
    assert plan.warmup_s == SamplingPlan().warmup_s
