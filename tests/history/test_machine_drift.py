"""A machine that drifts: all its series move together bit by bit, and nothing else looks so."""

import random
from collections.abc import Callable

import pytest

from tbp.history.machine_drift import machine_drift
from tbp.model.changes import History, State

from ..histories import history

NOISY = [random.Random(seed).gauss(0, 0.03) for seed in range(9_000, 9_040)]
"""Noise of all series alike, by run."""


def machine(speed: Callable[[int, int], float], series: int = 6, runs: int = 40) -> list[History]:
    """Series of 1 % noise on a machine with this factor by run and series."""
    noise = random.Random(7)
    return [
        history(
            [1e-3 * (1 + at) * speed(run, at) * noise.gauss(1, 0.01) for run in range(runs)],
            State.NO_CHANGE,
            benchmark=f"m.time_{at}",
        )
        for at in range(series)
    ]


def test_series_that_slow_down_together_bit_by_bit_are_a_drift():
    drift = machine_drift(machine(lambda run, _: 1 + 0.002 * run))
    assert drift is not None
    assert drift.effect == pytest.approx(0.078, abs=0.012)
    assert (drift.runs, drift.series, drift.first.hash[:2], drift.last.hash[:2]) == (40, 6, "00", "39")
    faster = machine_drift(machine(lambda run, _: 1 - 0.002 * run))
    assert faster is not None
    assert faster.effect < -0.05


@pytest.mark.parametrize(
    "speed",
    [
        lambda run, at: 1.0,
        lambda run, at: 1.1 if run >= 20 else 1.0,  # another machine, from one run on
        lambda run, at: 1 + 0.004 * run if at < 2 else 1.0,  # the code of two series
        lambda run, at: 1 + 0.0003 * run,  # 1.2 % in all
        lambda run, at: 1.05 if run % 2 else 1.0,
        lambda run, at: 1.16 if run >= 26 else 1.08 if run >= 12 else 1.0,  # it moved twice
        lambda run, at: 1 + NOISY[run],
    ],
)
def test_nothing_else_is(speed: Callable[[int, int], float]):
    assert machine_drift(machine(speed)) is None


def test_few_series_or_runs_say_nothing_of_a_machine():
    def slower(run: int, _: int) -> float:
        return 1 + 0.004 * run

    assert machine_drift(machine(slower, series=4)) is None
    assert machine_drift(machine(slower, runs=19)) is None
    assert machine_drift([]) is None


def test_a_drift_too_small_to_look_for_is_none():
    def slower(total: float) -> list[History]:
        return machine(lambda run, _: 1 + total * run / 39, series=60)

    assert machine_drift(slower(0.015)) is None
    assert machine_drift(slower(0.025)) is not None
