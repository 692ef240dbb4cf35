"""Verdicts on series in words: effects with their direction, findings, and the sentence on a whole report.

Takes changes and histories, gives plain text; escaping belongs to the template. Numbers are put in words by ``words``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.points import MEASURED, columns, levels
from tbp.model.series import Better, short_hash
from tbp.wording.words import (
    UNKNOWN,
    count,
    first_line,
    interval_of,
    moment,
    named,
    percent,
    probability,
    quantity,
    signed_size,
)

PLURALS = {state: (state.value, state.value) for state in State} | {
    State.REGRESSION: ("regression", "regressions"),
    State.IMPROVEMENT: ("improvement", "improvements"),
}
"""The words for one series in a state, and for several."""


NO_REASON = "asv stores no reason"


MOST_STEPS = 4
"""Changes named of one balance."""


STATES_OF_CHANGE = (State.REGRESSION, State.CHANGED, State.IMPROVEMENT, State.RECOVERED, State.ACKNOWLEDGED)
"""States that a confirmed change of the code makes."""


SETTLED = (*STATES_OF_CHANGE, State.NO_CHANGE, State.SUSPECT)
"""States of series that were measured often enough to say something of them."""


# A shape beside every colour, so that no state is told by colour alone.
GLYPHS = {
    State.REGRESSION: "✖",
    State.CHANGED: "≠",
    State.IMPROVEMENT: "✔",
    State.RECOVERED: "↺",
    State.SUSPECT: "◇",
    State.ACKNOWLEDGED: "☑",
    State.UNDECIDED: "~",
    State.NO_CHANGE: "=",
    State.NOT_ENOUGH_DATA: "?",
    State.FAILED: "!",
    State.SKIPPED: "∅",
    State.STALE: "…",
    State.VANISHED: "†",
}


def direction(is_up: bool, unit: str, better: Better) -> str:
    """``slower``, ``smaller``, ``lower (worse)``: what a value that went up (or down) did, in its unit.

    Where nothing says which direction is better, it is ``lower`` and no more.
    """
    if better is Better.LOWER and unit == "seconds":
        return "slower" if is_up else "faster"
    word = ("larger" if is_up else "smaller") if unit == "bytes" else ("higher" if is_up else "lower")
    if better is Better.UNKNOWN or (better is Better.LOWER and unit == "bytes"):
        return word
    return f"{word} ({'worse' if is_up is (better is Better.LOWER) else 'better'})"


def better(history: History) -> str:
    """``lower is better: time``, ``higher is better: unit it/s``; empty where nothing says it."""
    if history.better is Better.UNKNOWN:
        return ""
    return ": ".join(filter(None, [f"{history.better.value} is better", history.better_by]))


def move(change: Change, unit: str) -> str:
    """The move of the level: ``▲ +12 %``. The arrow is the value's direction, not its merit."""
    return f"{'▲' if change.after > change.before else '▼'} {signed_size(change.before, change.after, unit)}"


def effect(change: Change, unit: str, better: Better) -> str:
    """The effect size in words: ``▲ +12 % slower``, ``▼ −6.1 % lower (worse)``, ``▼ −20 % recovered``.

    A change that is not put down to the code has no merit: ``▲ +12 % with torch 2.12 → 2.13``.
    """
    if change.kind is not ChangeKind.CODE:
        return f"{move(change, unit)} with {change.explanation or change.kind.value}"
    if change.is_recovery:
        return f"{move(change, unit)} recovered"
    return f"{move(change, unit)} {direction(change.after > change.before, unit, better)}"


def interval_of_change(change: Change, unit: str, sign: str = "-") -> str:
    """``interval_of`` a change."""
    return interval_of(change.low, change.high, change.before, unit, sign)


def before_after(change: Change, unit: str) -> str:
    """``169 µs → 236 µs``."""
    return f"{quantity(change.before, unit)} → {quantity(change.after, unit)}"


def since(history: History, change: Change, word: str = "since") -> str:
    """``since 04342f08``; empty where the change names no point of the series."""
    commit = history.commit_at(change.index)
    return f"{word} {commit.short}" if commit is not None else ""


def newest_value(history: History | None) -> float:
    """The newest measured value of the present benchmark version; NaN when nothing was measured, or is recorded."""
    if history is None:
        return math.nan
    measured = levels(history.points)
    measured = measured[np.isfinite(measured)]
    return float(measured[-1]) if len(measured) else math.nan


