"""The newest values of a series, seen from the change that it is listed for: it may have been left, or taken back.

Takes a history and one of its changes, gives numbers and words; verdicts stay those of ``tbp.history``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC
from itertools import groupby

import numpy as np
from msgspec import Struct

from tbp.history.events import SeriesChange
from tbp.model.balance import same_level
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.points import levels
from tbp.model.series import Commit
from tbp.statistics.robust import median
from tbp.wording import verdicts, words

A_LEVEL = 2
"""Runs in a row beyond the noise from which on a level is left: one run may be a spike."""

_WITH_NET = (State.REGRESSION, State.IMPROVEMENT, State.RECOVERED)


class Now(Struct, frozen=True):
    """The newest value of a series beside the level after one of its changes."""

    value: float
    commit: Commit  # the newest with a value
    is_newest_run: bool  # False: runs after it brought none
    runs: int  # with a value since the newest confirmed level began
    gone: int  # newest runs in a row beyond the noise, on one side of that level
    is_left: bool  # whether those are enough to say that the level is left
    after: float  # that level
    later: tuple[Change, ...]  # confirmed since the change, and no part of what it is told for
    level: float  # where the series is: the median of those runs where it is left, else ``after``
    first: float  # the first level that counts; NaN where that is the one before the change


def now(history: History, evidence: ChangeEvidence) -> Now | None:
    """The series as it is since this change; None where nothing was measured since."""
    value = levels(history.points)
    known = np.flatnonzero(np.isfinite(value)).tolist()
    later = _later(history, evidence)
    index, after = (later[-1].index, later[-1].after) if later else (evidence.change.index, evidence.change.after)
    if not known or not 0 <= index <= known[-1]:
        return None
    sides = [_side(level, after, history.noise_between) for level in value[index:] if math.isfinite(level)]
    *earlier, (side, in_a_row) = [(side, len(list(group))) for side, group in groupby(sides)]
    gone = in_a_row if side else 0
    # A series that visits two levels by turns has not left one of them.
    is_left = gone >= max(A_LEVEL, 1 + max((number for visited, number in earlier if visited == side), default=0))
    last = known[-1]
    return Now(
        value=float(value[last]),
        commit=history.points[last].commit,
        is_newest_run=last == len(history.points) - 1,
        runs=len(sides),
        gone=gone,
        is_left=is_left,
        after=after,
        later=() if _is_of_several(history, evidence) else later,
        level=median(value[known[-gone:]]) if is_left else after,
        first=_first(history, evidence),
    )


def is_net_worse(history: History, now: Now) -> bool:
    """True for a series that is worse than at first although its change was for the better."""
    if history.state not in (State.IMPROVEMENT, State.RECOVERED) or not math.isfinite(now.first):
        return False
    side = _side(now.level, now.first, history.noise_between)
    return side != 0 and _step(now.first, now.level).is_worse(history.better)


def is_as_told(now: Now) -> bool:
    """True where the only change of a series brought it: nothing is to be said beside its newest value."""
    return now.is_newest_run and not (now.gone or now.later) and not math.isfinite(now.first)


def leaving(history: History, now: Now) -> str:
    """The words for what became of a level: ``the newest 9 runs have left this level: ▲ +53 % slower``.

    A later change that is not part of it comes first: ``since then ▼ −50 % with EPYC 1 → EPYC 2; still at this level``.
    """
    if now.later:
        change = now.later[-1]
        accepted = ", acknowledged" if change.acknowledged else ""
        moved_on = f"since then {verdicts.effect(change, history.unit, history.better)}{accepted}"
        return f"{moved_on}; {_leaving(history, now)}"
    return _leaving(history, now)


def _leaving(history: History, now: Now) -> str:
    step = _step(now.after, now.level if now.is_left else now.value)
    moved = verdicts.effect(step, history.unit, history.better)
    if now.is_left:
        return f"the newest {now.gone:,} runs are at another level: {moved}"
    if now.gone:
        return f"the newest run is away from this level: {moved}"
    return "still at this level" if now.runs > 1 else "only one run since"


def still_so(changes: Iterable[SeriesChange]) -> str:
    """The words for an event that stands, or not: ``still so on 2026-11-29``, ``2 of 6 series have moved on since``."""
    views = [view for change in changes if (view := now(change.history, change.evidence)) is not None]
    moved_on = sum(view.is_left or bool(view.later) for view in views)
    if not views:
        return ""
    if moved_on and len(views) == 1:
        return "it has moved on since"
    if moved_on:
        have = "has" if moved_on == 1 else "have"
        return f"{moved_on:,} of {words.count(len(views), 'series', 'series')} {have} moved on since"
    return f"still so on {max(view.commit.date for view in views).astimezone(UTC).date()}"


def net(history: History, now: Now) -> str:
    """``overall ▲ +79 % slower than at first, 99.2 ms``; empty where the change is all that ever happened."""
    if not math.isfinite(now.first):
        return ""
    return _net(history, now.first, now.value)


def sentence(history: History, now: Now) -> str:
    """All of it: ``Now 177 ms at 4d7b91c0: the newest 9 runs have left this level: …; overall …``."""
    at = f"Now {words.quantity(now.value, history.unit)} at {now.commit.short} ({words.moment(now.commit.date)})"
    since = "" if now.is_newest_run else ", newer runs have no value"
    return f"{at}{since}; {'; '.join(filter(None, [leaving(history, now), net(history, now)]))}."


def finding(history: History) -> str:
    """The sentence on the series, and how far its level is from the first one where more than its balance made that."""
    sentence, standing, balance = verdicts.finding(history), history.standing, history.balance
    first = _first(history, standing) if standing is not None and history.state in _WITH_NET else math.nan
    if balance is None or math.isnan(first):
        return sentence
    total = _net(history, first, balance.level)
    return f"{sentence} {total[:1].upper()}{total[1:]}."


def runs_around(history: History, evidence: ChangeEvidence) -> tuple[int, int]:
    """Runs with a value of the level before and of the one after: up to the neighbouring confirmed changes."""
    cuts = sorted(other.change.index for other in history.changes if other.change.confirmed or other is evidence)
    at = cuts.index(evidence.change.index)
    start = cuts[at - 1] if at else 0
    end = cuts[at + 1] if at + 1 < len(cuts) else len(history.points)
    known = np.isfinite(levels(history.points))
    return int(known[start : evidence.change.index].sum()), int(known[evidence.change.index : end].sum())


def _net(history: History, first: float, level: float) -> str:
    at_first = f"at {'the base' if history.since else 'first'}, {words.quantity(first, history.unit)}"
    if first == level:
        return f"overall as {at_first}"
    return f"overall {verdicts.effect(_step(first, level), history.unit, history.better)} than {at_first}"


def _later(history: History, evidence: ChangeEvidence) -> tuple[Change, ...]:
    """The changes that are confirmed since this change."""
    changes = (evidence.change for evidence in history.changes)
    return tuple(change for change in changes if change.confirmed and change.index > evidence.change.index)


def _is_of_several(history: History, evidence: ChangeEvidence) -> bool:
    """True where the change stands for all changes of a balance."""
    balance = history.balance
    return balance is not None and balance.is_of_several and history.changes[balance.standing] is evidence


def _first(history: History, evidence: ChangeEvidence) -> float:
    """The level before the first change that counts, carried along by what is not the code's doing."""
    balance = history.balance
    if balance is not None and history.changes[balance.standing] is evidence:
        is_all = not balance.is_recovery and math.isclose(balance.first, balance.reference)
        return math.nan if is_all else balance.first
    counted = [
        evidence for evidence in history.changes if evidence.change.confirmed and evidence.change.index >= history.since
    ]
    return counted[0].change.before if counted and counted[0].change.index < evidence.change.index else math.nan


def _side(value: float, level: float, noise: float) -> int:
    """1 above what noise makes of ``level``, −1 below, 0 within."""
    return 0 if abs(value - level) <= same_level(level, noise) else 1 if value > level else -1


def _step(before: float, after: float) -> Change:
    return Change(0, before, after, math.nan, confirmed=True)
