"""Sessions of one side → arrays, sessions × operators, on the operators of both sides.

Takes the ``Session`` values of a comparison, gives the per-session figures that ``difference`` judges: how often
an operator ran per step and what a step spent in it. Leaves every judgement to ``difference``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tbp.traces.operators import Session

Floats = NDArray[np.float64]

# The steps a contended machine did not touch; the median still moved with neighbours, the minimum with luck
# (A/A runs on 2 cores, 20–30 steps a session).
FLOOR = 0.10


@dataclass(frozen=True)
class Side:
    """One side; arrays are sessions × operators, times are µs per step."""

    steps: int  # of the shortest session
    step_us: Floats  # per session: median time of a step
    calls: Floats  # mean calls per step
    fewest_calls: Floats  # in any step
    most_calls: Floats  # in any step
    self_us: Floats  # median over steps where every step makes the same calls, otherwise the mean
    floor_us: Floats  # 10th percentile over the steps
    other_self_us: Floats  # as self_us, on the clock that is not judged: host for device and the reverse


def operators_of(sessions: Sequence[Session]) -> tuple[str, ...]:
    """Every operator of any session, sorted."""
    return tuple(sorted({name for each in sessions for name in each.per_step["operator"]}))


def side(sessions: Sequence[Session], operators: tuple[str, ...], column: str, other: str) -> Side:
    """The figures of one side; ``column`` is the self time that is judged, "self_us" or "self_device_us"."""
    calls = [_per_step(each, operators, "calls") for each in sessions]
    times = [_per_step(each, operators, column) for each in sessions]
    others = [_per_step(each, operators, other) for each in sessions]
    return Side(
        steps=min(len(steps) for steps in calls),
        step_us=np.array([each.step_us for each in sessions]),
        calls=np.array([steps.mean(axis=0) for steps in calls]),
        fewest_calls=np.array([steps.min(axis=0) for steps in calls]),
        most_calls=np.array([steps.max(axis=0) for steps in calls]),
        self_us=np.array([_typical(time, call) for time, call in zip(times, calls, strict=True)]),
        floor_us=np.array([np.quantile(time, FLOOR, axis=0) for time in times]),
        other_self_us=np.array([_typical(time, call) for time, call in zip(others, calls, strict=True)]),
    )


def _per_step(one: Session, operators: tuple[str, ...], column: str) -> Floats:
    """Steps × operators; 0 where a step did without the operator."""
    rows = one.per_step
    steps = np.zeros((max(one.table.steps, 1), len(operators)))
    at = pd.Index(operators).get_indexer(pd.Index(rows["operator"]))
    steps[rows["step"].to_numpy(dtype=np.int64), at] = rows[column].to_numpy(dtype=np.float64)
    return steps


def _typical(time_us: Floats, calls: Floats) -> Floats:
    """A median step, undisturbed by the odd slow one; but what only some steps do has a median of no meaning."""
    steady = calls.min(axis=0) == calls.max(axis=0)
    typical: Floats = np.where(steady, np.median(time_us, axis=0), time_us.mean(axis=0))
    return typical
