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
        for benchmark, page_event in _by_page(event, faces).items():
            by_benchmark.setdefault(benchmark, []).append(page_event)
    return {benchmark: tuple(several) for benchmark, several in by_benchmark.items()}


def _by_page(event: Event, faces: Mapping[str, str]) -> dict[str, PageEvent]:
    """The event on the page of each benchmark that it moved; what all of them say of it is worked out once."""
    certainty = event_words.narrowed(event), event_words.unsure(event)
    clauses = (*certainty, event_words.seen_by(event.sightings, faces), event_words.touching(event))
    anchor, moved = anchor_of(event), f"{event_words.extent(event.changes or event.suspects)} moved"
    about = tuple(filter(None, clauses))
    changes, suspects = _of_pages(event.changes), _of_pages(event.suspects)
    return {
        benchmark: PageEvent(
            anchor=anchor,
            range=event.range,
            moved=moved,
            is_wider=len(event.changes) > len(changes.get(benchmark, ())),
            about=about,
            is_one_machine=event.sightings.is_alone,
            changes=tuple(changes.get(benchmark, ())),
            suspects=tuple(suspects.get(benchmark, ())),
        )
        for benchmark in {**changes, **suspects}
    }


def _of_pages(changes: Iterable[SeriesChange]) -> dict[str, list[PageChange]]:
    """The changes by their benchmarks."""
    by_benchmark: dict[str, list[PageChange]] = {}
    for change in changes:
        key = change.history.key
        by_benchmark.setdefault(key.benchmark, []).append(PageChange(key, change.evidence.change.index, change.range))
    return by_benchmark
