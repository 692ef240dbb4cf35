"""The commands that a reader may run next about an event: measure it again, narrow it down, accept it.

Takes a standing event, gives commands to copy. All of them are verbs that tbp, asv and git have; a command that would
need what is not known (the commit before, a hash) is left out.
"""

from __future__ import annotations

from msgspec import Struct

from tbp.model.changes import State
from tbp.report.parts import addresses
from tbp.report.parts.standing import StandingEvent
from tbp.report.parts.trace_words import TIME

SEARCH = "find the commit: a binary search measures a few of the range in turns"
FILL = "find the commit: measure the one in the middle, then build the report again"
SHOW = "look at the commit"
GATE = "measure the commits before and after the change again, in turns"
LOOK_AFTER = "--status investigating --owner 'NAME'"


class NextSteps(Struct, frozen=True):
    """Commands, each empty where it cannot be given."""

    first: str  # the one of the next three to begin with
    reason: str  # why, in words
    gate: str  # measures the commits on both sides in turns
    halve: str  # searches the range, or measures its middle; empty where it is one commit
    show: str  # the commit itself, where the range is one
    accept: str  # accepts all regressions of the event, on every machine that saw it
    look_after: str  # says who looks into them


def next_steps(standing: StandingEvent) -> NextSteps:
    """The commands for the largest change of an event; those of `tbp ack` are for all of its regressions.

    Of a time both sides are worth measuring again; a counter mostly repeats. So ``tbp gate`` gets the largest change of
    a time, where there is any. ``tbp bisect`` takes times only.
    """
    between, largest = standing.event.range, standing.changes[0]
    before, first = between.last_before, between.first
    searched = standing.event.credible or between
    timed = next((change.history.key for change in standing.changes if change.history.unit == TIME), None)
    gate = addresses.gate(timed or largest.history.key, before, first) if before is not None else ""
    halve = ""
    good, bad = searched.last_before, searched.first
    if good is not None and searched.commits > 1 and addresses.HASH.fullmatch(good.hash):
        if timed is not None and gate:
            halve = addresses.bisect(timed, good, bad)
        else:
            halve = addresses.reproduction(largest.history.key, bad, addresses.middle(good, bad))
    show = f"git show {first.short}" if addresses.HASH.fullmatch(first.hash) and searched.commits == 1 else ""
    shown = largest.evidence.change
    is_certain = shown.is_exact or bool(shown.in_turns)  # to measure it again would tell nothing
    order = ((halve, FILL if timed is None else SEARCH), (show if is_certain else "", SHOW), (gate, GATE), (show, SHOW))
    command, reason = next((pair for pair in order if pair[0]), ("", ""))
    accept = addresses.accept_event(before, first) if standing.of(State.REGRESSION) else ""
    return NextSteps(
        first=command,
        reason=reason,
        gate=gate,
        halve=halve,
        show=show,
        accept=accept,
        look_after=addresses.accept_event(before, first, LOOK_AFTER) if accept else "",
    )
