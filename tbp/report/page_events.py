"""Events as the page of one benchmark tells them: words, and which of its changes are theirs.

Takes the events of the whole site, gives a few words of each, so that a page can be made without the other benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from tbp.history.events import Event
from tbp.history.ranges import Range
from tbp.history.series import ChangeKind, SeriesKey
from tbp.report import addresses, event_words


class PageChange(Struct, frozen=True):
    """A change of the benchmark that is part of an event."""

    series: SeriesKey
    index: int  # of the first point after it
    range: Range | None  # by its own runs


class PageEvent(Struct, frozen=True):
    """An event that moved series of the benchmark."""

    anchor: str  # on the page of changes
    range: Range
    moved: str  # "26 series of 2 benchmarks moved": those of the whole site that are confirmed
    is_wider: bool  # whether that are more than the benchmark's own
    about: tuple[str, ...]  # clauses: who saw it, and what in it touches the benchmark
    is_one_machine: bool  # it may be the machine rather than the code
    changes: tuple[PageChange, ...]  # confirmed, of this benchmark
    suspects: tuple[PageChange, ...]


def anchor_of(event: Event) -> str:
    """Its id on the page of changes. That of the code's changes is the one of the commit, which other pages link to."""
    name = event.range.first.hash
    if event.kind is not ChangeKind.CODE:
        name = f"{event.kind.value} {event.cause} {name}"
    return addresses.commit_anchor(name)


def page_events(events: Iterable[Event]) -> Mapping[str, tuple[PageEvent, ...]]:
    """The events of each benchmark, the newest first."""
    found: dict[str, list[PageEvent]] = {}
    for event in events:
        own: dict[str, tuple[list[PageChange], list[PageChange]]] = {}
        for changes, at in ((event.changes, 0), (event.suspects, 1)):
            for one in changes:
                key = one.history.key
                own.setdefault(key.benchmark, ([], []))[at].append(
                    PageChange(key, one.evidence.change.index, one.range)
                )
        clauses = (event_words.narrowed(event), event_words.seen_by(event.witnesses), event_words.touching(event))
        for benchmark, (sure, unsure) in own.items():
            page = PageEvent(
                anchor=anchor_of(event),
                range=event.range,
                moved=f"{event_words.extent(event.changes or event.suspects)} moved",
                is_wider=len(event.changes) > len(sure),
                about=tuple(filter(None, clauses)),
                is_one_machine=event.witnesses.is_alone,
                changes=tuple(sure),
                suspects=tuple(unsure),
            )
            found.setdefault(benchmark, []).append(page)
    return {benchmark: tuple(own) for benchmark, own in found.items()}
