"""A machine that becomes slower or faster bit by bit: all its series move together, and at no commit.

Takes the histories of one setup, gives its drift or nothing. The speed of a machine at a commit is the median over its
timed series of value ÷ usual value, so that commits which change a few series are not seen. No verdict is changed by
it: the detector takes a straight trend out of a series before it looks for steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from tbp.model.changes import History
from tbp.model.points import commits, levels
from tbp.model.series import Commit
from tbp.statistics.robust import relative
from tbp.system.arrays import Floats

LEAST_SERIES = 5  # whose common movement is the machine's; below it, it may be that of what they share
MOST_SERIES = 500  # those with the most runs: a median over more moves by less than anybody sees
LEAST_RUNS = 20  # a month of nights: a slope over fewer is noise's
MOST_RUNS = 200  # the newest: older ones tell nothing of the machine of today. All pairs of them are 20,000.
LEAST_SHARE = 0.5  # of these runs, that a series has to have: else others come and go, and with them the median
LEAST_DRIFT = 0.02  # over all of them; less is found by nobody who looks for a cause
# Kendall's tau in its standard deviations: one in 30,000 quiet machines by chance. Of 300 machines whose speed wanders
# by 2 % (lag-1 correlation 0.7) none drifts over 30 runs, and 2 over 100. Of 300 that drift by 5 % in 100 runs with a
# noise of 2 %, 268 are found.
LEAST_Z = 4.2
TINY = 1e-18  # of a sum of squared logarithms: runs that repeat exactly have none
MOST_LEVELS = 3  # that a machine may have moved between at once: a line must be the better account


class Drift(Struct, frozen=True):
    """The change of speed of a setup between two commits."""

    effect: float  # 0.05: its series take 5 % longer
    first: Commit
    last: Commit
    runs: int
    series: int


def machine_drift(histories: Sequence[History]) -> Drift | None:
    """The drift of a setup with these series; None where its speed stays, or moves in steps."""
    timed = [history for history in histories if history.unit == "seconds"]
    order, logs = _logs(sorted(timed, key=lambda history: -len(history.points))[:MOST_SERIES])
    if len(logs) < LEAST_SERIES or logs.shape[1] < LEAST_RUNS:
        return None
    speed = np.nanmedian(logs - np.nanmedian(logs, axis=1)[:, None], axis=0)
    slope = _slope(speed)
    total = slope * (len(speed) - 1)
    if abs(total) < math.log1p(LEAST_DRIFT) or abs(_tau_z(speed)) < LEAST_Z or not _is_line(speed, slope):
        return None
    return Drift(relative(total), order[0], order[-1], len(speed), len(logs))


def _logs(histories: Sequence[History]) -> tuple[list[Commit], Floats]:
    """The newest commits and log values, series × commits; NaN where a series has none. Only series with most."""
    seen = {commit.hash: commit for history in histories for commit in commits(history.points)}
    order = sorted(seen.values(), key=lambda commit: (commit.date, commit.hash))[-MOST_RUNS:]
    column = {commit.hash: at for at, commit in enumerate(order)}
    logs = np.full((len(histories), len(order)), math.nan)
    for row, history in enumerate(histories):
        for commit, value in zip(commits(history.points), levels(history.points).tolist(), strict=True):
            if 0 < value < math.inf and commit.hash in column:
                logs[row, column[commit.hash]] = math.log(value)
    known = np.isfinite(logs)
    measured = known.sum(axis=0) > 0
    is_regular = known.sum(axis=1) >= LEAST_SHARE * max(int(measured.sum()), 1)
    chosen = logs[is_regular]
    enough = np.isfinite(chosen).sum(axis=0) >= max(LEAST_SERIES, LEAST_SHARE * len(chosen))
    logs = chosen[:, enough]
    logs = logs[np.isfinite(logs).sum(axis=1) > 0]
    return [commit for commit, is_enough in zip(order, enough.tolist(), strict=True) if is_enough], logs


def _slope(speed: Floats) -> float:
    """Theil and Sen's slope per run: the median over all pairs of runs."""
    later, earlier = np.tril_indices(len(speed), -1)
    return float(np.median((speed[later] - speed[earlier]) / (later - earlier)))


def _tau_z(speed: Floats) -> float:
    """Mann and Kendall's test of a trend, as a normal deviate."""
    later, earlier = np.tril_indices(len(speed), -1)
    count = len(speed)
    return float(np.sign(speed[later] - speed[earlier]).sum()) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18)


def _is_line(speed: Floats, slope: float) -> bool:
    """True where a line is a better account of the runs than levels, by Schwarz's criterion.

    Each level but the first has its value and its beginning for parameters.
    """
    count = len(speed)
    around = speed - slope * np.arange(count)
    sums, squares = (np.concatenate([[0.0], np.cumsum(values)]) for values in (speed, speed * speed))
    start, end = np.meshgrid(np.arange(count), np.arange(1, count + 1))
    length = np.maximum(end - start, 1)
    within = squares[end] - squares[start] - (sums[end] - sums[start]) ** 2 / length  # of one level from start to end
    within = np.where(end > start, np.maximum(within, 0.0), math.inf)
    least, log_count = within[:, 0], math.log(count)  # up to each end, of one level
    line = count * math.log(float(((around - around.mean()) ** 2).sum()) + TINY) + 2 * log_count
    for levels_there in range(2, MOST_LEVELS + 1):
        before = np.concatenate([[math.inf], least])[:count]  # the levels before end where the last one starts
        least = np.min(before[None, :] + within, axis=1)
        if count * math.log(float(least[-1]) + TINY) + (2 * levels_there - 1) * log_count <= line:
            return False
    return True
