"""Events as the page of one benchmark shows them: words, and which of its changes are theirs.

Takes the events of the whole site, gives a few words of each, so that a page can be made without the other benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from tbp.history.events import Event, SeriesChange
from tbp.history.ranges import Range
from tbp.model.changes import ChangeKind
from tbp.model.series import SeriesKey
from tbp.report.parts import addresses, event_words


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
    is_wider: bool  # True where those are more than the benchmark's own
    about: tuple[str, ...]  # clauses: who saw it, and which commits touch the benchmark
    is_one_machine: bool  # it may be the machine rather than the code
    changes: tuple[PageChange, ...]  # confirmed, of this benchmark
    suspects: tuple[PageChange, ...]


def anchor_of(event: Event) -> str:
    """Its id on the page of changes. That of the code's changes is the one of the commit, which other pages link to."""
    commit_hash = event.range.first.hash
    is_code = event.kind is ChangeKind.CODE
    return addresses.commit_anchor(commit_hash if is_code else f"{event.kind.value} {event.cause} {commit_hash}")


def page_events(events: Iterable[Event], faces: Mapping[str, str]) -> Mapping[str, tuple[PageEvent, ...]]:
    """The events of each benchmark, the newest first. ``faces`` is what machines are called."""
    by_benchmark: dict[str, list[PageEvent]] = {}
    for event in events:
        for benchmark in dict.fromkeys(change.history.key.benchmark for change in event.members):
            by_benchmark.setdefault(benchmark, []).append(_page_event(event, benchmark, faces))
    return {benchmark: tuple(several) for benchmark, several in by_benchmark.items()}


def _page_event(event: Event, benchmark: str, faces: Mapping[str, str]) -> PageEvent:
    changes, suspects = _of_page(event.changes, benchmark), _of_page(event.suspects, benchmark)
    clauses = (event_words.narrowed(event), event_words.seen_by(event.sightings, faces), event_words.touching(event))
    return PageEvent(
        anchor=anchor_of(event),
        range=event.range,
        moved=f"{event_words.extent(event.changes or event.suspects)} moved",
        is_wider=len(event.changes) > len(changes),
        about=tuple(filter(None, clauses)),
        is_one_machine=event.sightings.is_alone,
        changes=changes,
        suspects=suspects,
    )


def _of_page(changes: Iterable[SeriesChange], benchmark: str) -> tuple[PageChange, ...]:
    return tuple(
        PageChange(change.history.key, change.evidence.change.index, change.range)
        for change in changes
        if change.history.key.benchmark == benchmark
    )