def newest_reason(history: History) -> str:
    """Why the newest run that failed or was skipped has no value, where that is known."""
    table = columns(history.points)
    without = [index for index, reason in table.reasons.items() if reason and table.outcome[index] != MEASURED]
    return table.reasons[max(without)] if without else ""


def measured_runs(history: History) -> int:
    """The number of runs in which the series has a value of the present benchmark version."""
    return int(np.isfinite(levels(history.points)).sum())


def with_value(history: History) -> str:
    """``3 runs with a value``; runs of earlier benchmark versions are told apart."""
    table = columns(history.points)
    earlier = int((~table.comparable & np.isfinite(table.value)).sum())
    text = f"{count(measured_runs(history), 'run')} with a value"
    return f"{text}, {earlier:,} of earlier benchmark versions" if earlier else text


def explained(history: History) -> str:
    """A sentence on the newest shift of level that is put down to something else than the code; empty without one."""
    shift = history.explained
    if shift is None:
        return ""
    change = shift.change
    words = [effect(change, history.unit, history.better), since(history, change)]
    return f"{change.kind.value.capitalize()}: {' '.join(filter(None, words))}."


def last_run(history: History) -> str:
    """``last measured at 0c0ffee0 (2026-05-01 13:37 UTC)``; empty without a run."""
    if not history.points:
        return ""
    commit = history.points[-1].commit
    return f"last measured at {commit.short} ({moment(commit.date)})"


def finding(history: History) -> str:
    """One sentence on one series: its change, since when, between which levels, how sure; or the lack of a verdict."""
    change = history.standing_change
    if history.state in STATES_OF_CHANGE and change is not None:
        words = [effect(change, history.unit, history.better), since(history, change)]
        sure = [
            before_after(change, history.unit),
            interval_of_change(change, history.unit),
            probability(change.p_value),
            f"measured in turns against {short_hash(change.in_turns)}" if change.in_turns else "",
        ]
        text = f"{' '.join(filter(None, words))}: {', '.join(filter(None, [*sure, made_of(history)]))}."
        return f"{text} Acknowledged: {change.acknowledged}" if history.state is State.ACKNOWLEDGED else text
    value = quantity(newest_value(history), history.unit)
    runs = count(measured_runs(history), "run")
    match history.state:
        case State.SUSPECT:
            return f"Suspect, not confirmed: {suspicion(history)}."
        case State.NO_CHANGE:
            noise = percent(history.noise_between)
            text = f"No confirmed change over {runs}; now {value}, noise between runs {noise}."
            return " ".join(filter(None, [text, explained(history)]))
        case State.NOT_ENOUGH_DATA:
            return f"Too few runs to tell: {with_value(history)}{'' if value == UNKNOWN else ', the newest ' + value}."
        case State.STALE:
            return f"Out of date, since its machine and environment stopped reporting: {last_run(history)}, {value}."
        case State.VANISHED:
            return f"No longer measured: {last_run(history)}, {value}."
        case State.FAILED:
            return f"Failed in the newest run: {first_line(newest_reason(history)) or NO_REASON}"
        case State.SKIPPED:
            return f"Skipped in the newest run: {first_line(newest_reason(history)) or NO_REASON}"
    return f"{history.state.value.capitalize()}; now {value}."


def made_of(history: History) -> str:
    """Which changes the balance is made of, where not of one, and the improvement from before that it took from.

    ``of which ▲ +42 % at 04342f08, ▼ −2.1 % at 4d7b91c0``; of a recovery ``which undoes ▲ +42 % at 04342f08``.
    """
    balance = history.balance
    if balance is None:
        return ""
    parts = ""
    if balance.is_recovery:
        parts = f"which undoes {_listed(history, [part for part in balance.parts if part != balance.standing])}"
    elif balance.is_of_several:
        parts = f"of which {_listed(history, balance.parts)}"
    is_worse = bool(balance.regressions)
    accepted = f"without the acknowledged {_listed(history, balance.accepted)}" if balance.accepted and is_worse else ""
    before = f"after {_listed(history, balance.gains[-1:])}" if balance.gains and is_worse else ""
    return ", ".join(filter(None, [parts, _crossed(history) if balance.is_of_several else "", accepted, before]))


