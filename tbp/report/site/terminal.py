"""The summary of a report for the terminal: its answer, the events that are new and those that stand, its problems.

Takes the data of a site, gives lines of text; the sentence, the events and their counts are those of the index.
Printing them is left to ``tbp.commands.output``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tbp.history.events import SeriesChange
from tbp.model.changes import UNMEASURED, State, is_measured
from tbp.model.series import SeriesKey
from tbp.project.directions import undirected
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.notes import first
from tbp.report.pages.index.page import NOT_MEASURED
from tbp.report.parts import event_words, triage_words
from tbp.report.parts.answer import Answer, answer, too_few
from tbp.report.parts.next_steps import next_steps
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import ranked
from tbp.report.parts.standing import BETTER, StandingEvent, series_in
from tbp.report.site.load import standing_regressions
from tbp.wording import verdicts, words

MOST_LINES = 30
"""Lines of a report, its problems on stderr among them: what a terminal shows at once, and a log of CI is read for."""

MOST_PROBLEMS = 3
"""Problems printed: the page of the report has all of them."""

MOST_NEW = 6
"""New events with a line; the first MOST_STEPS of them have a second one with the next step."""

MOST_STEPS = 3

MOST_BENCHMARKS = 2
"""Benchmarks named of one event: asv's names are long, and the number beside them counts the rest."""

BENCHMARK_LENGTH = 60
"""Characters of the name of a benchmark that has no line of its own: two fit beside a number."""

SUBJECT_LENGTH = 60
"""Characters of a commit's subject: git's own advice is 50."""


class ReportSummary(Struct, frozen=True):
    """The lines that a report prints, and the fact that decides its exit code."""

    lines: tuple[str, ...]
    problems: tuple[str, ...]  # sentences
    is_regressed: bool
    is_measured: bool  # False: no series has a value now


def report_summary(data: ReportData, index: Path, is_whole: bool = False) -> ReportSummary:
    """The answer, a line for each event, and the address of the report at ``index``.

    Unless ``is_whole``, lines and problems together are at most MOST_LINES.
    """
    answered, setup_names = answer(data), SetupNames.of(data.histories, data.faces)
    changed = [history.key.benchmark for history in ranked(data.histories) if history.state is State.CHANGED]
    opening = [answered.sentence, *([preface.sentence] if (preface := first(data)) is not None else [])]
    closing = [undirected(changed)] if changed else []
    closing += [
        *_better(answered),
        *_suspect(data, setup_names),
        *_not_measured(data),
        *filter(None, [too_few(data), data.lone]),
        f"report: {index.resolve()}",
    ]
    problems = tuple(data.problems) if is_whole else _first_of(data.problems, MOST_PROBLEMS, "problem")
    room = len(answered.events) * 2 if is_whole else MOST_LINES - len(problems) - len(opening) - len(closing)
    return ReportSummary(
        lines=(*opening, *event_lines(answered, data, setup_names, room, is_whole), *closing),
        problems=problems,
        is_regressed=bool(standing_regressions(data.histories)),
        is_measured=is_measured(history.state for history in data.histories),
    )


def event_lines(
    answered: Answer, data: ReportData, setup_names: SetupNames, room: int, is_whole: bool = False
) -> tuple[str, ...]:
    """At most ``room`` lines: the new events with what to do next, then those that stand from before, largest first."""
    new, older = list(answered.new), list(answered.events[len(answered.new) :])
    older.sort(key=lambda standing: (-len(standing.of(State.REGRESSION)), -len(standing.changes)))
    lines: list[str] = []
    for number, standing in enumerate(new if is_whole else new[:MOST_NEW]):
        lines.append(f"  new: {_line(standing, data, setup_names)}")
        step = next_steps(standing)
        lines += [f"       next: {step.first}"] if step.first and (is_whole or number < MOST_STEPS) else []
    rest = [*(f"  new: {_line(standing, data, setup_names)}" for standing in (() if is_whole else new[MOST_NEW:]))]
    rest += [f"  {_line(standing, data, setup_names)}" for standing in older]
    shown = rest if len(rest) <= room - len(lines) else rest[: max(0, room - len(lines) - 1)]
    lines += shown
    left_out = len(rest) - len(shown)
    return (*lines, f"  … and {words.count(left_out, 'more event')}: --all prints them") if left_out else tuple(lines)


