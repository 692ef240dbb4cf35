"""The commands that a reader may run next about an event: measure it again, narrow it down, accept it.

Takes a standing event, gives commands to copy. All of them are verbs that tbp and git have; a command that would need
what is not known (the commit before, a hash) is left out.
"""

from __future__ import annotations

from msgspec import Struct

from tbp.model.changes import State
from tbp.model.series import Commit, SeriesKey
from tbp.report.parts import addresses
from tbp.report.parts.standing import StandingEvent

HALVE = "find the commit: measure the middle of the range; slower there means that it came before"
SHOW = "look at the commit"
GATE = "measure the commits before and after it in turns"


class NextSteps(Struct, frozen=True):
    """Commands, each empty where it cannot be given."""

    first: str  # the one of the next three to begin with
    reason: str  # why, in words
    gate: str  # measures the commits on both sides in turns
    halve: str  # measures the commit in the middle of the range; empty where the range is one commit
    show: str  # the commit itself, where the range is one
    accept: str  # accepts all regressions of the event, on every machine that saw it
    look_after: str  # says who looks into them


def next_steps(standing: StandingEvent) -> NextSteps:
    """The commands for the largest change of an event; those of `tbp ack` are for all of its regressions."""
    event, largest = standing.event, standing.changes[0].history.key
    before, first = event.range.last_before, event.range.first
    is_known, is_worse = bool(addresses.HASH.fullmatch(first.hash)), bool(standing.of(State.REGRESSION))
    accept = addresses.accept_event(before, first) if is_worse else ""
    gate = addresses.gate(largest, before, first) if before is not None else ""
    halve = _halve(largest, before, first) if before is not None and event.range.commits > 1 else ""
    show = f"git show {first.short}" if is_known and event.range.commits == 1 else ""
    change = standing.changes[0].evidence.change
    is_certain = change.is_exact or bool(change.in_turns)  # to measure it again would tell nothing
    order = ((halve, HALVE), (show if is_certain else "", SHOW), (gate, GATE), (show, SHOW))
    begin, reason = next((pair for pair in order if pair[0]), ("", ""))
    return NextSteps(
        first=begin,
        reason=reason,
        gate=gate,
        halve=halve,
        show=show,
        accept=accept,
        look_after=f"{accept.partition(' --reason ')[0]} --status investigating --owner 'NAME'" if accept else "",
    )


def _halve(key: SeriesKey, before: Commit, first: Commit) -> str:
    """The commit that git would bisect to is measured against the last good one: slower means that it came before."""
    gate = addresses.gate(key, before, first)
    middle = f"$(git rev-list --first-parent --bisect {before.short}..{first.short})"
    return gate.replace(f" {before.short} {first.short} ", f' {before.short} "{middle}" ', 1)
