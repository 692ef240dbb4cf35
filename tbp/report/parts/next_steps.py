"""The commands that a reader may run next about an event: measure it again, narrow it down, accept it.

Takes a standing event, gives commands to copy. All of them are verbs that tbp and git have; a command that would need
what is not known (the commit before, a hash) is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.history.events import SeriesChange
from tbp.model.changes import State
from tbp.model.series import Commit, SeriesKey
from tbp.report.parts import addresses
from tbp.report.parts.standing import StandingEvent


class NextSteps(Struct, frozen=True):
    """Commands, each empty where it cannot be given."""

    gate: str  # measures the commits on both sides in turns
    halve: str  # measures the commit in the middle of the range; empty where the range is one commit
    show: str  # the commit itself, where the range is one
    accept: tuple[str, ...]  # accepts the regressions of the event, on every machine that saw it


def next_steps(standing: StandingEvent) -> NextSteps:
    """The commands for the largest change of an event; those that accept it are for all of its regressions."""
    event, largest = standing.event, standing.shown[0].history.key
    before, first = event.range.last_before, event.range.first
    is_known = bool(addresses.HASH.fullmatch(first.hash))
    return NextSteps(
        gate=addresses.gate(largest, before, first) if before is not None else "",
        halve=_halve(largest, before, first) if before is not None and event.range.commits > 1 else "",
        show=f"git show {first.short}" if is_known and event.range.commits == 1 else "",
        accept=accepting(standing.of(State.REGRESSION)),
    )


def accepting(regressions: Sequence[SeriesChange]) -> tuple[str, ...]:
    """The commands that accept ``regressions``: an acknowledgement names the commit at which the series itself saw it,
    so machines that measured different commits need one each."""
    seen_at = dict.fromkeys(
        (change.history.key.benchmark, _commit(change)) for change in regressions if _commit(change) is not None
    )
    return tuple(filter(None, (addresses.accept(benchmark, at) for benchmark, at in seen_at if at is not None)))


def _commit(change: SeriesChange) -> Commit | None:
    return change.history.commit_at(change.evidence.change.index)


def _halve(key: SeriesKey, before: Commit, first: Commit) -> str:
    """The commit that git would bisect to is measured against the last good one: slower means that it came before."""
    gate = addresses.gate(key, before, first)
    middle = f"$(git rev-list --first-parent --bisect {before.short}..{first.short})"
    return gate.replace(f" {before.short} {first.short} ", f' {before.short} "{middle}" ', 1)
