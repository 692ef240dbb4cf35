"""The page of changes as data: one row for each event, newest first.

Takes ``ReportData`` and the order of its commits, gives words and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from tbp.history.events import Event, SeriesChange
from tbp.history.machine_wide_changes import AtOnce, sentence
from tbp.model.series import Commit
from tbp.report.base.report_data import ReportData
from tbp.report.parts import addresses, event_words, trace_words
from tbp.report.parts.change_sorts import GLYPHS, SOUGHT, WORDS, Sort, sort_of
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.page_events import anchor_of
from tbp.report.parts.places import Places, series_href
from tbp.wording import verdicts, words

# So that a page stays below 200 kB: an item is about 450 bytes, a row without items 900.
MOST_ROWS = 100
MOST_ITEMS = 200
MOST_ITEMS_OF_A_ROW = 8

MOST_ACCEPTED = 4
"""Commands that accept an event: with more, a pattern is shorter."""

REASON_LENGTH = 160
"""Characters of why a change is acknowledged."""


class Chip(Struct, frozen=True):
    """How many changes of one sort."""

    sort: Sort
    glyph: str
    number: int
    word: str


class Item(Struct, frozen=True):
    """One series of the event."""

    benchmark: str
    parameters: str
    place: str  # machine and environment, where the site has more than one
    href: str
    sort: Sort
    glyph: str
    effect: str
    levels: str
    remark: str  # why it is only suspect; or how sure it is, and of a regression that was undone where
    alone: str  # of how many commits it may be one by its own runs, where that is more than the event's


class Lead(Struct, frozen=True):
    """The largest change of one sort in an event."""

    of: str  # "largest regression"; empty for the only series that moved
    item: Item


class Row(Struct, frozen=True):
    """One event: what one of the commits up to ``commit`` did."""

    anchor: str
    anchors: tuple[str, ...]  # further ids, of the commits that its series saw it at
    commit: CommitLink
    at_once: tuple[str, ...]  # a sentence for each machine and environment of which most series moved
    range: str  # which commits that are; empty where it is one
    seen_by: str  # how many of the machines that measured the same saw it; empty for a lone one
    is_one_machine: bool  # where it may be the machine rather than the code
    touching: str  # which of the commits touch the benchmark or its requirements
    sorts: tuple[Sort, ...]
    chips: tuple[Chip, ...]
    leads: tuple[Lead, ...]
    causes: tuple[str, ...]  # operators, in sentences
    others: tuple[str, ...]  # what else changed: "dependency change: torch 2.12 → 2.13"
    items: tuple[Item, ...]  # worst first
    more: int  # items that are not listed
    acknowledged: str  # who answers for it and why; empty where nobody does
    accepting: tuple[str, ...]  # commands that accept its regressions, for each benchmark and commit that saw it
    more_accepting: int  # such commands that are not listed


class ChangesPage(Struct, frozen=True):
    verdict: str
    counts: str  # what is counted here, beside what the summary counts
    chips: tuple[Chip, ...]  # of the whole site, with those there are none of
    rows: tuple[Row, ...]
    base: str  # in words: what is judged against, and what is not listed for it; empty for the whole history
    left_out: str  # in words: events that are too old to be listed


def changes_page(data: ReportData, order: Sequence[Commit]) -> ChangesPage:
    """All events. ``order`` is that of the site's commits, oldest first."""
    listed, past = _counted(data.events, data, order)
    places = Places.of(data.histories, data.faces)
    at_once = _at_once(listed, data.at_once)
    left = MOST_ITEMS
    rows: list[Row] = []
    taken = {anchor_of(event) for event in listed}
    for number, event in enumerate(listed[:MOST_ROWS]):
        row = _row(event, data, places, min(left, MOST_ITEMS_OF_A_ROW))
        seen_at = (change.range.first.hash for change in event.members if change.range is not None)
        anchors = tuple(
            anchor for anchor in dict.fromkeys(map(addresses.commit_anchor, seen_at)) if anchor not in taken
        )
        taken.update(anchors)
        rows.append(replace(row, at_once=at_once.get(number, ()), anchors=anchors))
        left -= len(row.items)
    older = len(listed) - len(rows)
    return ChangesPage(
        verdict=_verdict(listed),
        counts=_counts(listed),
        chips=_chips([change for event in listed for change in event.members], occurring=False),
        rows=tuple(rows),
        base=_base(past, data),
        left_out=f"{words.count(older, 'older event')}: see the pages of the benchmarks." * bool(older),
    )


