"""The entries of acks.toml that each change has, and the state they give it.

Takes histories, entries, the day and the commits in order; gives for each regression a ``Triage``. An entry for an
event is for all series that moved in its range, on whichever machine. What a state does to a verdict is left to
``acknowledged``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import TypeAlias

import numpy as np
from msgspec import Struct

from tbp.history.events import Event, SeriesChange, events
from tbp.history.ranges import CommitOrder, location
from tbp.model.changes import Change, ChangeEvidence, History
from tbp.model.points import levels
from tbp.model.series import SeriesKey, short_hash
from tbp.model.triage import Triage, TriageStatus
from tbp.project.acknowledgements import Ack, is_triable
from tbp.statistics.robust import median

Numbered: TypeAlias = tuple[int, Ack]  # with its number in the file, from 1
OfEvents: TypeAlias = Mapping[tuple[SeriesKey, int], Sequence[Numbered]]  # by series and index of the change


class TriageSource(Struct, frozen=True):
    """The entries of a project, and all that it takes to find the one of a change."""

    day: date
    order: CommitOrder
    of_events: OfEvents
    by_name: Mapping[str, Sequence[Numbered]]  # those of one commit, by the benchmark that they name
    of_patterns: Sequence[Numbered]  # those of one commit that may name several

    @classmethod
    def of(cls, acks: Sequence[Ack], day: date, histories: Sequence[History], order: CommitOrder) -> TriageSource:
        """The source for ``histories``; events are looked for only where an entry is for one."""
        numbered = [(number, ack) for number, ack in enumerate(acks, start=1) if ack.is_event]
        known = [event for event in events(histories, order) if event.is_verdict] if numbered else []
        moved = [(event, _by_benchmark(event.changes)) for event in known]
        of_events: dict[tuple[SeriesKey, int], list[Numbered]] = {}
        for number, ack in numbered:
            span = _span(ack, order)
            for event, changes in moved:
                if _is_within(span, event):
                    for key, index in _named(ack, changes):
                        of_events.setdefault((key, index), []).append((number, ack))
        by_name: dict[str, list[Numbered]] = {}
        of_patterns: list[Numbered] = []
        for number, ack in enumerate(acks, start=1):
            if not ack.is_event:
                (of_patterns if ack.is_pattern else by_name.setdefault(ack.benchmark, [])).append((number, ack))
        return cls(day, order, of_events, by_name, of_patterns)

    def triage(self, history: History, at: int) -> Triage | None:
        """The state of change ``at`` of ``history``; None where no entry names it, or it is no regression."""
        evidence = history.changes[at]
        if not is_triable(history, evidence):
            return None
        possible = sorted([*self.by_name.get(history.key.benchmark, ()), *self.of_patterns], key=itemgetter(0))
        named = [(number, ack) for number, ack in possible if ack.is_of(history.key.benchmark)]
        commits = _possible_commits(history, evidence.change, self.order) if named else []
        matching = [(number, ack) for number, ack in named if _is_among(ack, commits)]
        matching += self.of_events.get((history.key, evidence.change.index), ())
        if not matching:
            return None
        entries = tuple(sorted(number for number, _ in matching))
        return max((self._triage(ack, history, at, entries) for _, ack in matching), key=_weight)

    def _triage(self, ack: Ack, history: History, at: int, entries: tuple[int, ...]) -> Triage:
        return Triage(
            status=ack.status,
            reason=ack.reason,
            owner=ack.owner,
            link=ack.link,
            until=ack.until,
            fixed_in=ack.fixed_in,
            is_expired=ack.is_expired(self.day),
            seen_by=still_seen_by(history, at, ack.fixed_in, self.order) if ack.fixed_in else "",
            entries=entries,
        )


def _by_benchmark(changes: Sequence[SeriesChange]) -> dict[str, list[tuple[SeriesKey, int]]]:
    """The series and indexes of changes, by the benchmark."""
    by_benchmark: dict[str, list[tuple[SeriesKey, int]]] = {}
    for change in changes:
        key = change.history.key
        by_benchmark.setdefault(key.benchmark, []).append((key, change.evidence.change.index))
    return by_benchmark


def _named(ack: Ack, changes: Mapping[str, Sequence[tuple[SeriesKey, int]]]) -> Iterator[tuple[SeriesKey, int]]:
    """The ``changes`` of the benchmarks that the entry names."""
    names = filter(ack.is_of, changes) if ack.is_pattern else (ack.benchmark,)
    return (change for name in names for change in changes.get(name, ()))


def is_of_change(ack: Ack, history: History, change: Change, order: CommitOrder) -> bool:
    """True where the entry names a commit of the series that may have made the change; False of one for an event."""
    if ack.is_event or not ack.is_of(history.key.benchmark):
        return False
    return _is_among(ack, _possible_commits(history, change, order))


def _possible_commits(history: History, change: Change, order: CommitOrder) -> list[str]:
    """The hashes of the commits of the series that may have made the change.

    Further runs may move a change to another commit that noise leaves possible: it is the same change. Of steps of
    three noises that were accepted when they were first confirmed, one in seven was elsewhere on a later night.
    """
    where = location(history, change, order)
    if where is None:
        return []
    places = order.places(history.points)
    near = np.flatnonzero((places >= where.start) & (places <= where.end)).tolist()
    return [history.points[index].commit.hash for index in near]


def _is_among(ack: Ack, commits: Sequence[str]) -> bool:
    return any(commit.startswith(ack.commit) for commit in commits)


def is_of_event(ack: Ack, event: Event, order: CommitOrder) -> bool:
    """True where the range of ``event`` lies within that of ``ack``, or that within what noise leaves possible of it.

    Further runs narrow the range of an event or move it, and a hand may have written one commit of it. Two ranges that
    only touch are of two events.
    """
    return _is_within(_span(ack, order), event)


def _span(ack: Ack, order: CommitOrder) -> tuple[int, int] | None:
    """The places of the oldest and the newest commit of the entry's range; None where the order lacks its commit."""
    end = order.number(ack.commit)
    if end < 0:
        return None
    before = order.number(ack.after) if ack.after else -1
    return before + 1 if ack.after and 0 <= before < end else end, end


