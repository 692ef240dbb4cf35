"""Histories as the report shows them: with the changes that the project accepts, and since a revision.

Takes histories, acknowledgements and the commits before the revision judged against; gives histories with the states
that a reader must know. Changes were decided before, in ``build``.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date

from msgspec.structs import replace

from tbp.history.ranges import CommitOrder
from tbp.history.states import state
from tbp.history.triage import TriageSource, accepted_for
from tbp.model.changes import ChangeEvidence, History, State
from tbp.model.points import commits
from tbp.project.acknowledgements import Ack

# States that a suspect change replaces; a failure is worse news than a suspicion.
_QUIET = (State.NO_CHANGE, State.NOT_ENOUGH_DATA)
_GONE = (State.STALE, State.VANISHED)


def seen(
    histories: Sequence[History],
    acks: Sequence[Ack],
    day: date,
    past: Set[str] = frozenset(),
    order: CommitOrder | None = None,
) -> tuple[History, ...]:
    """``histories`` as they are shown.

    ``acks`` are in force on ``day``; changes at the commits of ``past`` (hashes) are of no account. ``order`` has the
    commits of the branch; by default those of the histories, by date.
    """
    source = TriageSource.of(acks, day, histories, order or _by_date(histories)) if acks else None
    return tuple(_seen(history, source, past) for history in histories)


def shown_state(history: History) -> State:
    """The state by the changes that count: since ``History.since``, and not acknowledged.

    A series that is no longer measured keeps that state.
    """
    if history.state in _GONE:
        return history.state
    counted = state(history.points, history.balance)
    return State.SUSPECT if counted in _QUIET and history.suspect is not None else counted


def marked(history: History) -> History:
    """``history`` with its recoveries marked among the changes that count."""
    recoveries = history.balance.recoveries if history.balance is not None else ()
    marks = [
        index in recoveries if evidence.change.index >= history.since else evidence.change.is_recovery
        for index, evidence in enumerate(history.changes)
    ]
    if marks == [evidence.change.is_recovery for evidence in history.changes]:
        return history
    changes = tuple(
        replace(evidence, change=replace(evidence.change, is_recovery=mark))
        for evidence, mark in zip(history.changes, marks, strict=True)
    )
    return replace(history, changes=changes)


def _seen(history: History, source: TriageSource | None, past: Set[str]) -> History:
    triages = [source.triage(history, at) for at in range(len(history.changes))] if source is not None else []
    if any(triages):
        changes = tuple(
            _accepted(replace(evidence, triage=triage)) if triage is not None else evidence
            for evidence, triage in zip(history.changes, triages, strict=True)
        )
        history = replace(history, changes=changes)
    if past:
        last = max((index for index, commit in enumerate(commits(history.points)) if commit.hash in past), default=-1)
        history = replace(history, since=last + 1)
    history = marked(history)
    shown = shown_state(history)
    return history if shown is history.state else replace(history, state=shown)


def _accepted(evidence: ChangeEvidence) -> ChangeEvidence:
    reason = accepted_for(evidence)
    return replace(evidence, change=replace(evidence.change, acknowledged=reason)) if reason else evidence


def _by_date(histories: Sequence[History]) -> CommitOrder:
    known = {commit.hash: commit for history in histories for commit in commits(history.points)}
    return CommitOrder((), sorted(known.values(), key=lambda commit: (commit.date, commit.hash)))
