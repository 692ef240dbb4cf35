"""Agreement of a change with its witnesses: where few runs confirm one, no witness may contradict it.

Takes a confirmed change of a time and its witnesses (traces of both sides, the machine's yardstick, the A/A twin);
gives the doubt in words, or nothing.

A machine that was busy for one night gave a commit that touched other code a step of +149 % at p = 0.017. Its
operators, calls and shapes were what they had been, its twin was quiet, and its yardstick took 1.46 × its time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from tbp.asv.sessions import Sessions
from tbp.history.two_sides import RUNS_PER_SIDE
from tbp.model import relevance
from tbp.model.changes import Change
from tbp.model.points import Points, commits, levels
from tbp.model.series import SeriesKey
from tbp.model.twins import twins
from tbp.statistics.robust import median
from tbp.traces.differences.difference import TraceDifference
from tbp.wording.words import signed_percent

# From this p-value on a change rests on few runs, which one bad night can make: that of the newest of 8 runs has 0.007
# at best. In a long series, and in a short one with several runs on either side, changes are far below.
WEAK_P = 0.001
# Part of the change, in logarithms, that a witness has to show in order to agree. The profiler makes a step 1.1 to 1.6
# times as long, so the traces of a true change show more than half of it; see also ``relevance.WITNESSED``.
LEAST_PART = 0.25
# Part of the change that the yardstick has to have moved by to be as good an explanation as the commit.
AS_MUCH = 0.75


class Witnesses(Struct, frozen=True):
    """Facts about the two sides of a change from elsewhere than its timings; NaN and None where nothing is known."""

    difference: TraceDifference | None = None  # of the traces
    yardstick: float = math.nan  # time of the machine's yardstick after ÷ before
    twin: float = math.nan  # level of the A/A twin after ÷ before


def gathered(
    key: SeriesKey, points: Points, edges: tuple[int, int, int], sessions: Sessions, known: Mapping[SeriesKey, Points]
) -> Witnesses:
    """The witnesses of a change. ``edges`` are where its two sides begin, and where the second ends."""
    start, index, end = edges
    before, after = _measured(points, start, index)[-RUNS_PER_SIDE:], _measured(points, index, end)[:RUNS_PER_SIDE]
    twin = next((known[name] for name in twins(key) if name in known), None)
    return Witnesses(
        yardstick=_ratio(*([sessions.yardstick_s(key, commit) for commit in side] for side in (before, after))),
        twin=_ratio(*(_of(twin, side) for side in (before, after))) if twin is not None else math.nan,
    )


def _measured(points: Points, start: int, end: int) -> list[str]:
    """The hashes of the commits from ``start`` to ``end`` at which the series has a level."""
    in_order = commits(points)
    return [in_order[start + offset].hash for offset in np.flatnonzero(np.isfinite(levels(points)[start:end])).tolist()]


def _of(points: Points, hashes: Sequence[str]) -> list[float]:
    """The values of another series at the same commits, NaN where it has none."""
    level = dict(zip((commit.hash for commit in commits(points)), levels(points).tolist(), strict=True))
    return [level.get(name, math.nan) for name in hashes]


def _ratio(before: Sequence[float], after: Sequence[float]) -> float:
    """Median after ÷ median before of what is known; NaN where a side has nothing."""
    old, new = (np.array([value for value in side if value > 0]) for side in (before, after))
    return median(new) / median(old) if len(old) and len(new) else math.nan


def is_weak(change: Change) -> bool:
    """True where witnesses are needed: ``change`` is a verdict on few runs, and large enough for them to show it."""
    is_large = min(change.before, change.after) > 0 and abs(_shift(change)) >= math.log1p(relevance.WITNESSED)
    return change.is_verdict and change.p_value >= WEAK_P and is_large


def doubt(change: Change, witnesses: Witnesses) -> str:
    """Why the change is only suspect; empty where the witnesses agree with it, or know nothing of it.

    Operators that certainly changed in its direction and make up a part of it are a witness that outweighs all others.
    """
    if not is_weak(change) or _is_explained(change, witnesses.difference):
        return ""
    shift = _shift(change)
    machine = _part(witnesses.yardstick, shift)
    against = [_of_traces(witnesses.difference, shift, machine), _of_twin(witnesses.twin, shift)]
    if machine >= AS_MUCH or (machine >= LEAST_PART and any(against)):
        against.append(
            f"the machine's yardstick, a fixed piece of work, took {witnesses.yardstick:.2f} × as long after the change"
        )
    return "; ".join(filter(None, against))


def _is_explained(change: Change, difference: TraceDifference | None) -> bool:
    """True where operators that certainly changed make up at least a part of the change."""
    if difference is None or not difference.step_before_us > 0:
        return False
    certain = difference.rows.loc[difference.rows["certain"], "delta_us"]
    toward = certain[certain > 0] if change.after > change.before else certain[certain < 0]
    return abs(float(toward.sum())) / difference.step_before_us >= LEAST_PART * abs(change.effect)


def _of_traces(difference: TraceDifference | None, shift: float, machine: float) -> str:
    """The doubt that the traces would have shown the change; ``machine`` is the part that the yardstick moved by."""
    if difference is None or not _is_comparable(difference):
        return ""
    traced = math.log(difference.step_after_us / difference.step_before_us)
    freed = traced - math.log(difference.machine_factor)
    # All operators slower alike is a slow machine, or code that slows all of them, unless the yardstick knows better.
    is_shown = freed / shift >= LEAST_PART or (traced / shift >= LEAST_PART and not machine >= LEAST_PART)
    if is_shown:
        return ""
    step = f"a step that changed by {signed_percent(math.expm1(freed))}"
    speed = " at the machine's usual speed" if difference.machine_factor != 1 else ""
    return f"its traces show the same operators and calls before and after, and {step}{speed}"


def _is_comparable(difference: TraceDifference) -> bool:
    """True where both sides did the same, as far as is recorded, and have enough traced steps to compare times."""
    rows, exact = difference.rows, difference.exact
    has_same_work = bool((rows["calls_before"] == rows["calls_after"]).all()) and (exact is None or exact.empty)
    has_times = min(difference.step_before_us, difference.step_after_us, difference.machine_factor) > 0
    return has_same_work and has_times and difference.enough_sessions and not difference.losses


def _of_twin(twin: float, shift: float) -> str:
    if not _part(twin, shift) < LEAST_PART:
        return ""
    return f"its A/A twin, the same work under another name, changed by {signed_percent(twin - 1)}"


def _shift(change: Change) -> float:
    return math.log(change.after) - math.log(change.before)  # the ratio may be more than a number holds


def _part(ratio: float, shift: float) -> float:
    """How much of ``shift`` the ratio is, in logarithms: below 0 in the other direction; NaN where it is not known."""
    return math.log(ratio) / shift if ratio > 0 else math.nan