def _crossed(history: History) -> str:
    """``across the hardware change at 04342f08``: the shifts that carried the level before a balance along."""
    balance = history.balance
    changes = [evidence.change for evidence in history.changes[balance.since :]] if balance is not None else []
    other = [change for change in changes if change.confirmed and change.kind is not ChangeKind.CODE]
    names = [f"{change.kind.value} {since(history, change, 'at')}" for change in other]
    return f"across the {named(names, 2)}" if names else ""


def undone(history: History, evidence: ChangeEvidence) -> str:
    """``recovered at 4d7b91c0`` of a regression whose level before is back; empty of any other change."""
    balance = history.balance
    index = next((at for at, change in enumerate(history.changes) if change is evidence), -1)
    by = dict(balance.undone).get(index) if balance is not None else None
    return f"recovered {since(history, history.changes[by].change, 'at')}" if by is not None else ""


def steps(history: History) -> tuple[str, ...]:
    """``▲ +42 % at 04342f08`` of the changes that the balance is made of, where they are several; the largest first."""
    balance = history.balance
    return _steps(history, balance.parts) if balance is not None and balance.is_of_several else ()


def _listed(history: History, indexes: Sequence[int]) -> str:
    return ", ".join(_steps(history, indexes))


def _steps(history: History, indexes: Sequence[int]) -> tuple[str, ...]:
    """The largest first; of many the small ones are counted."""
    changes = sorted((history.changes[index].change for index in indexes), key=_size, reverse=True)
    several = [f"{move(change, history.unit)} {since(history, change, 'at')}".rstrip() for change in changes]
    left_out = len(several) - MOST_STEPS
    return (*several[:MOST_STEPS], f"{left_out:,} more") if left_out > 1 else tuple(several)


def _size(change: Change) -> float:
    """How far apart two levels are: +100 % as far as −50 %."""
    before, after = change.before, change.after
    return abs(math.log(abs(after)) - math.log(abs(before))) if before * after > 0 else math.inf


def suspicion(history: History) -> str:
    """The suspicion on a series, and its doubt: ``▲ +4.1 % slower since 04342f08: 1.00 s → 1.04 s, …``."""
    suspect = history.suspect
    if suspect is None:
        return ""
    change = suspect.change
    words = " ".join(filter(None, [effect(change, history.unit, history.better), since(history, change)]))
    sure = [before_after(change, history.unit), interval_of_change(change, history.unit), change.doubt]
    return f"{words}: {', '.join(filter(None, sure))}"


def tally(histories: Sequence[History]) -> dict[State, int]:
    """The number of series in each state, every state named, worst first."""
    counts = Counter(history.state for history in histories)
    return {state: counts[state] for state in State}


def verdict(ranked: Sequence[History], name: str = "") -> str:
    """The one sentence on everything; ``ranked`` has the worst first, which is called ``name`` if that is given."""
    if not ranked:
        return "Nothing has been measured yet."
    counts = tally(ranked)
    series = count(len(ranked), "series", "series")
    if worst := counts[State.REGRESSION]:
        first = ranked[0]
        sentence = f"{count(worst, 'regression')} in {series}"
        step = first.standing_change
        if step is None:
            return sentence + "."
        size = effect(step, first.unit, first.better)
        lead = "the largest" if worst > 1 else "it"
        return f"{sentence}; {lead} is {name or first.key.name}: {size} {since(first, step)}".rstrip() + "."
    if not any(counts[state] for state in SETTLED):
        why = [f"{number:,} {PLURALS[state][number != 1]}" for state, number in counts.items() if number]
        return f"No verdict yet on any of {series} ({', '.join(why)})."
    rest = [
        count(counts[state], word, word)
        for state, word in (
            (State.CHANGED, "changed, for better or worse"),
            (State.IMPROVEMENT, "improved"),
            (State.RECOVERED, "recovered"),
            (State.SUSPECT, "suspect"),
            (State.ACKNOWLEDGED, "acknowledged"),
            (State.FAILED, "failed"),
            (State.STALE, "stale"),
            (State.VANISHED, "vanished"),
            (State.NOT_ENOUGH_DATA, "with too few runs to tell"),
        )
        if counts[state]
    ]
    explained = sum(history.explained is not None and history.state is State.NO_CHANGE for history in ranked)
    elsewhere = [f"{explained:,} moved for another reason than the code"] if explained else []
    return "; ".join([f"No confirmed regression in {series}", *elsewhere, *rest]) + "."