def _is_within(span: tuple[int, int] | None, event: Event) -> bool:
    if span is None:
        return False
    start, end = span
    possible = event.credible or event.range
    return (start <= event.range.start and event.range.end <= end) or (possible.start <= start and end <= possible.end)


def still_seen_by(history: History, at: int, fixed_in: str, order: CommitOrder) -> str:
    """The hash of the newest run at or after ``fixed_in`` where the regression still stands; else empty.

    It must stand in the balance. Then either the series has shifted since, which leaves a rest of it, or the median of
    the runs since is nearer to the level that the fix found than to the one it was to bring back. It is empty where
    the order does not have the commit, or no run since has a value.
    """
    total, change = history.balance, history.changes[at].change
    since = order.number(fixed_in)
    if total is None or at not in total.regressions or since < 0:
        return ""
    value, places = levels(history.points), order.places(history.points)
    runs = np.flatnonzero(np.isfinite(value) & (places >= since) & (np.arange(len(value)) >= change.index))
    if not len(runs):
        return ""
    first = int(runs[0])
    newest = history.points[int(runs[-1])].commit.hash
    rests = (history.changes[part].change for part in total.parts)
    if any(rest.index >= first and rest.is_better(history.better) for rest in rests):
        return newest
    before = value[_level_start(history, first) : first]
    level = median(before[np.isfinite(before)]) if np.isfinite(before).any() else change.after
    mended = level * change.before / change.after if change.before and change.after else change.before
    now = median(value[runs])
    return newest if abs(now - level) < abs(now - mended) else ""


def _level_start(history: History, index: int) -> int:
    """The index at which the level of the run before ``index`` begins."""
    starts = [evidence.change.index for evidence in history.changes if evidence.change.confirmed]
    return max((start for start in starts if start < index), default=0)


def _weight(triage: Triage) -> tuple[bool, date]:
    """The larger, the more it counts: one that accepts before others, then the one that holds longest."""
    return triage.is_accepting, triage.until or date.max


def unknown_fixes(acks: Sequence[Ack], order: CommitOrder, path: object) -> list[str]:
    """A sentence on each entry whose ``fixed in`` names no commit of the branch: no run can show that it is mended."""
    return [
        f"{path}: {ack.subject} is to be fixed in {short_hash(ack.fixed_in)}, which the branch does not have yet: "
        "it stays accepted until then; after a squash or a rebase name the commit of the branch"
        for ack in acks
        if ack.status is TriageStatus.FIXED and order.number(ack.fixed_in) < 0
    ]


def accepted_for(evidence: ChangeEvidence) -> str:
    """The reason why the project accepts the change; empty where it does not."""
    triage = evidence.triage
    if triage is None or not triage.is_accepting:
        return ""
    return triage.reason or f"fixed in {short_hash(triage.fixed_in)}"
