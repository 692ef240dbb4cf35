"""A judgement in words (effect, levels, evidence), and the sum of a comparison: one sentence and one exit code.

Takes judgements, gives plain text on one line; escaping belongs to the form that prints it. Numbers are put in words
by ``tbp.wording.words``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import groupby

from tbp.errors import ExitCode
from tbp.model.changes import State, is_measured
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.series import short_hash
from tbp.wording import verdicts, words
from tbp.wording.words import one_line

MEASURED_IN_TURNS = "measured in turns"
FROM_STORED_RESULTS = "from stored results"

# States whose effect is said with its direction: of the others "slower" would claim too much.
CHANGED = (State.REGRESSION, State.CHANGED, State.IMPROVEMENT)
# The order in which the forms show the states.
ORDER = (*CHANGED, State.UNDECIDED, State.FAILED, State.NO_CHANGE, State.SKIPPED)
_NAMED = (State.CHANGED, State.IMPROVEMENT, State.UNDECIDED, State.FAILED)


def effect(judgement: Judgement) -> str:
    """``+6.1 % slower (99 % CI 5.2–7.0)``; without the direction unless it changed, empty where nothing is known."""
    moved = judgement.after - judgement.before
    if judgement.unit in words.PERCENTAGES and math.isfinite(moved):
        parts = [words.signed_points(moved)]
    elif math.isfinite(judgement.effect):
        parts = [words.signed_percent(judgement.effect)]
    else:
        return f"from 0 {_direction(judgement)}" if judgement.state in CHANGED and judgement.before == 0 else ""
    if judgement.state in CHANGED:
        parts.append(_direction(judgement))
    return " ".join(filter(None, [*parts, interval(judgement)]))


def interval(judgement: Judgement) -> str:
    """``(99 % CI 5.2–7.0)``, ``(99 % CI −0.8 to 1.2)``; empty where there is none, as of an exact count."""
    text = words.interval_of(judgement.low, judgement.high, judgement.before, judgement.unit)
    return f"({text.removesuffix(' %')})" if text else ""


def before_after(judgement: Judgement) -> str:
    """``169 µs → 236 µs``; empty where neither was measured."""
    if not (math.isfinite(judgement.before) or math.isfinite(judgement.after)):
        return ""
    before, after = (words.quantity(value, judgement.unit) for value in (judgement.before, judgement.after))
    return one_line(f"{before} → {after}")


def evidence(judgement: Judgement, method: str) -> str:
    """``12 pairs`` of processes that took turns, ``3 processes`` of stored results; empty where there is none."""
    if not judgement.evidence:
        return ""
    if method == MEASURED_IN_TURNS:
        return words.count(judgement.evidence, "pair")
    return words.count(judgement.evidence, "process", "processes")


def judged(side: ComparedCommit) -> str:
    """``main (04342f08)``; only the hash where that is what the user wrote."""
    short, revision = one_line(short_hash(side.commit)), one_line(side.revision)
    return f"{revision} ({short})" if short and not side.commit.startswith(side.revision) else short or revision


def context(comparison: Comparison) -> str:
    """``main (04342f08) → HEAD (1f6d924a), measured in turns on ci-runner (py3.11) in 92 s``."""
    parts = [f"{judged(comparison.baseline)} → {judged(comparison.contender)}, {comparison.method}"]
    if comparison.machine:
        parts.append(f"on {one_line(comparison.machine)}")
    if comparison.environment:
        parts.append(f"({one_line(comparison.environment)})")
    if math.isfinite(comparison.seconds):
        parts.append(f"in {comparison.seconds:,.0f} s")
    return " ".join(parts)


def by_benchmark(judgements: tuple[Judgement, ...]) -> Iterator[tuple[str, list[Judgement]]]:
    """The judgements of each benchmark together, benchmarks in the order of their first one."""
    first = {judgement.benchmark: index for index, judgement in reversed(list(enumerate(judgements)))}
    together = sorted(judgements, key=lambda judgement: first[judgement.benchmark])
    for benchmark, group in groupby(together, key=lambda judgement: judgement.benchmark):
        yield benchmark, list(group)


def tally(comparison: Comparison) -> dict[State, int]:
    """The number of judgements in each state that a judgement can have, in the order in which they are shown."""
    return {state: sum(judgement.state is state for judgement in comparison.judgements) for state in ORDER}


def sentence(comparison: Comparison, quote: Callable[[str], str] = one_line) -> str:
    """The verdict: ``2 regressions, 1 improvement in 14 benchmarks; the largest is NAME: +6.1 % slower (…)``.

    A benchmark is counted once for each combination of its parameters; skipped ones are not. ``quote`` is put around
    the name and the effect, the only foreign text in it.
    """
    counts = tally(comparison)
    judged = len(comparison.judgements) - counts[State.SKIPPED]
    if not judged:
        skipped = f": {words.count(counts[State.SKIPPED], 'benchmark')} skipped" if counts[State.SKIPPED] else ""
        return f"Nothing was compared{skipped}"
    parts = [f"{counts[state]:,} {verdicts.PLURALS[state][counts[state] != 1]}" for state in _NAMED if counts[state]]
    if counts[State.REGRESSION]:
        parts.insert(0, words.count(counts[State.REGRESSION], "regression"))
    elif judged == counts[State.UNDECIDED] + counts[State.FAILED]:
        return f"Cannot tell: {', '.join(parts)} of {words.count(judged, 'benchmark')}"
    else:
        parts.insert(0, "No regression")
    return f"{', '.join(parts)} in {words.count(judged, 'benchmark')}{_largest(comparison, quote)}"


def exit_code(comparison: Comparison, strict: bool) -> ExitCode:
    """REGRESSION if there is one, else NOTHING_MEASURED if anything failed or nothing was measured, else OK.

    With ``strict``, UNDECIDED if anything is undecided and nothing worse is to be said.
    """
    counts = tally(comparison)
    if counts[State.REGRESSION]:
        return ExitCode.REGRESSION
    if counts[State.FAILED] or not is_measured(judgement.state for judgement in comparison.judgements):
        return ExitCode.NOTHING_MEASURED
    return ExitCode.UNDECIDED if strict and counts[State.UNDECIDED] else ExitCode.OK


def _largest(comparison: Comparison, quote: Callable[[str], str]) -> str:
    """``; the largest is NAME: EFFECT`` of the regressions, without one of the improvements, else nothing."""
    for state in CHANGED:
        if judgements := comparison.of(state):
            lead = "the largest is" if len(judgements) > 1 else "it is"
            return f"; {lead} {quote(judgements[0].name)}: {effect(judgements[0])}"
    return ""


def _direction(judgement: Judgement) -> str:
    is_up = judgement.effect > 0 if math.isfinite(judgement.effect) else judgement.after > judgement.before
    return verdicts.direction(is_up, judgement.unit, judgement.better)
