"""How what the traces say of a change stands to what was measured of it, in words.

Takes a ``TraceDifference`` and the change it is held against, gives sentences; the rows are ``evidence``'s. A trace is
another clock than a timing, and no clock at all for bytes and counts, so that is said before any operator is named.
"""

from __future__ import annotations

from enum import Enum, auto

import pandas as pd

from tbp.model.changes import Change, ChangeEvidence
from tbp.traces.differences.difference import (
    NAMED_MACHINE,
    NAMED_OPERATORS,
    NAMED_SHARE,
    UNEXPLAINED,
    TraceDifference,
)
from tbp.traces.differences.difference import explanation as of_times
from tbp.traces.differences.wording import attributions, counts
from tbp.wording import words

CAUSES = 2
"""Operators named in a row of the index; the benchmark's page has them all."""

AGREES = 2.0
"""Traces whose step changed by up to so many times what the timing did, or not less than its inverse, show the change.
The profiler alone made steps of these suites 1.1 to 1.6 times as long; a larger ratio is something else."""

TIME = "seconds"
US_PER_S = 1e6


class Agreement(Enum):
    """The agreement of the traced step with what was measured."""

    AGREES = auto()
    MORE = auto()  # in the same direction, by more than AGREES times as much
    LESS = auto()
    OPPOSED = auto()  # the step in the traces did not move in the direction of the timing
    NO_TIME = auto()  # what was measured is bytes or a count


_SAID = {
    Agreement.AGREES: "",
    Agreement.MORE: "The traces overstate the change. Trust them for which operators changed and how often they were "
    "called, not for how long they took.",
    Agreement.LESS: "The traces show only a part of the change. Shares below are of that part.",
    Agreement.OPPOSED: "So the traces do not show this change, and what differs in them may not be the cause.",
    Agreement.NO_TIME: "",
}


def agreement(difference: TraceDifference, change: Change, unit: str) -> Agreement:
    """How the step in the traces moved, against ``change`` in ``unit``."""
    if unit != TIME:
        return Agreement.NO_TIME
    timed = change.effect
    traced = difference.delta_us / difference.step_before_us if difference.step_before_us else 0.0
    if not traced * timed > 0:
        return Agreement.OPPOSED
    ratio = traced / timed
    return Agreement.MORE if ratio > AGREES else Agreement.LESS if ratio < 1 / AGREES else Agreement.AGREES


def lead(evidence: ChangeEvidence, unit: str) -> str:
    """Sentences before any operator: on the step in the traces and on what was measured; empty without traces."""
    difference, change = evidence.difference, evidence.change
    if difference is None:
        return ""
    agreed = agreement(difference, change, unit)
    moved = (
        f" ({words.signed_percent(difference.delta_us / difference.step_before_us)})"
        if difference.step_before_us
        else ""
    )
    if agreed is Agreement.NO_TIME:
        step = f"from {words.microseconds(difference.step_before_us)} to {words.microseconds(difference.step_after_us)}"
        called = "This series is not a time. The traces show what the step calls"
        sentences = [f"{called}; in the traces the step went {step}{moved}."]
    else:
        timed = f"from {words.quantity(change.before, unit)} to {words.quantity(change.after, unit)}"
        timed += f" ({words.signed_percent(change.effect)})"
        sentences = [f"Timed, the step went {timed}. {_as_share(difference, change, moved)}", _SAID[agreed]]
    return " ".join(filter(None, [*sentences, machine(difference)]))


def _as_share(difference: TraceDifference, change: Change, moved: str) -> str:
    """A sentence on the traced step, as a multiple of the timed one."""
    sides = ((difference.step_before_us, change.before), (difference.step_after_us, change.after))
    ratios = [f"{traced_us / (timed_s * US_PER_S):.1f} times" if timed_s > 0 else "–" for traced_us, timed_s in sides]
    as_long = f"{ratios[0]} as long" if ratios[0] == ratios[1] else f"{ratios[0]} as long before and {ratios[1]} after"
    return f"Under the profiler it took {as_long}{moved}."


def machine(difference: TraceDifference) -> str:
    """That the machine ran at another speed while one side was traced; empty where it did not."""
    if abs(difference.machine_factor - 1) < NAMED_MACHINE:
        return ""
    speed = "slower" if difference.machine_factor > 1 else "faster"
    took = f"{difference.machine_factor:.2f} × their time"
    return f"Operators that did not change took {took} in the traces after the change: the machine was {speed} then."


def causes(evidence: ChangeEvidence, unit: str) -> tuple[str, ...]:
    """The certain operators that account for most of the change, as sentences; empty where none can be named.

    Of a time they have their share of the step in the traces, of bytes what they allocate, of a count their calls.
    """
    difference, change = evidence.difference, evidence.change
    if difference is None:
        return ()
    agreed, rows = agreement(difference, change, unit), difference.rows
    if agreed is Agreement.OPPOSED:
        return ()
    if agreed is Agreement.NO_TIME:
        return _counted(difference, change, unit)[:CAUSES]
    named = rows[rows["certain"] & (rows["share"] >= NAMED_SHARE)].head(CAUSES)
    return tuple(attributions(named, difference.clock))


def explanation(evidence: ChangeEvidence, unit: str) -> str:
    """The operators that account for the change, without the full stop; empty without traces."""
    difference, change = evidence.difference, evidence.change
    if difference is None:
        return ""
    if agreement(difference, change, unit) in (Agreement.OPPOSED, Agreement.NO_TIME):
        counted = _counted(difference, change, unit)[:NAMED_OPERATORS]
        none = "no operator is called more or less often for certain"
        return "; ".join([*(counted or [f"{UNEXPLAINED}: {none}"]), *difference.losses])
    return of_times(difference)


def in_a_line(evidence: ChangeEvidence, unit: str) -> str:
    """``explanation`` for a row of a table, where no ``lead`` stands before it."""
    difference, change = evidence.difference, evidence.change
    if difference is not None and agreement(difference, change, unit) is Agreement.OPPOSED:
        moved = (
            words.signed_percent(difference.delta_us / difference.step_before_us) if difference.step_before_us else "–"
        )
        return f"the traces do not show the change: in them the step changed by {moved}"
    return explanation(evidence, unit)


def _counted(difference: TraceDifference, change: Change, unit: str) -> tuple[str, ...]:
    """The certain differences, apart from time, in the direction of ``change``."""
    is_more = change.after > change.before
    allocated = _allocated(difference.exact, is_more) if unit == "bytes" else []
    moved = difference.rows["calls_after"] - difference.rows["calls_before"]
    toward = difference.rows[difference.rows["certain"] & ((moved > 0) if is_more else (moved < 0))]
    # In their order, that of the time that came or went: views are called most and neither allocate nor take time.
    return (*allocated, *counts(toward))


def _allocated(exact: pd.DataFrame | None, is_more: bool) -> list[str]:
    """By how much each operator on both sides allocates more or less."""
    if exact is None:
        return []
    allocated = exact[exact["kind"] == "allocated_bytes"]
    moved = allocated["after"] - allocated["before"]
    toward = moved[(moved > 0) if is_more else (moved < 0)]
    order = toward.abs().sort_values(ascending=False, kind="stable").index
    return [str(sentence) for sentence in allocated.loc[order, "sentence"]]
