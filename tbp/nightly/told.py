"""Events that somebody was told of: the one definition of "already told", for the night's exit code and every message.

Takes the changes of an event as the results show it now, and the ``ToldNote`` of what was told before; gives the told
events that it is. Further runs may move a change by a few runs, and further series may join an event: it is no other.
Where the note lies is ``told_file``'s; what is sent is left to ``tbp.notify``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from hashlib import sha256

from msgspec import Struct, field
from msgspec.structs import replace

from tbp.history.events import Event, SeriesChange
from tbp.history.paired_evidence import SETTLING_RUNS
from tbp.model.changes import Change, History, State
from tbp.model.points import commits
from tbp.model.series import SeriesKey

NIGHT = "night"
"""The target that is told by an exit code."""

DIGITS = 12
"""Hexadecimal digits of a series or an event: a pair of 10,000 series has the same with a chance of 1 in 5 million, and
would have to move at the same commit to matter."""


class Reported(Struct, frozen=True, order=True):
    """One change: its series and the commit it was put down to."""

    series: str  # digest
    commit: str  # full hash


class Fate(StrEnum):
    """The present state of a told event, the worst first."""

    STANDS = "stands"
    ACCEPTED = "accepted"  # all that stands of it is acknowledged
    RECOVERED = "recovered"
    DENIED = "denied"  # with further runs nothing is left of it
    UNKNOWN = "unknown"  # none of its series is measured any more


class Delivery(Struct, frozen=True, order=True):
    """The knowledge of a target about an event. Of two the one of the higher revision holds."""

    revision: int
    fate: Fate
    number: int = 0  # of its issue; 0: there is none


class ToldEvent(Struct, frozen=True):
    """An event as it was told: every change that was ever put down to it."""

    id: str
    changes: frozenset[Reported]
    to: Mapping[str, Delivery]  # by target
    is_better: bool = False  # of improvements rather than regressions

    def with_delivery(self, target: str, fate: Fate, number: int = 0) -> ToldEvent:
        """The event, told to ``target``; as it is where the target knows all of it."""
        known = self.to.get(target)
        if known is not None and (known.fate, known.number) == (fate, number):
            return self
        revision = known.revision + 1 if known is not None else 1
        return replace(self, to={**self.to, target: Delivery(revision, fate, number)})


class ToldNote(Struct, frozen=True, dict=True):
    """All that was told to anybody."""

    events: Mapping[str, ToldEvent] = field(default_factory=dict)  # by id
    targets: frozenset[str] = frozenset()  # that were told of all that stood when they began

    @cached_property
    def of_series(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """The commit and the told event of each change, by series."""
        known: dict[str, list[tuple[str, str]]] = {}
        for event in self.events.values():
            for change in event.changes:
                known.setdefault(change.series, []).append((change.commit, event.id))
        return known

    def with_events(self, events: Iterable[ToldEvent], *targets: str) -> ToldNote:
        """The note with ``events`` in place of those of the same ids, and with ``targets``."""
        merged = {**self.events, **{event.id: event for event in events}}
        return ToldNote(merged, self.targets | set(targets))


def merged(ours: ToldNote, theirs: ToldNote) -> ToldNote:
    """The union of two notes, in whichever order: nothing that was told is forgotten."""
    events = dict(ours.events)
    for event in theirs.events.values():
        known = events.get(event.id)
        if known is None:
            events[event.id] = event
            continue
        to = dict(known.to)
        for target, delivery in event.to.items():
            to[target] = max(delivery, to.get(target, delivery))
        is_better = known.is_better and event.is_better
        events[event.id] = ToldEvent(event.id, known.changes | event.changes, to, is_better)
    return ToldNote(events, ours.targets | theirs.targets)


def series_digest(key: SeriesKey) -> str:
    """Digits that stand for a series: a note holds no name that a stranger has chosen."""
    text = json.dumps([key.benchmark, key.parameters, key.machine, key.environment])
    return sha256(text.encode()).hexdigest()[:DIGITS]


def event_id(event: Event, is_better: bool = False) -> str:
    """Digits that stand for an event that is told for the first time: two that tell it at once give it the same."""
    return id_at(event.range.first.hash, is_better)


def id_at(commit: str, is_better: bool = False) -> str:
    """The ``event_id`` of an event whose range ends with ``commit``."""
    merit = "better" if is_better else "worse"
    return sha256(f"{merit}:{commit}".encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def moved(event: Event, is_better: bool = False) -> tuple[SeriesChange, ...]:
    """The confirmed changes of ``event`` for the worse, or for the better."""
    return tuple(
        change
        for change in event.changes
        if (change.evidence.change.is_better if is_better else change.evidence.change.is_worse)(change.history.better)
    )


def reported(changes: Iterable[SeriesChange]) -> frozenset[Reported]:
    """The changes as a note has them."""
    return frozenset(
        Reported(series_digest(change.history.key), commit.hash.encode("ascii", "replace").decode())
        for change in changes
        if (commit := change.history.commit_at(change.evidence.change.index)) is not None
    )


def told_before(event: Event, note: ToldNote, is_better: bool = False) -> tuple[ToldEvent, ...]:
    """The told events that ``event`` is: that of its commit, and those of which it has a change; several where later
    runs showed that they are one.
    """
    ids = {event_id(event, is_better)}
    for change in moved(event, is_better):
        ids |= _known(change.history, change.evidence.change, note)
    several = (note.events.get(name) for name in sorted(ids))
    return tuple(known for known in several if known is not None and known.is_better is is_better)


def _known(history: History, change: Change, note: ToldNote) -> set[str]:
    """The told events that have the change at its commit or a few runs away.

    Further runs may show that a level shifted some runs earlier or later. Where it was told a few runs away, no change
    is left there now, or later runs showed an earlier part of it.
    """
    old = note.of_series.get(series_digest(history.key), ())
    if not old:
        return set()
    runs = _runs(history)
    confirmed = {evidence.change.index for evidence in history.changes if evidence.change.is_verdict}
    at = change.index
    return {
        event
        for commit, event in old
        if (run := runs.get(commit)) is not None
        and (run == at or (abs(run - at) <= SETTLING_RUNS and (run > at or run not in confirmed)))
    }


def untold_changes(note: ToldNote) -> Callable[[History, Change], bool]:
    """Returns a test of a change: True for a regression that no night told of, at its commit or a few runs away.

    Where no night has told anything yet none is: all there is may be old.
    """
    of_night = {event.id for event in note.events.values() if NIGHT in event.to}

    def is_untold(history: History, change: Change) -> bool:
        if NIGHT not in note.targets or not change.is_worse(history.better):
            return False
        near = history.points[max(0, change.index - SETTLING_RUNS) : change.index + SETTLING_RUNS + 1]
        hashes = {point.commit.hash for point in near}
        old = note.of_series.get(series_digest(history.key), ())
        return not any(commit in hashes and event in of_night for commit, event in old)

    return is_untold


def fate(event: ToldEvent, histories: Mapping[str, History]) -> Fate:
    """The present state of a told event; ``histories`` by ``series_digest``. Series that are gone count for none."""
    fates = {_fate_of(change, histories.get(change.series), event.is_better) for change in event.changes}
    return next((each for each in Fate if each in fates), Fate.UNKNOWN)


def _fate_of(reported: Reported, history: History | None, is_better: bool) -> Fate:
    if history is None or history.state in (State.STALE, State.VANISHED):
        return Fate.UNKNOWN
    run = _runs(history).get(reported.commit)
    if run is None or run < history.since:
        return Fate.UNKNOWN
    near = [
        (abs(evidence.change.index - run), number)
        for number, evidence in enumerate(history.changes)
        if evidence.change.is_verdict
        and abs(evidence.change.index - run) <= SETTLING_RUNS
        and (evidence.change.is_better if is_better else evidence.change.is_worse)(history.better)
    ]
    if not near:
        return Fate.DENIED
    _, number = min(near)
    balance = history.balance
    if balance is None or is_better:
        return Fate.STANDS if is_better else Fate.RECOVERED
    if number in balance.regressions:
        return Fate.STANDS
    return Fate.ACCEPTED if number in balance.accepted else Fate.RECOVERED


def _runs(history: History) -> Mapping[str, int]:
    return {commit.hash: run for run, commit in enumerate(commits(history.points))}
