"""Turns against an injected clock: ratios of neighbouring samples, in which a drift of the machine cancels."""

import statistics

import pytest

from tbp.bench.clock import Clock, SamplingPlan
from tbp.bench.devices import Device
from tbp.bench.turns import MAX_ROUNDS, MIN_ROUNDS, in_turns


class DriftingMachine:
    """A clock on which the same work takes longer and longer."""

    def __init__(self, drift_per_s: float = 0.0) -> None:
        self.now_s, self.drift_per_s = 0.0, drift_per_s
        self.work: list[str] = []

    def do(self, name: str, seconds: float) -> None:
        self.work.append(name)
        self.now_s += seconds * (1 + self.drift_per_s * self.now_s)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now_s, lambda: self.now_s / 2, lambda: 0)


DEVICE = Device("simulated", "a clock", lambda: None)


def test_each_other_call_has_a_ratio_for_every_round():
    machine = DriftingMachine()
    beside = {"naive": lambda: machine.do("naive", 4e-3), "twin": lambda: machine.do("twin", 2e-3)}
    ratios = in_turns(lambda: machine.do("step", 2e-3), beside, DEVICE, SamplingPlan(), machine.clock)
    assert list(ratios) == ["naive", "twin"]
    assert ratios["naive"].wall == pytest.approx([0.5] * len(ratios["naive"].wall))
    assert ratios["twin"].cpu == pytest.approx([1.0] * len(ratios["twin"].cpu))
    assert MIN_ROUNDS // 2 <= len(ratios["twin"].wall) <= MAX_ROUNDS // 2
    assert machine.work[-6:] == ["step", "naive", "twin", "twin", "naive", "step"] or machine.work[-6:] == [
        "twin",
        "naive",
        "step",
        "step",
        "naive",
        "twin",
    ]


def test_a_drift_cancels():
    machine = DriftingMachine(drift_per_s=1.0)
    beside = {"twin": lambda: machine.do("twin", 5e-3)}
    wall = in_turns(lambda: machine.do("step", 5e-3), beside, DEVICE, SamplingPlan(), machine.clock)["twin"].wall
    assert machine.now_s > 0.1, "by the end the machine is a tenth slower"
    assert statistics.median(wall) == pytest.approx(1.0, abs=1e-4)


def test_short_calls_are_warmed_after_another_s_turn():
    machine = DriftingMachine()
    after_twin = {"step": 0.0}

    def step() -> None:
        cold = machine.work and machine.work[-1] != "step"
        machine.do("step", 5e-3 if cold else 1e-4)
        after_twin["step"] += bool(cold)

    beside = {"twin": lambda: machine.do("twin", 1e-4)}
    wall = in_turns(step, beside, DEVICE, SamplingPlan(), machine.clock)["twin"].wall
    assert wall == pytest.approx([1.0] * len(wall)), "the first call of a turn finds the other's data in the caches"


def test_nothing_beside_it_costs_nothing():
    assert in_turns(lambda: pytest.fail("called"), {}, DEVICE, SamplingPlan()) == {}
