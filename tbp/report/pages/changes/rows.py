"""One event on the page of changes: its series, causes and the commands that accept it.

Takes an event, gives words and addresses; the HTML belongs to the template.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from tbp.history.events import Event, SeriesChange
from tbp.model.series import SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.parts import addresses, event_words, trace_words, triage_words
from tbp.report.parts.addresses import series_href
from tbp.report.parts.change_sorts import GLYPHS, SOUGHT, WORDS, Sort, counted_sort, sort_of
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.page_events import anchor_of
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import Tile
from tbp.wording import verdicts, words

MOST_ACCEPTED = 5
"""Commands that accept an event or one of its benchmarks: with more, a pattern is shorter."""


class Item(Struct, frozen=True):
    """One series of the event."""

    benchmark: str
    parameters: str
    setup_name: str  # machine and environment, where the site has more than one
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


class ChangesRow(Struct, frozen=True):
    """One event: what one of the commits up to ``commit`` did."""

    anchor: str
    anchors: tuple[str, ...]  # further ids, of the commits that its series saw it at
    rigs: str  # those of its series, as ``Facets.mask``
    commit: CommitLink
    at_once: tuple[str, ...]  # a sentence for each machine and environment of which most series moved
    range: str  # which commits that are; empty where it is one
    seen_by: str  # how many of the machines that measured the same saw it; empty for a lone one
    is_one_machine: bool  # where it may be the machine rather than the code
    touching: str  # which of the commits touch the benchmark or its requirements
    sorts: tuple[Sort, ...]
    chips: tuple[Tile, ...]
    leads: tuple[Lead, ...]
    causes: tuple[str, ...]  # operators, in sentences
    other_changes: tuple[str, ...]  # what else changed: "dependency change: torch 2.12 → 2.13"
    items: tuple[Item, ...]  # worst first
    more: int  # items that are not listed
    is_accepted: bool  # all its regressions are
    triage: tuple[triage_words.TriageNote, ...]  # what acks.toml says of them
    accepting: tuple[str, ...]  # commands that accept all its regressions, and those of each benchmark and commit
    more_accepting: int  # such commands that are not listed


def changes_row(event: Event, data: ReportData, setup_names: SetupNames, most: int) -> ChangesRow:
    """The row of an event, with at most ``most`` of its series."""
    ranked = sorted(event.members, key=_rank)
    items = tuple(_item(change, setup_names, event) for change in ranked[:most])
    accepting = _accepting(event)
    return ChangesRow(
        anchor=anchor_of(event),
        anchors=(),
        rigs="",
        commit=commit_link(event.range.first, data.commit_url),
        at_once=(),
        range=_range(event),
        seen_by=_sentence(event_words.seen_by(event.sightings, data.faces)),
        is_one_machine=event.sightings.is_alone,
        touching=_sentence(event_words.touching(event)),
        sorts=tuple(dict.fromkeys(counted_sort(change) for change in ranked)),
        chips=chips(ranked),
        leads=_leads(ranked, setup_names, event),
        causes=_causes(ranked),
        other_changes=_other_changes(ranked),
        items=items if len(ranked) > 1 else (),
        more=len(ranked) - len(items) if len(ranked) > 1 else 0,
        is_accepted=is_accepted(event),
        triage=triage_words.event_notes(event),
        accepting=accepting[:MOST_ACCEPTED],
        more_accepting=max(0, len(accepting) - MOST_ACCEPTED),
    )


def _leads(ranked: Sequence[SeriesChange], setup_names: SetupNames, event: Event) -> tuple[Lead, ...]:
    """The largest regression and the largest improvement, else the first of what there is."""
    if len(ranked) == 1:
        return (Lead("", _item(ranked[0], setup_names, event)),)
    first = {counted_sort(change): change for change in reversed(ranked)}
    sure = [sort for sort in Sort if sort in SOUGHT and sort in first]
    shown = sure or [counted_sort(ranked[0])]
    noun = {sort: word for sort, (word, _) in WORDS.items()} | {Sort.CHANGED: "change"}
    return tuple(Lead(f"largest {noun[sort]}", _item(first[sort], setup_names, event)) for sort in shown)


def _accepting(event: Event) -> tuple[str, ...]:
    """The command for the whole event, then those for a benchmark, which name the commit at which a series saw it."""
    worse = [change for change in event.changes if sort_of(change) is Sort.REGRESSION]
    seen_at = dict.fromkeys(
        (change.history.key.benchmark, change.range.first) for change in worse if change.range is not None
    )
    commands = list(filter(None, (addresses.accept(benchmark, commit) for benchmark, commit in seen_at)))
    whole = addresses.accept_event(event.range.last_before, event.range.first) if worse else ""
    if whole and len({benchmark for benchmark, _ in seen_at}) == 1:
        return (whole,)
    return tuple(filter(None, [whole, *commands]))


def _rank(change: SeriesChange) -> tuple[object, ...]:
    """A key that sorts changes that count first, sure ones before suspect ones, then worse ones, then large ones."""
    size = abs(change.worsening)
    return list(Sort).index(counted_sort(change)), -size if math.isfinite(size) else -math.inf, change.history.key


def chips(changes: Sequence[SeriesChange], occurring: bool = True) -> tuple[Tile, ...]:
    """How many series have a change of each sort; of the sought sorts also none, unless only ``occurring``."""
    series: dict[Sort, set[SeriesKey]] = {sort: set() for sort in Sort}
    for change in changes:
        series[counted_sort(change)].add(change.history.key)
    counts = {sort: len(keys) for sort, keys in series.items()}
    return tuple(
        Tile(sort, number, WORDS[sort][number != 1], GLYPHS[sort])
        for sort, number in counts.items()
        if number or (not occurring and sort in SOUGHT)
    )


def _range(event: Event) -> str:
    between, certainty = event.range, (event_words.narrowed(event), event_words.unsure(event))
    if between.commits == 1:
        return _sentence("; ".join(filter(None, certainty)))
    since = f", after {between.last_before.short}" if between.last_before is not None else ""
    earlier = "the one" if between.commits == 2 else f"one of the {between.commits - 1:,}"
    made = f"made by this commit or {earlier} before it{since}"
    return _sentence("; ".join(filter(None, [made, *certainty])))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _item(change: SeriesChange, setup_names: SetupNames, event: Event) -> Item:
    history, shown = change.history, change.evidence.change
    sort, counted = sort_of(change), counted_sort(change)
    doubt = shown.doubt or "not confirmed"
    difference = words.signed_difference(shown.before, shown.after, history.unit)
    undone = verdicts.undone(history, change.evidence)
    sure = (verdicts.interval_of_change(shown, history.unit, "+"), words.probability(shown.p_value), undone)
    is_wider = change.range is not None and change.range.commits > event.range.commits
    return Item(
        benchmark=history.key.benchmark,
        parameters=history.key.label,
        setup_name=setup_names.name(history.key.setup),
        href=series_href(history),
        sort=counted,
        glyph=GLYPHS[counted],
        effect=verdicts.effect(shown, history.unit, history.better),
        levels=f"{verdicts.before_after(shown, history.unit)} ({difference})",
        remark=f"suspect: {doubt}" if sort is Sort.SUSPECT else ", ".join(filter(None, sure)),
        alone=f"going by this series alone, {event_words.of_several(change.range)}" if is_wider else "",
    )


def _causes(ranked: Sequence[SeriesChange]) -> tuple[str, ...]:
    """The operators that account for the largest change whose traces name some."""
    for change in ranked:
        is_told = sort_of(change) is not Sort.SUSPECT
        causes = trace_words.causes(change.evidence, change.history.unit) if is_told else ()
        if causes:
            return causes
    return ()


def _other_changes(ranked: Sequence[SeriesChange]) -> tuple[str, ...]:
    changes = [change.evidence.change for change in ranked if sort_of(change) is Sort.EXPLAINED]
    return tuple(dict.fromkeys(": ".join(filter(None, [change.kind.value, change.explanation])) for change in changes))


def is_accepted(event: Event) -> bool:
    """True where the project accepts some of the event's regressions, and no other is left."""
    sorts = set(map(sort_of, event.changes))
    return Sort.ACKNOWLEDGED in sorts and Sort.REGRESSION not in sorts
