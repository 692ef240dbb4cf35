"""Turns: a step beside others (its baseline, its twin), sampled alternately in one process.

Takes what to call; gives, for each of the others, the ratios of neighbouring samples: step, other, other, step. The
machine's speed moves by the second and cancels in such a ratio, as it does not between two times taken a minute apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from .clock import Clock, SamplingPlan, calibrated_number, garbage_collector_off, sample
from .devices import Device

# Time for each call that takes part: 120 rounds of calls of 1 ms, the most there are. A long step makes few; three
# ratios of each of three processes are the least that show how far to trust their median. It is time of the process,
# so that a busy machine makes as many rounds, in at most LONGEST times that time.
BUDGET_S = 0.15
LONGEST = 3
MIN_ROUNDS = 6
MAX_ROUNDS = 120
WARMUP_S = 0.05  # the step itself is warm, the others are new


@dataclass(frozen=True)
class TurnRatios:
    """Step ÷ other of two rounds each, below 1 where the step is faster: of wall time and of the process's CPU time."""

    wall: tuple[float, ...] = field(repr=False)
    cpu: tuple[float, ...] = field(repr=False)


def in_turns(
    step: Callable[[], object],
    beside: Mapping[str, Callable[[], object]],
    device: Device,
    plan: SamplingPlan,
    clock: Clock | None = None,
    number: int = 0,
) -> dict[str, TurnRatios]:
    """``step`` ÷ each call of ``beside``, by its name. Of the two rounds of a ratio the second runs backwards.

    ``number`` is how many calls of ``step`` fill a sample; 0 where that is not known yet.
    """
    if not beside:
        return {}
    clock = clock or Clock()
    calls = [step, *beside.values()]
    warm = replace(plan, number=0, warmup_s=min(plan.warmup_s, WARMUP_S))
    rounds: list[list[tuple[float, float, int]]] = []
    with garbage_collector_off():
        step()  # the others were made since it ran
        known = [number] if number else []
        numbers = _alike([*known, *(calibrated_number(call, device, warm, clock) for call in calls[len(known) :])])
        budget_s = BUDGET_S * len(calls)
        start_s, start_cpu_s = clock.wall_s(), clock.cpu_s()
        while len(rounds) < MIN_ROUNDS or (
            len(rounds) < MAX_ROUNDS
            and clock.cpu_s() - start_cpu_s < budget_s
            and clock.wall_s() - start_s < LONGEST * budget_s
        ):
            samples: list[tuple[float, float, int]] = [(0.0, 0.0, 0)] * len(calls)
            order = range(len(calls)) if len(rounds) % 2 == 0 else reversed(range(len(calls)))
            for index in order:
                if numbers[index] > 1:
                    calls[index]()  # the others' turns left their data in the caches
                samples[index] = sample(calls[index], numbers[index], device, clock)
            rounds.append(samples)
    return {name: _ratios(rounds, index) for index, name in enumerate(beside, start=1)}


def _alike(numbers: list[int]) -> list[int]:
    """The step's number for all that take about its time: of samples alike in length a neighbour disturbs as many."""
    first = numbers[0]
    return [first if first <= 2 * number and number <= 2 * first else number for number in numbers]


def _ratios(rounds: list[list[tuple[float, float, int]]], index: int) -> TurnRatios:
    pairs = list(zip(rounds[::2], rounds[1::2], strict=False))
    tick_s = 1e-9  # of the clocks: a CPU clock that did not move gives no infinite ratio
    wall = tuple((a[0][0] + b[0][0]) / max(a[index][0] + b[index][0], tick_s) for a, b in pairs)
    return TurnRatios(wall, tuple((a[0][1] + b[0][1]) / max(a[index][1] + b[index][1], tick_s) for a, b in pairs))