def _at_once(events: Sequence[Event], at_once: Sequence[AtOnce]) -> dict[int, tuple[str, ...]]:
    """A sentence for each machine and environment of which most series moved, at the event with most of them."""
    votes: dict[tuple[str, str, str], Counter[int]] = {}
    for number, event in enumerate(events):
        for change in event.members:
            if change.range is not None:
                key = change.history.key
                sight = (change.range.first.hash, key.machine, key.environment)
                votes.setdefault(sight, Counter())[number] += 1
    sentences: dict[int, list[str]] = {}
    for moved in sorted(at_once, key=lambda moved: -moved.moved):
        counted = votes.get((moved.commit.hash, moved.machine, moved.environment))
        if counted:
            sentences.setdefault(counted.most_common(1)[0][0], []).append(sentence(moved))
    return {number: tuple(several) for number, several in sentences.items()}


def _counted(events: Sequence[Event], data: ReportData, order: Sequence[Commit]) -> tuple[Sequence[Event], int]:
    """The events after the base, and how many there are up to it; all of them without a base."""
    if data.base is None:
        return events, 0
    place = {commit.hash: at for at, commit in enumerate(order)}
    base = place.get(data.base.commit.hash, -1)
    counted = [event for event in events if place.get(event.range.first.hash, 0) > base]
    return counted, len(events) - len(counted)


def _base(past: int, data: ReportData) -> str:
    if data.base is None:
        return ""
    since = f"Judged since {words.cut(data.base.revision, 60)} ({data.base.commit.short})"
    return f"{since}; {words.count(past, 'event')} up to it {'is' if past == 1 else 'are'} not listed."


def acknowledgement(event: Event) -> str:
    """Why the event's regressions are accepted, in words; empty unless all of them are."""
    if any(sort_of(one) is Sort.REGRESSION for one in event.changes):
        return ""
    reasons = dict.fromkeys(one.evidence.change.acknowledged for one in event.changes)
    return "; ".join(words.cut(reason, REASON_LENGTH) for reason in reasons if reason)


def _verdict(events: Sequence[Event]) -> str:
    if not events:
        return "No level has shifted in any series."
    sorts = [{sort_of(one) for one in event.members} for event in events]
    worse, better, changed = Sort.REGRESSION, Sort.IMPROVEMENT, Sort.CHANGED
    numbers = (
        (sum(worse in own and better not in own for own in sorts), "made something worse"),
        (sum(better in own and worse not in own for own in sorts), "made something better"),
        (sum(worse in own and better in own for own in sorts), "did both"),
        (sum(not {worse, better} & own and changed in own for own in sorts), "changed something, for better or worse"),
        (sum(not {worse, better, changed} & own for own in sorts), "with other shifts of level"),
    )
    if not any(number for number, _ in numbers[:-1]):
        return f"No confirmed change of the code; {words.count(len(events), 'event')} with other shifts of level."
    said = ", ".join(f"{number:,} {verb}" for number, verb in numbers if number)
    return f"{words.count(len(events), 'event')} moved something: {said}."


def _counts(events: Sequence[Event]) -> str:
    """Why the numbers are others than those of the summary."""
    keys = [one.history.key for event in events for one in event.members]
    series = words.count(len(set(keys)), "series", "series")
    return (
        f"{words.count(len(keys), 'change')} of {series}, over the whole history: a series that moved three times "
        "is counted three times here. The summary counts each series once, by where it stands now."
    )


def _row(event: Event, data: ReportData, places: Places, most: int) -> Row:
    ranked = sorted(event.members, key=_rank)
    items = tuple(_item(change, places, event) for change in ranked[:most])
    accepting = _accepting(event)
    return Row(
        anchor=anchor_of(event),
        anchors=(),
        commit=commit_link(event.range.first, data.commit_url),
        at_once=(),
        range=_range(event),
        seen_by=event_words.seen_by(event.sightings, data.faces),
        is_one_machine=event.sightings.is_alone,
        touching=event_words.touching(event),
        sorts=tuple(dict.fromkeys(sort_of(change) for change in ranked)),
        chips=_chips(ranked),
        leads=_leads(ranked, places, event),
        causes=_causes(ranked),
        others=_others(ranked),
        items=items if len(ranked) > 1 else (),
        more=len(ranked) - len(items) if len(ranked) > 1 else 0,
        acknowledged=acknowledgement(event),
        accepting=accepting[:MOST_ACCEPTED],
        more_accepting=max(0, len(accepting) - MOST_ACCEPTED),
    )


