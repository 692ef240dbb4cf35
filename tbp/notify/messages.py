"""An event in words, before any form: who made what slower, by how much, how sure, by which operators; and what next.

Takes the data of a report and its events, gives ``EventMessage``s. Names that strangers chose are ``Foreign``: each
form makes them harmless in its way, and nothing else in a message needs that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias

from msgspec import Struct

from tbp.history.events import SeriesChange
from tbp.model.changes import State
from tbp.model.series import Commit
from tbp.nightly.told import DIGITS, ToldNote, event_id, told_before
from tbp.project.links import web_address
from tbp.report.base.report_data import ReportData
from tbp.report.parts import addresses, event_words, trace_words, triage_words
from tbp.report.parts.next_steps import next_steps
from tbp.report.parts.standing import StandingEvent, series_in
from tbp.wording import verdicts, words

MOST_ROWS = 20
"""Series of an event in a message, worst first; the report has all of them."""

MOST_NEW = 10
"""Messages of one run to one target, and issues that it opens. Old commits that are measured later, or `--each` where a
target begins, have hundreds of events, which nobody reads one by one. Dependabot opens five to ten pull requests."""

MOST_NAMED = 10
"""Events named in a message on several, the largest first: enough to see that it works, and no flood."""

MOST_BENCHMARKS = 2
MOST_NAME = 200  # characters; asv's names have up to 120, longer ones are made to hurt
MOST_SUBJECT = 100
MOST_FACT = 400
MOST_COMMAND = 800  # that of a cell with ten parameters has 300
MOST_TITLE = 200  # GitHub takes 256


class Foreign(Struct, frozen=True):
    """Text that a stranger chose."""

    text: str


Pieces: TypeAlias = tuple[str | Foreign, ...]
"""A line: tbp's words, and what strangers chose."""


class ChangedSeries(Struct, frozen=True):
    """A row: a series, and how it moved."""

    series: Pieces
    moved: str  # "1.00 ms → 1.12 ms, ▲ +12 % slower, 99 % CI 10–14 %"


class Command(Struct, frozen=True):
    """A command to copy, and what it is for."""

    purpose: str
    text: str  # one line without a character that acts unseen


class EventMessage(Struct, frozen=True):
    """All that is told of an event."""

    id: str  # digits, the same however often it is sent
    standing: StandingEvent
    is_better: bool
    headline: Pieces
    cause: Pieces  # the commits, their author, and the subject of the newest
    commit_href: str  # of the newest commit of its range; empty where nobody knows one
    rows: tuple[ChangedSeries, ...]
    left_out: int  # rows
    facts: tuple[Foreign, ...]  # sentences
    commands: tuple[Command, ...]
    report: str  # address of the event in the published report; empty where nobody knows one


class SummaryKind(StrEnum):
    """The reason why several events are told in one message."""

    STANDING = "standing"  # they stood already when the target began
    MORE = "more"  # a run had more than MOST_NEW


class SummaryMessage(Struct, frozen=True):
    """One message on several events."""

    id: str  # digits, the same however often it is sent
    kind: SummaryKind
    project: Foreign
    sentence: str
    events: tuple[EventMessage, ...]  # the largest ones
    left_out: int
    report: str

    @property
    def remark(self) -> str:
        """A sentence on what comes by itself."""
        if self.kind is SummaryKind.STANDING:
            return "From now on each new event comes by itself."
        return f"The {words.count(MOST_NEW - 1, 'largest event')} of the run came by themselves; the report has all."


Events: TypeAlias = Sequence[tuple[StandingEvent, bool]]
"""Events, each with True of an improvement."""


def parted(fresh: Events) -> tuple[Events, Events]:
    """The events of ``fresh`` that have a message each, and those that share one: MOST_NEW messages at most."""
    if len(fresh) <= MOST_NEW:
        return fresh, ()
    by_weight = sorted(range(len(fresh)), key=lambda number: (fresh[number][1], -len(fresh[number][0].leading)))
    alone = set(by_weight[: MOST_NEW - 1])
    return [fresh[number] for number in sorted(alone)], [fresh[number] for number in sorted(by_weight[MOST_NEW - 1 :])]


Quote: TypeAlias = Callable[[str], str]


def flat(pieces: Pieces, quote: Quote = words.one_line) -> str:
    """The line, with what strangers chose as ``quote`` makes it harmless."""
    return "".join(quote(piece.text) if isinstance(piece, Foreign) else piece for piece in pieces)


