"""The state of a series: the verdict in one word.

Takes its points and its balance, and when it and the others were measured last. Ages are counted from the newest commit
of the folder that has a result, not from the clock, so that the same results always give the same report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from msgspec import Struct

from tbp.model.balance import Balance
from tbp.model.changes import State
from tbp.model.points import columns, levels
from tbp.model.series import Outcome, Point, SeriesKey, Setup

# Below these no change could be confirmed, so "no change" would claim too much. 5 single values against 5 are the
# first that can pass, by the size of a step (``short_series``); with 3 sessions a run the t test needs 4 runs.
ENOUGH_RUNS = 10
ENOUGH_RUNS_WITH_SESSIONS = 4
ENOUGH_SESSIONS = 3


class Freshness(Struct, frozen=True):
    """Commit dates of the newest runs in a folder."""

    newest: datetime  # of any machine
    series: Mapping[SeriesKey, datetime]
    setups: Mapping[Setup, datetime]
    benchmarks: Mapping[tuple[str, Setup], datetime]
    declared: frozenset[str]  # benchmarks that benchmarks.json declares; empty where it is missing

    def gone(self, key: SeriesKey, stale_days: float) -> State | None:
        """VANISHED or STALE, or None for a series that is still measured."""
        is_undeclared = bool(self.declared) and key.benchmark not in self.declared
        if is_undeclared or self.series[key] < self.benchmarks[key.benchmark, key.setup]:
            return State.VANISHED
        silent = self.newest - self.setups[key.setup]
        return State.STALE if silent > timedelta(days=min(stale_days, 1e6)) else None


def freshness(series: Iterable[tuple[SeriesKey, Sequence[Point]]], declared: Iterable[str]) -> Freshness:
    """The newest dates of all series. Raises ValueError where there is none."""
    dates = {key: newest_date(points) for key, points in series}
    setups: dict[Setup, datetime] = {}
    benchmarks: dict[tuple[str, Setup], datetime] = {}
    for key, last in dates.items():
        setup = key.setup
        setups[setup] = max(last, setups.get(setup, last))
        benchmarks[key.benchmark, setup] = max(last, benchmarks.get((key.benchmark, setup), last))
    return Freshness(max(setups.values()), dates, setups, benchmarks, frozenset(declared))


def newest_date(points: Sequence[Point]) -> datetime:
    """The newest commit date of the points; a history's dates may run backwards, so not that of the last one."""
    table = columns(points)
    newest: datetime = max(table.order[index].date for index in table.commit_index.tolist())
    return newest


def state(points: Sequence[Point], balance: Balance | None) -> State:
    """The balance of the confirmed changes decides.

    Without one it depends on the newest run having a value, and on their number.
    """
    if balance is not None:
        return _balanced(balance)
    newest = next(point.outcome for point in reversed(points) if point.comparable)
    if newest is not Outcome.MEASURED:
        return State.FAILED if newest is Outcome.FAILED else State.SKIPPED
    return State.NO_CHANGE if is_enough(points) else State.NOT_ENOUGH_DATA


def _balanced(balance: Balance) -> State:
    if not balance.is_directed:
        return State.CHANGED
    if balance.regressions:
        return State.REGRESSION
    if balance.is_recovery:
        return State.RECOVERED
    return State.ACKNOWLEDGED if balance.standing in balance.accepted else State.IMPROVEMENT


def is_enough(points: Sequence[Point]) -> bool:
    """True where a change could have been confirmed, or all values are equal."""
    value = levels(points)
    measured = np.flatnonzero(np.isfinite(value)).tolist()
    if len(measured) >= ENOUGH_RUNS:
        return True
    with_sessions = sum(len(points[index].sessions) >= ENOUGH_SESSIONS for index in measured)
    is_constant = len(measured) >= 3 and len({float(value[index]) for index in measured}) == 1
    return with_sessions >= ENOUGH_RUNS_WITH_SESSIONS or is_constant