def _leads(ranked: Sequence[SeriesChange], places: Places, event: Event) -> tuple[Lead, ...]:
    """The largest regression and the largest improvement, else the first of what there is."""
    if len(ranked) == 1:
        return (Lead("", _item(ranked[0], places, event)),)
    first = {sort_of(change): change for change in reversed(ranked)}
    sure = [sort for sort in Sort if sort in SOUGHT and sort in first]
    told = sure or [sort_of(ranked[0])]
    noun = {sort: word for sort, (word, _) in WORDS.items()} | {Sort.CHANGED: "change"}
    return tuple(Lead(f"largest {noun[sort]}", _item(first[sort], places, event)) for sort in told)


def _accepting(event: Event) -> tuple[str, ...]:
    """An acknowledgement names the commit at which the series itself saw it."""
    worse = [change for change in event.changes if sort_of(change) is Sort.REGRESSION]
    seen_at = dict.fromkeys(
        (change.history.key.benchmark, change.range.first) for change in worse if change.range is not None
    )
    commands = (addresses.accept(benchmark, commit) for benchmark, commit in seen_at)
    return tuple(filter(None, commands))


def _rank(change: SeriesChange) -> tuple[object, ...]:
    """What is sure before what is suspect, worse before better, large before small."""
    size = abs(change.worsening)
    return list(Sort).index(sort_of(change)), -size if math.isfinite(size) else -math.inf, change.history.key


def _chips(changes: Sequence[SeriesChange], occurring: bool = True) -> tuple[Chip, ...]:
    counts = dict.fromkeys(Sort, 0)
    for change in changes:
        counts[sort_of(change)] += 1
    return tuple(
        Chip(sort, GLYPHS[sort], number, WORDS[sort][number != 1])
        for sort, number in counts.items()
        if number or (not occurring and sort in SOUGHT)
    )


def _range(event: Event) -> str:
    between = event.range
    if between.commits == 1:
        return event_words.narrowed(event)
    since = f", since {between.last_before.short}" if between.last_before is not None else ""
    earlier = "the one" if between.commits == 2 else f"one of the {between.commits - 1:,}"
    return "; ".join(filter(None, [f"this commit or {earlier} before it{since}", event_words.narrowed(event)]))


def _item(change: SeriesChange, places: Places, event: Event) -> Item:
    history, own = change.history, change.evidence.change
    sort = sort_of(change)
    doubt = own.doubt or "not confirmed"
    difference = words.signed_difference(own.before, own.after, history.unit)
    undone = verdicts.undone(history, change.evidence)
    sure = (verdicts.interval_of_change(own, history.unit, "+"), words.probability(own.p_value), undone)
    is_wider = change.range is not None and change.range.commits > event.range.commits
    return Item(
        benchmark=history.key.benchmark,
        parameters=history.key.label,
        place=places.name(history.key.machine, history.key.environment),
        href=series_href(history),
        sort=sort,
        glyph=GLYPHS[sort],
        effect=verdicts.effect(own, history.unit, history.better),
        levels=f"{verdicts.before_after(own, history.unit)} ({difference})",
        remark=f"suspect: {doubt}" if sort is Sort.SUSPECT else ", ".join(filter(None, sure)),
        alone=f"by itself {event_words.of_several(change.range)}" if is_wider else "",
    )


def _causes(ranked: Sequence[SeriesChange]) -> tuple[str, ...]:
    """The operators that account for the largest change whose traces name some."""
    for change in ranked:
        is_told = sort_of(change) is not Sort.SUSPECT
        found = trace_words.causes(change.evidence, change.history.unit) if is_told else ()
        if found:
            return found
    return ()


def _others(ranked: Sequence[SeriesChange]) -> tuple[str, ...]:
    changes = [change.evidence.change for change in ranked if sort_of(change) is Sort.EXPLAINED]
    return tuple(dict.fromkeys(": ".join(filter(None, [own.kind.value, own.explanation])) for own in changes))
