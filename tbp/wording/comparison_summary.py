"""The sum of a comparison: one sentence and one exit code."""

from __future__ import annotations

from collections.abc import Callable

from tbp.errors import ExitCode
from tbp.model.changes import State
from tbp.model.comparison import Comparison
from tbp.wording import phrases, verdicts, words

MEASURED = (*phrases.CHANGED, State.NO_CHANGE, State.UNDECIDED)
_NAMED = (State.CHANGED, State.IMPROVEMENT, State.UNDECIDED, State.FAILED)


def tally(comparison: Comparison) -> dict[State, int]:
    """The number of judgements in each state that a judgement can have, in the order in which they are shown."""
    return {state: sum(judgement.state is state for judgement in comparison.judgements) for state in phrases.ORDER}


def sentence(comparison: Comparison, quote: Callable[[str], str] = words.one_line) -> str:
    """The verdict: ``2 regressions, 1 improvement in 14 benchmarks; the largest is NAME: +6.1 % slower (…)``.

    A benchmark is counted once for each combination of its parameters; skipped ones are not. ``quote`` is put around
    the name and the effect, the only foreign text in it.
    """
    counts = tally(comparison)
    judged = len(comparison.judgements) - counts[State.SKIPPED]
    if not judged:
        return f"Nothing was compared: {words.count(counts[State.SKIPPED], 'benchmark')} skipped"
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
    if counts[State.FAILED] or not any(counts[state] for state in MEASURED):
        return ExitCode.NOTHING_MEASURED
    return ExitCode.UNDECIDED if strict and counts[State.UNDECIDED] else ExitCode.OK


def _largest(comparison: Comparison, quote: Callable[[str], str]) -> str:
    """``; the largest is NAME: EFFECT`` of the regressions, without one of the improvements, else nothing."""
    for state in phrases.CHANGED:
        if judgements := comparison.of(state):
            lead = "the largest is" if len(judgements) > 1 else "it is"
            return f"; {lead} {quote(judgements[0].name)}: {phrases.effect(judgements[0])}"
    return ""