class MessageSource(Struct, frozen=True):
    """The data of the messages, and the address that their links lead to."""

    data: ReportData
    report_url: str = ""  # of the published report's folder; empty where there is none

    def message(self, standing: StandingEvent, note: ToldNote, is_better: bool = False) -> EventMessage:
        """The message on one event; one that was told before keeps its id."""
        known = told_before(standing.event, note, is_better)
        changes = standing.leading
        first = standing.event.range.first
        return EventMessage(
            id=min((event.id for event in known), default=event_id(standing.event, is_better)),
            standing=standing,
            is_better=is_better,
            headline=_headline(standing),
            cause=self._cause(standing),
            commit_href=addresses.commit_href(self.data.commit_url, first),
            rows=tuple(_row(change) for change in changes[:MOST_ROWS]),
            left_out=max(0, len(changes) - MOST_ROWS),
            facts=tuple(map(Foreign, self._facts(standing))),
            commands=_commands(standing),
            report=self._address(addresses.changes_of(first)),
        )

    def summary(self, kind: SummaryKind, events: Events, note: ToldNote) -> SummaryMessage:
        """The message on all ``events``."""
        largest = sorted(events, key=lambda each: (each[1], -len(each[0].leading)))[:MOST_NAMED]
        ids = " ".join(event_id(event.event, is_better) for event, is_better in events)
        return SummaryMessage(
            kind.value if kind is SummaryKind.STANDING else sha256(ids.encode()).hexdigest()[:DIGITS],
            kind,
            Foreign(words.cut(words.one_line(self.data.project), MOST_NAME)),
            f"{_numbers(kind, events)}, from {words.count(len(events), 'commit')}",
            tuple(self.message(event, note, is_better) for event, is_better in largest),
            len(events) - len(largest),
            self._address(addresses.INDEX),
        )

    def _address(self, page: str) -> str:
        return f"{self.report_url.rstrip('/')}/{page}" if web_address(self.report_url) else ""

    def _cause(self, standing: StandingEvent) -> Pieces:
        """``since 04342f08 by Ann (Fuse the mask)``, ``by one of 4 commits, e5f0a1b2..04342f08 …``."""
        event = standing.event
        several, first = event_words.of_several(event.range), event.range.first
        between = f"by {several}, {event_words.between(event.range)}" if several else f"since {first.short}"
        author = event_words.author(event_words.authors(event, self.data.in_ranges, self.data.in_order.hashes))
        likely = event_words.likely(event)
        pieces: list[str | Foreign] = [f"{likely} "] if likely else []
        pieces.append(Foreign(between) if not addresses.HASH.fullmatch(first.hash) else between)
        pieces += [" by ", Foreign(words.cut(author, MOST_NAME))] if author else []
        pieces += [" (", Foreign(_subject(first)), ")"] if first.subject else []
        return tuple(pieces)

    def _facts(self, standing: StandingEvent) -> list[str]:
        event, changes = standing.event, standing.leading
        causes = dict.fromkeys(
            cause for change in changes for cause in trace_words.causes(change.evidence, change.history.unit)
        )
        sentences = [
            f"operators: {'; '.join(list(causes)[: trace_words.CAUSES])}" if causes else "",
            event_words.sureness(changes),
            event_words.unsure(event),
            event_words.seen_by(event.sightings, self.data.faces),
            event_words.touching(event),
            triage_words.sentence(triage_words.notes(changes)),
        ]
        return [words.cut(sentence, MOST_FACT) for sentence in sentences if sentence]


def title(message: EventMessage) -> Pieces:
    """The headline and the commit, short enough for a title."""
    short = message.standing.event.range.first.short
    return (*message.headline, " since ", short if addresses.HASH.fullmatch(short) else Foreign(short))


def _numbers(kind: SummaryKind, events: Events) -> str:
    """``3 regressions stand already``, ``12 more regressions and 1 more improvement``."""
    worse = series_in((event for event, is_better in events if not is_better), State.REGRESSION)
    if kind is SummaryKind.STANDING:
        return f"{worse:,} {'regression stands' if worse == 1 else 'regressions stand'} already"
    better = series_in((event for event, is_better in events if is_better), State.IMPROVEMENT)
    return " and ".join(
        words.count(number, name)
        for number, name in ((worse, "more regression"), (better, "more improvement"))
        if number
    )


def _headline(standing: StandingEvent) -> Pieces:
    """``▲ +20 % slower: suite.time_x (n=100)``, ``▲ +20 % to +40 % slower: 5 series of suite.time_x, suite.time_y``."""
    changes = standing.leading
    names = list(dict.fromkeys(change.history.key.benchmark for change in changes))
    if len(changes) == 1:
        name: Pieces = (Foreign(words.cut(changes[0].history.key.name, MOST_NAME)),)
    else:
        several = words.named([words.cut(name, MOST_NAME // 2) for name in names], MOST_BENCHMARKS)
        name = (f"{len(changes):,} series of ", Foreign(several))
    return (f"{event_words.move(changes)}: ", *name)


def _row(change: SeriesChange) -> ChangedSeries:
    key, shown, unit = change.history.key, change.evidence.change, change.history.unit
    series = Foreign(words.cut(key.name, MOST_NAME))
    setup = Foreign(words.cut(str(key.setup), MOST_NAME))
    moved = [
        verdicts.before_after(shown, unit),
        verdicts.effect(shown, unit, change.history.better),
        verdicts.interval_of_change(shown, unit),
        words.probability(shown.p_value) if not shown.is_exact else "",
    ]
    return ChangedSeries((series, " on ", setup), ", ".join(filter(None, moved)))


def _commands(standing: StandingEvent) -> tuple[Command, ...]:
    """The commands that the report has; a command with a name that cannot be shown as it is stays out."""
    steps = next_steps(standing)
    several = (
        Command(steps.reason, steps.first),
        Command("measure both sides again, in turns", steps.gate if steps.gate != steps.first else ""),
        Command("accept it", steps.accept),
        Command("say who looks into it", steps.look_after),
    )
    return tuple(each for each in several if 0 < len(each.text) <= MOST_COMMAND and _is_shown(each.text))


def _is_shown(command: str) -> bool:
    return command.isprintable() and "`" not in command


def _subject(commit: Commit) -> str:
    return words.cut(words.one_line(commit.subject), MOST_SUBJECT)
