"""One series in the table of the index, in words.

Takes a history and the data of its site, gives a ``IndexRow``; the order of rows is left to ``summary``, their HTML to
``pages``, and those that a script adds to ``index_data``.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from tbp.history.events import Event
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.series import Commit
from tbp.report.base.report_data import ReportData
from tbp.report.parts import event_words, trace_words, triage_words
from tbp.report.parts import since_change as since_then
from tbp.report.parts.addresses import series_href
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.facets import Facets
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.shown_change import shown_change, size, told_change, told_step
from tbp.report.parts.sparkline import Sparkline, sparkline
from tbp.wording import verdicts, words

TO_SEE_IT = "the page of the benchmark has the command that shows it"


class ShownStanding(Struct, frozen=True):
    """The newest level of a changed series, as it is shown."""

    leaving: str  # whether it is still at the level after the change
    net: str  # how far it is from its first level; empty where the change is all that happened
    is_left: bool
    is_net_worse: bool  # its change is for the better, and yet it is worse than at first


class IndexRow(Struct, frozen=True):
    """One series in the table of the index."""

    benchmark: str
    parameters: str
    setup_name: str  # machine and environment, where the site has more than one
    machine: str
    environment: str
    rig: int  # its number among those of the site's facets
    href: str
    state: State
    glyph: str  # empty beside a change, which has its arrow
    change: str
    sure: tuple[str, ...]  # its interval, p, and the runs on both sides; of a balance of several changes these
    levels: tuple[str, ...]  # before and after of a change, and how far it moved in its unit; else empty
    newest: str  # value
    standing: ShownStanding | None  # None without a change
    commit: CommitLink | None  # the first one at the new level that any series of its event has
    last_good: CommitLink | None  # the last one at the old level, where ``commit`` alone may not be the cause
    between: str  # why it may not be: "one of 4 commits", "noise leaves 2 commits possible, …"
    since: CommitLink | None  # the first commit of a balance of which ``commit`` made only the largest part
    causes: tuple[str, ...]
    no_cause: str  # why there are none of a change
    remark: str  # why there is no value, or no verdict; of a regression its state in acks.toml
    triage: triage_words.TriageNote | None  # that state, with its link
    size: float  # of the change shown, relative and without its sign; 0 without one, infinite from zero
    sparkline: Sparkline


def row(history: History, data: ReportData, setup_names: SetupNames, facets: Facets) -> IndexRow:
    """The row of one series."""
    key, standing = history.key, shown_change(history)
    shown, step = told_change(history), told_step(history)
    between = data.range_of(history, shown) if shown else None
    of_several = event_words.of_several(between)
    event = data.event_of.get((key, shown.change.index)) if shown else None
    first = _first_of_several(history, history.commit_at(shown.change.index) if shown else None, data)
    now = since_then.now(history, shown) if shown else None
    return IndexRow(
        benchmark=key.benchmark,
        parameters=key.label,
        setup_name=setup_names.name(key.setup),
        machine=key.machine,
        environment=key.environment,
        rig=facets.rig_of(key),
        href=series_href(history),
        state=history.state,
        glyph="" if standing and not standing.change.acknowledged else verdicts.GLYPHS[history.state],
        change=verdicts.effect(step, history.unit, history.better) if step else verdicts.PLURALS[history.state][0],
        sure=_sure(history, shown) if shown else (),
        levels=_levels(history, step) if step else (),
        newest=words.quantity(verdicts.newest_value(history), history.unit),
        standing=_standing(history, now) if now else None,
        commit=commit_link(between.first, data.commit_url) if between else None,
        last_good=commit_link(between.last_before, data.commit_url)
        if between and between.last_before and of_several
        else None,
        between=", ".join(_between(of_several, event, first)),
        since=first,
        causes=trace_words.causes(standing, history.unit) if standing else (),
        no_cause=_evidence(standing, history.unit) if standing else "",
        remark=_remark(history, standing),
        triage=triage_words.triage_note(standing.triage) if standing is not None and standing.triage else None,
        size=size(history),
        sparkline=sparkline(history),
    )


def _between(of_several: str, event: Event | None, first: CommitLink | None) -> Iterator[str]:
    """Why the commit may not be the cause."""
    part = f"the largest part of the change, which began at {first.short}" if first else ""
    yield from filter(None, [of_several, event_words.unsure(event) if event is not None else "", part])


def _levels(history: History, step: Change) -> tuple[str, ...]:
    before, after = step.before, step.after
    values = [words.quantity(value, history.unit) for value in (before, after)]
    return (*values, words.signed_difference(before, after, history.unit))


def _sure(history: History, evidence: ChangeEvidence) -> tuple[str, ...]:
    if shown_change(history) is not None and (steps := verdicts.steps(history)):
        return steps
    change = evidence.change
    runs = since_then.runs_around(history, evidence)
    counted = f"{runs[0]:,} + {words.count(runs[1], 'run')}"
    sure = [
        verdicts.interval_of_change(change, history.unit, "+"),
        words.probability(change.p_value) if change.confirmed else "",
    ]
    return tuple(filter(None, [*sure, counted]))


def _standing(history: History, now: since_then.Now) -> ShownStanding:
    return ShownStanding(
        since_then.leaving(history, now),
        since_then.net(history, now),
        now.is_left,
        since_then.is_net_worse(history, now),
    )


def _first_of_several(history: History, commit: Commit | None, data: ReportData) -> CommitLink | None:
    """The first commit of a balance of which ``commit`` made only the largest part; None of any other."""
    step = told_step(history)
    first = history.commit_at(step.index) if step is not None else None
    return commit_link(first, data.commit_url) if first is not None and first != commit else None


def _remark(history: History, standing: ChangeEvidence | None) -> str:
    if standing is not None:
        return triage_words.in_words(standing.triage) if standing.triage is not None else ""
    match history.state:
        case State.SUSPECT:
            return f"not confirmed: {history.suspect.change.doubt or 'too few runs to tell'}" if history.suspect else ""
        case State.FAILED | State.SKIPPED:
            return words.first_line(verdicts.newest_reason(history)) or f"{verdicts.NO_REASON}; {TO_SEE_IT}"
        case State.NOT_ENOUGH_DATA:
            return f"{verdicts.with_value(history)} so far"
        case State.STALE | State.VANISHED:
            return verdicts.last_run(history)
    return verdicts.explained(history)


def _evidence(standing: ChangeEvidence, unit: str) -> str:
    if standing.difference is None:
        return words.first_line(standing.note)
    return "" if trace_words.causes(standing, unit) else words.first_line(trace_words.in_a_line(standing, unit))
