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
from tbp.statistics.robust import median, relative
from tbp.system.arrays import Floats

LEAST_SERIES = 5  # whose common movement is the machine's; below it, it may be that of what they share
LEAST_RUNS = 20  # a month of nights: a slope over fewer is noise's
MOST_RUNS = 200  # the newest: older ones tell nothing of the machine of today. All pairs of them are 20,000.
LEAST_SHARE = 0.5  # of these runs, that a series has to have: else others come and go, and with them the median
LEAST_DRIFT = 0.02  # over all of them; less is found by nobody who looks for a cause
# Kendall's tau in its standard deviations: one in 30,000 quiet machines by chance, if runs are independent. They are
# not quite, hence the next rule.
LEAST_Z = 4.2
BEYOND = 3.0  # what the drift is, in spreads of the speed around it
_TO_SIGMA = 1.4826


class Drift(Struct, frozen=True):
    """The change of speed of a setup between two commits."""

    effect: float  # 0.05: its series take 5 % longer
    first: Commit
    last: Commit
    runs: int
    series: int


def machine_drift(histories: Sequence[History]) -> Drift | None:
    """The drift of a setup with these series; None where its speed stays, or moves in steps."""
    order, logs = _logs([history for history in histories if history.unit == "seconds"])
    if len(logs) < LEAST_SERIES or logs.shape[1] < LEAST_RUNS:
        return None
    speed = np.nanmedian(logs - np.nanmedian(logs, axis=1)[:, None], axis=0)
    slope = _slope(speed)
    total = slope * (len(speed) - 1)
    around = speed - slope * np.arange(len(speed))
    spread = _TO_SIGMA * median(np.abs(around - median(around)))
    is_drift = abs(total) >= max(math.log1p(LEAST_DRIFT), BEYOND * spread) and abs(_tau_z(speed)) >= LEAST_Z
    if not is_drift or _squares(around) >= _of_two_levels(speed):
        return None
    return Drift(relative(total), order[0], order[-1], len(speed), len(logs))


def _logs(histories: Sequence[History]) -> tuple[list[Commit], Floats]:
    """The newest commits and log values, series × commits; NaN where a series has none. Only series with most."""
    number: dict[Commit, int] = {}
    for history in sorted(histories, key=lambda each: -len(each.points)):
        for commit in commits(history.points):
            number.setdefault(commit, len(number))
    order = sorted(number, key=lambda commit: (commit.date, number[commit]))[-MOST_RUNS:]
    column = {commit: at for at, commit in enumerate(order)}
    logs = np.full((len(histories), len(order)), math.nan)
    for row, history in enumerate(histories):
        for commit, value in zip(commits(history.points), levels(history.points).tolist(), strict=True):
            if value > 0 and commit in column:
                logs[row, column[commit]] = math.log(value)
    known = np.isfinite(logs)
    measured = known.sum(axis=0) > 0
    is_regular = known.sum(axis=1) >= LEAST_SHARE * max(int(measured.sum()), 1)
    chosen = logs[is_regular]
    enough = np.isfinite(chosen).sum(axis=0) >= max(LEAST_SERIES, LEAST_SHARE * len(chosen))
    return [commit for commit, is_enough in zip(order, enough.tolist(), strict=True) if is_enough], chosen[:, enough]


def _slope(speed: Floats) -> float:
    """Theil and Sen's slope per run: the median over all pairs of runs."""
    later, earlier = np.tril_indices(len(speed), -1)
    return float(np.median((speed[later] - speed[earlier]) / (later - earlier)))


def _tau_z(speed: Floats) -> float:
    """Mann and Kendall's test of a trend, as a normal deviate."""
    later, earlier = np.tril_indices(len(speed), -1)
    count = len(speed)
    return float(np.sign(speed[later] - speed[earlier]).sum()) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18)


def _squares(values: Floats) -> float:
    """The sum of squares around the mean."""
    return float(((values - values.mean()) ** 2).sum())


def _of_two_levels(speed: Floats) -> float:
    """The least sum of squares around two levels: a machine that moved at once has less than around a line."""
    return min(_squares(speed[:cut]) + _squares(speed[cut:]) for cut in range(1, len(speed)))
