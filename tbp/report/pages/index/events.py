"""The events that brought most of the regressions that stand, for the index.

Takes the events and the histories of a site, gives words and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from tbp.history.events import Event, SeriesChange
from tbp.model.changes import History, State
from tbp.model.series import SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.parts import event_words
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.page_events import anchor_of
from tbp.wording import words

MOST = 3
"""Events shown: the page of changes has all of them."""

LEAST_SERIES = 2
"""Regressions from which on an event is shown beside the rows: one is its row."""


class LargeEvent(Struct, frozen=True):
    """An event with several regressions that stand."""

    href: str  # of it on the page of changes
    commit: CommitLink  # the newest of its range
    before: CommitLink | None  # the last one before the range, where that is several commits
    of_several: str  # "one of 4 commits"
    text: str  # "18 regressions of 2 benchmarks: +39 % to +42 %"
    about: tuple[str, ...]  # clauses: who saw it, and which commits touch the benchmark


def large_events(data: ReportData) -> tuple[LargeEvent, ...]:
    """The events with the most regressions that stand, largest first; none where no event has several."""
    standing = _standing(data.histories)
    several: list[tuple[Event, list[SeriesChange]]] = []
    for event in data.events:
        stands = [change for change in event.changes if (change.history.key, change.evidence.change.index) in standing]
        if len(stands) >= LEAST_SERIES:
            several.append((event, stands))
    several.sort(key=lambda pair: (-len(pair[1]), -pair[0].worst))  # of as many the newest first
    return tuple(_large_event(event, stands, data) for event, stands in several[:MOST])


def _standing(histories: Iterable[History]) -> set[tuple[SeriesKey, int]]:
    """The changes that series are regressions for: all those that were not undone, and that nobody accepted."""
    return {
        (history.key, history.changes[number].change.index)
        for history in histories
        if history.state is State.REGRESSION and history.balance is not None
        for number in history.balance.regressions
    }


def _large_event(event: Event, stands: Sequence[SeriesChange], data: ReportData) -> LargeEvent:
    benchmarks = len({change.history.key.benchmark for change in stands})
    count = f"{words.count(len(stands), 'regression')} of {words.count(benchmarks, 'benchmark')}"
    of_several, before = event_words.of_several(event.range), event.range.last_before
    return LargeEvent(
        href=f"changes.html#{anchor_of(event)}",
        commit=commit_link(event.range.first, data.commit_url),
        before=commit_link(before, data.commit_url) if of_several and before is not None else None,
        of_several=of_several,
        text=": ".join(filter(None, [count, event_words.sizes(stands)])),
        about=tuple(filter(None, [event_words.seen_by(event.sightings, data.faces), event_words.touching(event)])),
    )
