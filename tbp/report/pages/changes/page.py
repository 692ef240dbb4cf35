"""The page of changes as data: one row for each event, newest first.

Takes ``ReportData``, gives words and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tbp.history.events import Event
from tbp.history.machine_wide_changes import AtOnce
from tbp.history.shift_sentences import sentence
from tbp.model.changes import State
from tbp.model.series import Setup
from tbp.report.base.report_data import ReportData
from tbp.report.pages.changes.rows import ChangesRow, changes_row, chips
from tbp.report.parts import addresses
from tbp.report.parts.change_sorts import Sort, counted_sort
from tbp.report.parts.facets import Facets, facets
from tbp.report.parts.page_events import anchor_of
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import Tile
from tbp.wording import words

# So that a page stays below 200 kB: an item is about 450 bytes, a row without items 900.
MOST_ROWS = 100
MOST_ITEMS = 200
MOST_ITEMS_OF_A_ROW = 8

UNCOUNTED = {
    Sort.ACKNOWLEDGED: "worse and accepted",
    Sort.EXPLAINED: "not caused by the code",
    Sort.SUSPECT: "only suspected",
}
"""The events that count neither for the worse nor for the better, by the first of these sorts that they have."""


class ChangesPage(Struct, frozen=True):
    verdict: str
    counts: str  # what is counted here, beside what the summary counts
    chips: tuple[Tile, ...]  # of the whole site, with those there are none of
    rows: tuple[ChangesRow, ...]
    facets: Facets
    base: str  # in words: what is judged against, and what is not listed for it; empty for the whole history
    left_out: str  # in words: events that are too old to be listed


def changes_page(data: ReportData) -> ChangesPage:
    """All events."""
    counted, past = _counted(data.events, data)
    listed = listed_events(data)
    setup_names, offered = SetupNames.of(data.histories, data.faces), facets(data)
    at_once = _at_once(counted, data.at_once)
    left = MOST_ITEMS
    rows: list[ChangesRow] = []
    taken = {anchor_of(event) for event in counted}
    for number, event in enumerate(listed):
        row = changes_row(event, data, setup_names, min(left, MOST_ITEMS_OF_A_ROW))
        seen_at = (change.range.first.hash for change in event.members if change.range is not None)
        anchors = tuple(
            anchor for anchor in dict.fromkeys(map(addresses.commit_anchor, seen_at)) if anchor not in taken
        )
        taken.update(anchors)
        rigs = offered.mask(change.history.key for change in event.members)
        rows.append(replace(row, at_once=at_once.get(number, ()), anchors=anchors, rigs=rigs))
        left -= len(row.items)
    older = len(counted) - len(rows)
    return ChangesPage(
        verdict=_verdict(counted),
        counts=_counts(counted),
        chips=chips([change for event in counted for change in event.members], occurring=False),
        rows=tuple(rows),
        facets=offered,
        base=_base(past, data),
        left_out=f"{words.count(older, 'older event')} {'is' if older == 1 else 'are'} not listed here: "
        "the pages of the benchmarks have all changes." * bool(older),
    )


def listed_events(data: ReportData) -> Sequence[Event]:
    """The events that the page has a row for, newest first."""
    counted, _ = _counted(data.events, data)
    return counted[:MOST_ROWS]


def _at_once(events: Sequence[Event], at_once: Sequence[AtOnce]) -> dict[int, tuple[str, ...]]:
    """A sentence for each machine and environment of which most series moved, at the event with most of them."""
    votes: dict[tuple[str, Setup], Counter[int]] = {}
    for number, event in enumerate(events):
        for change in event.members:
            if change.range is not None:
                sight = (change.range.first.hash, change.history.key.setup)
                votes.setdefault(sight, Counter())[number] += 1
    sentences: dict[int, list[str]] = {}
    for moved in sorted(at_once, key=lambda moved: -moved.moved):
        counted = votes.get((moved.commit.hash, moved.setup))
        if counted:
            sentences.setdefault(counted.most_common(1)[0][0], []).append(sentence(moved))
    return {number: tuple(several) for number, several in sentences.items()}


def _counted(events: Sequence[Event], data: ReportData) -> tuple[Sequence[Event], int]:
    """The events after the base, and how many there are up to it; all of them without a base."""
    if data.base is None:
        return events, 0
    base = data.number_of.get(data.base.commit.hash, -1)
    counted = [event for event in events if data.number_of.get(event.range.first.hash, 0) > base]
    return counted, len(events) - len(counted)


def _base(past: int, data: ReportData) -> str:
    if data.base is None:
        return ""
    since = f"Only events after {words.cut(data.base.revision, 60)} ({data.base.commit.short}) are listed"
    return f"{since}; {words.count(past, 'earlier event')} {'is' if past == 1 else 'are'} left out."


def _verdict(events: Sequence[Event]) -> str:
    if not events:
        return "No series has changed."
    sorts = [{counted_sort(change) for change in event.members} for event in events]
    worse, better, changed = Sort.REGRESSION, Sort.IMPROVEMENT, Sort.CHANGED
    counted, past = {worse, better, changed}, {Sort.EARLIER, Sort.RECOVERED}
    numbers = (
        (sum(worse in moved and better not in moved for moved in sorts), "made something worse"),
        (sum(better in moved and worse not in moved for moved in sorts), "made something better"),
        (sum(worse in moved and better in moved for moved in sorts), "made some series worse and others better"),
        (
            sum(moved & counted == {changed} for moved in sorts),
            "changed something, for better or worse",
        ),
        (sum(bool(moved & past) and not moved & counted for moved in sorts), "undone or outweighed later"),
        *_uncounted([moved for moved in sorts if not moved & (counted | past)]),
    )
    is_any_sure = any(moved & (counted | past | {Sort.ACKNOWLEDGED}) for moved in sorts)
    lead = "" if is_any_sure else "Nothing is confirmed worse or better. "
    listed = ", ".join(f"{number:,} {verb}" for number, verb in numbers if number)
    return f"{lead}{words.count(len(events), 'event')}: {listed}."


def _uncounted(events: Sequence[set[Sort]]) -> Iterator[tuple[int, str]]:
    firsts = Counter(next(sort for sort in UNCOUNTED if sort in moved) for moved in events)
    return ((firsts[sort], text) for sort, text in UNCOUNTED.items())


def _counts(events: Sequence[Event]) -> str:
    """How changes are counted, and how many are listed beside those that count."""
    sorts = [(counted_sort(change), change.history) for event in events for change in event.members]
    past = sum(sort is Sort.EARLIER for sort, _ in sorts)
    # The newest change of a series may be suspect also where the series is listed for another one.
    other = {history.key for sort, history in sorts if sort is Sort.SUSPECT and history.state is not State.SUSPECT}
    also = [
        (past, "earlier change", "of series {} listed, but not counted"),
        (len(other), "suspect", "{} of series that the summary lists in another state"),
    ]
    further = [
        f"{words.count(number, noun)} {text.format('is' if number == 1 else 'are')}."
        for number, noun, text in also
        if number
    ]
    return " ".join(["Each series counts once, for the change that the summary lists it for.", *further])
