"""Histories as the report shows them: with the changes that the project accepts, and since a revision.

Takes histories, acknowledgements and the commits before the revision judged against; gives histories with the states
that a reader must know. Changes were decided before, in ``build``.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date

from msgspec.structs import replace

from tbp.history.states import state
from tbp.model.changes import History, State
from tbp.model.points import commits
from tbp.project.acknowledgements import Ack, found_ack

# States that a suspect change replaces; a failure is worse news than a suspicion.
_QUIET = (State.NO_CHANGE, State.NOT_ENOUGH_DATA)
_GONE = (State.STALE, State.VANISHED)


def seen(
    histories: Sequence[History], acks: Sequence[Ack], day: date, past: Set[str] = frozenset()
) -> tuple[History, ...]:
    """``histories`` as they are shown.

    ``acks`` are in force on ``day``; changes at the commits of ``past`` (hashes) are of no account.
    """
    valid = [ack for ack in acks if not ack.is_expired(day)]
    return tuple(_seen(history, valid, past) for history in histories)


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


def _seen(history: History, acks: Sequence[Ack], past: Set[str]) -> History:
    accepted = [found_ack(history, evidence, acks) for evidence in history.changes] if acks else []
    if any(accepted):
        changes = tuple(
            replace(evidence, change=replace(evidence.change, acknowledged=ack.reason)) if ack else evidence
            for evidence, ack in zip(history.changes, accepted, strict=True)
        )
        history = replace(history, changes=changes)
    if past:
        last = max((index for index, commit in enumerate(commits(history.points)) if commit.hash in past), default=-1)
        history = replace(history, since=last + 1)
    history = marked(history)
    shown = shown_state(history)
    return history if shown is history.state else replace(history, state=shown)
