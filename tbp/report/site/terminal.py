"""The summary of a report for the terminal: its verdict, the events with a change that stands, its problems.

Takes the data of a site, gives lines of text; the commits and counts are those of the index. Printing them is left to
``tbp.commands.output``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from tbp.history.events import Event, SeriesChange
from tbp.model.changes import ChangeEvidence, History, State
from tbp.project.directions import undirected
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.events import LEAST_SERIES
from tbp.report.pages.index.notes import first
from tbp.report.parts import event_words, triage_words
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import ranked
from tbp.report.parts.shown_change import shown_change
from tbp.report.parts.since_change import finding
from tbp.report.site.load import standing_regressions
from tbp.wording import verdicts, words

MOST_EVENTS = 20
"""Lines of events: with the verdict and the address of the report they leave a screen of 24 lines as it is."""

MOST_BENCHMARKS = 2
"""Benchmarks named of one event: asv's names are long, and the number beside them counts the rest."""


class ReportSummary(Struct, frozen=True):
    """The lines that a report prints, and the fact that decides its exit code."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]  # sentences
    is_regressed: bool


class StandingEvent(Struct):
    """The changes of one event that series are in the table for."""

    event: Event | None  # None of a change that is part of no event
    changes: list[SeriesChange]  # of the worst series first

    @property
    def regressions(self) -> int:
        """The number of its series that are regressions."""
        return sum(change.history.state is State.REGRESSION for change in self.changes)

    @property
    def is_shown(self) -> bool:
        """False for a step of a single series whose balance has a larger one: the index shows the larger one."""
        first = self.changes[0]
        return len(self.changes) >= LEAST_SERIES or first.evidence is first.history.standing


def report_summary(data: ReportData, index: Path) -> ReportSummary:
    """The verdict, a line per event with a change that stands, and the address of the report at ``index``."""
    histories = ranked(data.histories)
    changed = [history.key.benchmark for history in histories if history.state is State.CHANGED]
    remark = [undirected(changed)] if changed else []
    opening = [preface.sentence] if (preface := first(data)) is not None else []
    verdict = data.since_base(verdicts.verdict(histories))
    lines = (*opening, verdict, *event_lines(data, histories), *remark, f"report: {index.resolve()}")
    return ReportSummary(
        lines=lines,
        problems=tuple(data.problems),
        is_regressed=bool(standing_regressions(data.histories)),
    )


def event_lines(data: ReportData, histories: Sequence[History]) -> tuple[str, ...]:
    """A line for each event, those with most regressions first, then in the order of ``histories``, worst first."""
    setup_names = SetupNames.of(data.histories, data.faces)
    events = _standing_events(data, histories)
    lines = []
    for standing in events[:MOST_EVENTS]:
        lines.append(f"  {_line(standing, data, setup_names)}")
        lines += [f"    {_told(history, setup_names)}" for history in _in_turns(standing)]
    left_out = len(events) - MOST_EVENTS
    return (*lines, f"  … and {left_out:,} more: see the report") if left_out > 0 else tuple(lines)


def _standing_events(data: ReportData, histories: Iterable[History]) -> list[StandingEvent]:
    by_event: dict[int, StandingEvent] = {}  # by identity: an event holds whole histories
    for history in histories:
        for evidence in _standing_changes(history):
            event = data.event_of.get((history.key, evidence.change.index))
            key = id(evidence) if event is None else id(event)
            standing = by_event.setdefault(key, StandingEvent(event, []))
            standing.changes.append(SeriesChange(history, evidence))
    events = [standing for standing in by_event.values() if standing.is_shown]
    return sorted(events, key=lambda standing: -standing.regressions)


def _standing_changes(history: History) -> tuple[ChangeEvidence, ...]:
    """All regressions of a series that stand; else the change that it is in the table for."""
    shown, balance = shown_change(history), history.balance
    if shown is None or balance is None:
        return ()
    if history.state is not State.REGRESSION:
        return (shown,)
    return tuple(history.changes[number] for number in balance.regressions)


def _line(standing: StandingEvent, data: ReportData, setup_names: SetupNames) -> str:
    event = standing.event
    if event is None or len(standing.changes) < LEAST_SERIES:
        history = standing.changes[0].history
        return " ".join(filter(None, [_told(history, setup_names), _narrowed(standing), _triage_beside(standing)]))
    moved = ": ".join(filter(None, [_moved(standing.changes), event_words.sizes(standing.changes)]))
    seen_by = event_words.seen_by(event.sightings, data.faces) or _lone_machine(standing, setup_names)
    return "; ".join(filter(None, [f"{moved} {_since(event)}", seen_by, _triage(standing)]))


def _triage(standing: StandingEvent) -> str:
    """The state that acks.toml gives the changes: it counts on, as it is not accepted."""
    members = tuple(change for change in standing.changes if change.evidence.triage is not None)
    return triage_words.sentence(triage_words.notes(members))


def _triage_beside(standing: StandingEvent) -> str:
    """That state as a sentence behind other ones."""
    state = _triage(standing)
    return f"{state[:1].upper()}{state[1:]}." if state else ""


def _in_turns(standing: StandingEvent) -> list[History]:
    """The first series of an event of several whose change pairs of processes confirmed: the surest evidence."""
    several = standing.changes if len(standing.changes) >= LEAST_SERIES else []
    return [change.history for change in several if change.evidence.change.in_turns][:1]


def _told(history: History, setup_names: SetupNames) -> str:
    return f"{_name(history, setup_names)}: {finding(history)}"


def _name(history: History, setup_names: SetupNames) -> str:
    key = history.key
    return " ".join(filter(None, (key.benchmark, key.label, setup_names.name(key.setup))))


def _moved(changes: Sequence[SeriesChange]) -> str:
    """How many series of which benchmarks: ``3 regressions of suite.time_thing``."""
    counts = Counter(change.history.state for change in changes)
    states = [f"{number:,} {verdicts.PLURALS[state][number != 1]}" for state, number in counts.items()]
    benchmarks = list(dict.fromkeys(change.history.key.benchmark for change in changes))
    names = words.named(benchmarks, MOST_BENCHMARKS)
    if len(benchmarks) > 1:
        names = f"{words.count(len(benchmarks), 'benchmark')} ({names})"
    return f"{', '.join(states)} of {names}"


def _since(event: Event) -> str:
    """Its commits as the index has them: ``by one of 4 commits, 04342f08..4d7b91c0``, ``since 4d7b91c0``."""
    of_several, before = event_words.of_several(event.range), event.range.last_before
    if of_several and before is not None:
        return f"by {of_several}, {before.short}..{event.range.first.short}"
    return f"since {event.range.first.short}"


def _lone_machine(standing: StandingEvent, setup_names: SetupNames) -> str:
    """The machine of an event that no other measured, where the site has several."""
    machines = {change.history.key.machine for change in standing.changes}
    return f"on {setup_names.face(min(machines))}" if setup_names.has_machines and len(machines) == 1 else ""


def _narrowed(standing: StandingEvent) -> str:
    """The commit by all series of the event, where the sentence on this series names another one."""
    history, evidence, event = standing.changes[0].history, standing.changes[0].evidence, standing.event
    is_of_several = history.balance is not None and history.balance.is_of_several
    if event is None or is_of_several or event.range.first == history.commit_at(evidence.change.index):
        return ""
    return f"With the other series of its event: {_since(event)}."