def _line(standing: StandingEvent, data: ReportData, setup_names: SetupNames) -> str:
    """``2 regressions of NAME: ▲ +20 % slower since 03c0ffee by Ann Author (Fuse the mask); on both machines …``."""
    event, shown = standing.event, standing.changes
    moved = f"{_moved(shown, setup_names)}: {event_words.move(standing.leading)} {_since(standing, data)}"
    seen_by = event_words.seen_by(event.sightings, data.faces) or _lone_machine(shown, setup_names)
    in_turns = next((change for change in shown if change.evidence.change.in_turns), None)
    sure = event_words.sureness([in_turns]) if in_turns is not None else ""
    unsure = event_words.unsure(event)
    return "; ".join(filter(None, [moved, unsure, seen_by, sure, triage_words.sentence(triage_words.notes(shown))]))


def _moved(changes: Sequence[SeriesChange], setup_names: SetupNames) -> str:
    """How many series of which benchmarks: ``3 regressions of suite.time_thing``; of a single one its name."""
    if len(changes) == 1:
        return _name(changes[0].history.key, setup_names)
    benchmarks = list(dict.fromkeys(change.history.key.benchmark for change in changes))
    names = words.named(benchmarks, MOST_BENCHMARKS)
    if len(benchmarks) > 1:
        names = f"{words.count(len(benchmarks), 'benchmark')} ({names})"
    return f"{event_words.counted(changes)} of {names}"


def _name(key: SeriesKey, setup_names: SetupNames) -> str:
    return " ".join(filter(None, (key.benchmark, key.label, setup_names.name(key.setup))))


def _since(standing: StandingEvent, data: ReportData) -> str:
    """Its commits as the index has them: ``by one of 4 commits, 04342f08..4d7b91c0``, ``since 4d7b91c0``."""
    event = standing.event
    of_several, before = event_words.of_several(event.range), event.range.last_before
    at = f"since {event.range.first.short}"
    if of_several and before is not None:
        at = f"by {of_several}, {before.short}..{event.range.first.short}"
    author = event_words.author(event_words.authors(event, data.in_ranges, data.in_order.hashes))
    subject = words.cut(words.one_line(event.range.first.subject), SUBJECT_LENGTH)
    whose = f"by {author}" if author else "", f"({subject})" if subject else ""
    return " ".join(filter(None, [event_words.likely(event), at, *whose]))


def _lone_machine(changes: Sequence[SeriesChange], setup_names: SetupNames) -> str:
    """The machine of an event of several series that no other measured, where the site has several."""
    machines = {change.history.key.machine for change in changes}
    is_told = setup_names.has_machines and len(machines) == 1 and len(changes) > 1
    return f"on {setup_names.face(min(machines))}" if is_told else ""


def _better(answered: Answer) -> list[str]:
    number = series_in(answered.better, *BETTER)
    text = (
        f"{words.count(number, 'series is', 'series are')} better, from {words.count(len(answered.better), 'commit')}"
    )
    return [text] if number else []


def _suspect(data: ReportData, setup_names: SetupNames) -> list[str]:
    """The largest suspicion, and how many more there are."""
    suspects = [history for history in ranked(data.histories) if history.state is State.SUSPECT]
    if not suspects:
        return []
    more = f"; {len(suspects) - 1:,} more" if len(suspects) > 1 else ""
    return [f"suspect: {_name(suspects[0].key, setup_names)}: {verdicts.suspicion(suspects[0])}{more}"]


def _not_measured(data: ReportData) -> list[str]:
    """``without a verdict: 15 failed (3 benchmarks: a.time, b.time and 1 more), 1 vanished (c.time)``."""
    counts = []
    for state, phrase in NOT_MEASURED.items():
        of_state = [history.key.benchmark for history in data.histories if history.state is state]
        # Those with too few runs have a line of theirs.
        named = f" ({_benchmarks(of_state)})" if state in UNMEASURED else ""
        counts += [f"{len(of_state):,} {phrase}{named}"] if of_state else []
    return [f"without a verdict: {', '.join(counts)}"] if counts else []


def _benchmarks(of_series: Sequence[str]) -> str:
    """Their names, shortened, after how many they are where the series are more: ``3 benchmarks: a, b and 1 more``."""
    names = [words.shortened(name, BENCHMARK_LENGTH) for name in dict.fromkeys(of_series)]
    counted = f"{words.count(len(names), 'benchmark')}: " if 1 < len(names) < len(of_series) else ""
    return f"{counted}{words.named(names, MOST_BENCHMARKS)}"


def _first_of(sentences: Sequence[str], most: int, word: str) -> tuple[str, ...]:
    """At most ``most`` of the ``sentences`` and the number of the others."""
    if len(sentences) <= most + 1:
        return tuple(sentences)
    return (*sentences[:most], f"{words.count(len(sentences) - most, f'more {word}')}: --all prints them")
