"""The first screen of the index: the sentence of the answer, its events as cards and as lines, and the windows.

Takes the answer and the data of a site, gives words and addresses; the HTML belongs to the templates. Events that are
new in the usual window are cards in the page; a line stands for each older one, and a script puts its card there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from msgspec import Struct

from tbp.history.events import SeriesChange
from tbp.history.shift_sentences import brief
from tbp.model.changes import State
from tbp.model.series import SeriesKey
from tbp.project import directions
from tbp.report.base.report_data import ReportData
from tbp.report.parts import addresses, change_sides, event_words, since_change, trace_words, triage_words
from tbp.report.parts.addresses import series_href
from tbp.report.parts.answer import Answer
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.next_steps import NextSteps, next_steps
from tbp.report.parts.page_events import anchor_of
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.standing import BETTER, StandingEvent, series_in
from tbp.report.parts.windows import NewsWindow, windows
from tbp.wording import verdicts, words

MOST_CARDS = 8
"""Cards in the page itself, of 2 kB each: what a reader looks through before asking for more."""

MOST_LINES = 25
"""Older events with a line in the page, of 500 bytes each; the page of changes has all of them."""

MOST_NAMED = 3
"""Series named on a card: the largest, and enough others to see what they have in common."""

MOST_BENCHMARKS = 2
"""Benchmarks named on a line."""

MOST_IN_RANGE = 8
"""Commits of a range that are listed with their authors."""

AGES = ((30, "Up to a month before the newest result"), (90, "Up to three months before the newest result"),
        (365, "Up to a year before the newest result"))  # fmt: skip
"""Days, and the heading of older events up to that age."""

OLDER = "More than a year before the newest result"


class NamedSeries(Struct, frozen=True):
    """One of the series of an event."""

    benchmark: str
    parameters: str
    setup_name: str
    href: str
    effect: str  # empty for the only one, whose effect is that of the event
    levels: str
    interval: str


class EventCard(Struct, frozen=True):
    """One event with a regression, or a change of unknown merit, that stands."""

    anchor: str
    href: str  # of it on the page of changes
    moment: str  # of its newest commit, as scripts compare it
    regressions: tuple[int, ...]  # places of such series among the rows
    changed: tuple[int, ...]
    state: State
    effect: str  # "▲ +39 % to +42 % slower"
    extent: str  # "18 regressions of 2 benchmarks"
    benchmarks: str  # the first of them
    named: tuple[NamedSeries, ...]
    more: int  # series that are not named
    still: str  # whether it is still so; empty where nothing was measured since
    sure: str  # of the largest
    unsure: str  # which other commits noise leaves possible
    commit: CommitLink  # the newest of the range
    before: CommitLink | None  # the last one before the range, where that is several commits
    of_several: str  # "one of 4 commits"
    author: str
    in_range: tuple[CommitLink, ...]  # the newest commits of a range of several
    more_in_range: int
    seen_by: str
    is_one_machine: bool
    beside: str  # what else changed with the largest, as far as it is recorded
    touching: str
    at_once: tuple[str, ...]  # what most series of a machine have in common
    causes: tuple[str, ...]  # operators
    triage: tuple[triage_words.TriageNote, ...]  # what acks.toml has of it
    steps: NextSteps


class AgeGroup(Struct, frozen=True):
    """Older events of about one age; ``lines`` are their places among the cards."""

    heading: str
    lines: tuple[int, ...]


class WindowChoice(Struct, frozen=True):
    """A window with its sentence."""

    window: NewsWindow
    since: str  # as scripts compare it
    sentence: str
    better: str  # how many series are better in it; empty for none
    is_usual: bool


class AnswerPart(Struct, frozen=True):
    """All the first screen says."""

    sentence: str
    choices: tuple[WindowChoice, ...]
    cards: tuple[EventCard, ...]  # of every event, newest first
    new: int  # the first so many are new in the usual window
    groups: tuple[AgeGroup, ...]
    left_out: int  # older events without a line
    better: tuple[EventCard, ...]
    better_said: str  # "3 series improved in the 7 days to …; 40 series are better than before."
    standing: int
    standing_from: int  # events with one of these
    silent: str  # how the sentence ends: which series may hide a regression
    base: str  # how a sentence begins where a revision is judged against
    id: str  # of the report: another one where there are other results or events
    undirected: str  # how to say which direction is better, where a series changed and nothing says it
    missing: str  # what a reader misses where no repository is beside the results

    @property
    def shown(self) -> tuple[EventCard, ...]:
        """The cards in the page itself."""
        return self.cards[: min(self.new, MOST_CARDS)]


class _Context(Struct, frozen=True):
    """Facts of the whole site that a card needs."""

    data: ReportData
    setup_names: SetupNames
    places: Mapping[SeriesKey, int]  # of series among the rows
    at_once: Mapping[str, tuple[str, ...]]  # sentences by hash


def answer_part(
    answer: Answer, data: ReportData, setup_names: SetupNames, places: Mapping[SeriesKey, int]
) -> AnswerPart:
    """The first screen of ``data``; ``places`` has those of the series among the rows."""
    context = _Context(data, setup_names, places, _at_once(data))
    cards = tuple(_card(standing, context) for standing in answer.events)
    changed = [change.history.key.benchmark for event in answer.events for change in event.of(State.CHANGED)]
    lines = range(len(answer.new), min(len(cards), len(answer.new) + MOST_LINES))
    return AnswerPart(
        sentence=answer.sentence,
        choices=tuple(_choice(window, answer) for window in windows(data)),
        cards=cards,
        new=len(answer.new),
        groups=_groups(lines, answer.events, data),
        left_out=len(cards) - lines.stop,
        better=tuple(_card(standing, context) for standing in answer.better[:MOST_LINES]),
        better_said=_better_said(answer),
        standing=answer.standing,
        standing_from=answer.standing_from,
        silent=answer.silent,
        base=data.since_base(""),
        id=_id(cards, data),
        undirected=directions.undirected(changed) if changed else "",
        missing=_missing(answer.events),
    )


def _choice(window: NewsWindow, answer: Answer) -> WindowChoice:
    number = answer.better_within(window)
    better = f"{words.count(number, 'series', 'series')} improved {window.words}".strip() if number else ""
    return WindowChoice(window, iso(window.since), answer.sentence_on(window), better, window == answer.window)


def iso(moment: datetime) -> str:
    """A moment whose texts are in the order of time."""
    return moment.astimezone(UTC).isoformat()[:19]


def _groups(lines: range, events: Sequence[StandingEvent], data: ReportData) -> tuple[AgeGroup, ...]:
    if data.newest is None:
        return ()
    newest = data.newest.date

    def heading(number: int) -> str:
        days = (newest - events[number].event.range.first.date).days
        return next((text for most, text in AGES if days <= most), OLDER)

    return tuple(AgeGroup(text, tuple(several)) for text, several in groupby(lines, key=heading))


def _card(standing: StandingEvent, context: _Context) -> EventCard:
    event, shown, data = standing.event, standing.changes, context.data
    of_several, before = event_words.of_several(event.range), event.range.last_before
    in_range = event_words.in_range(event, data.in_ranges, data.in_order.hashes)
    benchmarks = list(dict.fromkeys(change.history.key.benchmark for change in shown))
    return EventCard(
        anchor=anchor_of(event),
        href=f"changes.html#{anchor_of(event)}",
        moment=iso(event.range.first.date),
        regressions=tuple(context.places[change.history.key] for change in standing.of(State.REGRESSION)),
        changed=tuple(context.places[change.history.key] for change in standing.of(State.CHANGED)),
        state=shown[0].history.state,
        effect=event_words.move(standing.leading),
        extent=_extent(standing, len(benchmarks)),
        benchmarks=words.named(benchmarks, MOST_BENCHMARKS),
        named=_named(standing, context.setup_names),
        more=max(0, len(shown) - MOST_NAMED),
        still=since_change.still_so(shown),
        sure=event_words.sureness(shown),
        unsure=event_words.unsure(event),
        commit=commit_link(event.range.first, data.commit_url),
        before=commit_link(before, data.commit_url) if of_several and before is not None else None,
        of_several=of_several,
        author=event_words.author(event_words.authors(event, data.in_ranges, data.in_order.hashes)),
        in_range=tuple(commit_link(commit, data.commit_url) for commit in in_range[:MOST_IN_RANGE]),
        more_in_range=max(0, len(in_range) - MOST_IN_RANGE),
        seen_by=event_words.seen_by(event.sightings, data.faces),
        is_one_machine=event.sightings.is_alone,
        beside=change_sides.around(shown[0].evidence).brief,
        touching=event_words.touching(event),
        at_once=context.at_once.get(event.range.first.hash, ()),
        causes=_causes(standing),
        triage=triage_words.notes(shown),
        steps=next_steps(standing),
    )


def _extent(standing: StandingEvent, benchmarks: int) -> str:
    count = event_words.counted(standing.changes)
    return f"{count} of {words.count(benchmarks, 'benchmark')}" if len(standing.changes) > 1 else ""


def _named(standing: StandingEvent, setup_names: SetupNames) -> tuple[NamedSeries, ...]:
    shown, is_only = standing.changes, len(standing.changes) == 1
    return tuple(
        NamedSeries(
            benchmark=change.history.key.benchmark,
            parameters=change.history.key.label,
            setup_name=setup_names.name(change.history.key.setup),
            href=series_href(change.history),
            effect="" if is_only else event_words.move((change,)),
            levels=verdicts.before_after(change.evidence.change, change.history.unit),
            interval=verdicts.interval_of_change(change.evidence.change, change.history.unit, "+"),
        )
        for change in _named_first(shown)
    )


def _named_first(shown: Sequence[SeriesChange]) -> Sequence[SeriesChange]:
    """The series to name, in their order: the largest change of every benchmark rather than several of one."""
    benchmarks = [change.history.key.benchmark for change in shown]
    is_again = [benchmark in benchmarks[:number] for number, benchmark in enumerate(benchmarks)]
    chosen = sorted(range(len(shown)), key=is_again.__getitem__)[:MOST_NAMED]
    return [shown[number] for number in sorted(chosen)]


def _causes(standing: StandingEvent) -> tuple[str, ...]:
    """The operators of the largest change whose traces name some."""
    several = (trace_words.causes(change.evidence, change.history.unit) for change in standing.changes)
    return next(filter(None, several), ())


def _at_once(data: ReportData) -> dict[str, tuple[str, ...]]:
    sentences: dict[str, tuple[str, ...]] = {}
    for shift in data.at_once_since_base:
        sentences[shift.commit.hash] = (*sentences.get(shift.commit.hash, ()), brief(shift))
    return sentences


def _better_said(answer: Answer) -> str:
    number = words.count(series_in(answer.better, *BETTER), "series", "series")
    return f"{number} better than before, from {words.count(len(answer.better), 'commit')}"


def _id(cards: Sequence[EventCard], data: ReportData) -> str:
    newest = data.newest.hash if data.newest is not None else ""
    return addresses.digest(repr([newest, *(card.anchor for card in cards)]), addresses.ANCHOR_LENGTH)


def _missing(events: Sequence[StandingEvent]) -> str:
    if not events or any(standing.event.range.first.author for standing in events):
        return ""
    return (
        "Authors and subjects are missing, because no git repository was found beside the results. "
        "Name the project: tbp report --config PATH/asv.conf.json."
    )
