"""Sessions of one side → arrays, sessions × operators, on the operators of both sides.

Takes the ``TraceSession`` values of a comparison, gives the per-session figures that ``difference`` judges: how often
an operator ran per step and what a step spent in it. Leaves every judgement to ``difference``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Floats
from tbp.traces.operators.operators import TraceSession

# The steps a contended machine did not touch; the median still moved with neighbours, the minimum with luck
# (A/A runs on 2 cores, 20–30 steps a session).
FLOOR = 0.10


class TracedSide(Struct, frozen=True, eq=False):
    """One side; arrays are sessions × operators, times are µs per step."""

    steps: int  # of the shortest session
    step_us: Floats  # per session: median time of a step
    calls: Floats  # mean calls per step
    fewest_calls: Floats  # in any step
    most_calls: Floats  # in any step
    self_us: Floats  # median over steps where every step makes the same calls, otherwise the mean
    floor_us: Floats  # 10th percentile over the steps
    other_self_us: Floats  # as self_us, on the clock that is not judged: host for device and the reverse


def operators_of(sessions: Sequence[TraceSession]) -> tuple[str, ...]:
    """Every operator of any session, sorted."""
    return tuple(sorted({name for each in sessions for name in each.per_step["operator"]}))


def side(sessions: Sequence[TraceSession], operators: tuple[str, ...], column: str, other: str) -> TracedSide:
    """The figures of one side; ``column`` is the self time that is judged, "self_us" or "self_device_us"."""
    calls = [_PerStep.of(each, operators, "calls") for each in sessions]
    times = [_PerStep.of(each, operators, column) for each in sessions]
    other_times = [_PerStep.of(each, operators, other) for each in sessions]
    return TracedSide(
        steps=min(each.steps for each in calls),
        step_us=np.array([each.step_us for each in sessions]),
        calls=np.array([each.means for each in calls]),
        fewest_calls=np.array([each.at_rank(0) for each in calls]),
        most_calls=np.array([each.at_rank(-1) for each in calls]),
        self_us=np.array([_typical(time, call) for time, call in zip(times, calls, strict=True)]),
        floor_us=np.array([each.quantiles(FLOOR) for each in times]),
        other_self_us=np.array([_typical(time, call) for time, call in zip(other_times, calls, strict=True)]),
    )


class _PerStep(Struct, frozen=True, eq=False):
    """One column of a session by operator and step, without the zeros of steps that did without the operator.

    Steps × operators would be gigabytes for a file of many steps with operators of their own.
    """

    steps: int
    values: Floats  # by operator, then ascending
    first: NDArray[np.int64]  # of each operator in ``values``
    below: NDArray[np.int64]  # values below 0 of each operator; its zeros stand behind them
    zeros: NDArray[np.int64]  # steps without the operator

    @classmethod
    def of(cls, session: TraceSession, operators: tuple[str, ...], column: str) -> _PerStep:
        steps = max(session.table.steps, 1)
        code = pd.Index(operators).get_indexer(pd.Index(session.per_step["operator"]))
        values = session.per_step[column].to_numpy(dtype=np.float64)
        count = np.bincount(code, minlength=len(operators))
        return cls(
            steps=steps,
            values=values[np.lexsort((values, code))],
            first=np.cumsum(count) - count,
            below=np.bincount(code[values < 0], minlength=len(operators)),
            zeros=np.maximum(steps - count, 0),
        )

    @property
    def means(self) -> Floats:
        """The mean of each operator over all steps."""
        ends = np.append(self.first, len(self.values))
        sums = np.add.reduceat(np.append(self.values, 0.0), self.first) if len(self.first) else np.empty(0)
        return np.where(np.diff(ends) > 0, sums, 0.0) / self.steps

    def at_rank(self, rank: int) -> Floats:
        """The value of each operator with so many smaller ones; from the end if below 0."""
        rank = rank % self.steps
        position = np.where(rank < self.below, rank, rank - self.zeros)
        is_zero = (rank >= self.below) & (rank < self.below + self.zeros)
        known = np.append(self.values, 0.0)
        return np.where(is_zero, 0.0, known[np.clip(self.first + position, 0, len(self.values))])

    def quantiles(self, part: float) -> Floats:
        """The quantile of each operator, linear between ranks as numpy's."""
        low, beyond = divmod(part * (self.steps - 1), 1)
        lower, upper = self.at_rank(int(low)), self.at_rank(min(int(low) + 1, self.steps - 1))
        return lower + (upper - lower) * beyond


def _typical(time: _PerStep, calls: _PerStep) -> Floats:
    """The median step, undisturbed by the odd slow step; the mean where only some steps have the operator."""
    steady = calls.at_rank(0) == calls.at_rank(-1)
    typical: Floats = np.where(steady, time.quantiles(0.5), time.means)
    return typical
