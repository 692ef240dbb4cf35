"""One series in the table of the index, in words.

Takes a history and what it is seen among, gives a ``Row``; the order of rows is left to ``summary``, their HTML to
``pages``, and those that a script adds to ``index_data``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from tbp.acks import found_ack
from tbp.history.ranges import Range, range_of
from tbp.history.series import Change, ChangeEvidence, Commit, History, State
from tbp.report import addresses, event_words, traced, words
from tbp.report import now as since_then
from tbp.report.model import ReportData
from tbp.report.places import Places, series_href
from tbp.report.sparkline import Sparkline, sparkline

TO_SEE_IT = "its page has the command that shows it"

DEVICE = "device"
"""The parameter that says where a workload runs; tbp's suites have it, and others by convention."""


LARGEST = 1e6
"""The size of a change that scripts compare with."""

SIZE_DIGITS = 4  # 0.01 %


class CommitLink(Struct, frozen=True):
    """A commit as it is shown; ``href`` is empty where there is nowhere to link to."""

    short: str
    hash: str
    subject: str
    date: str
    href: str

    @property
    def anchor(self) -> str:
        """Its id on the page of changes."""
        return addresses.commit_anchor(self.hash)


class Standing(Struct, frozen=True):
    """Where a changed series is now, as it is shown."""

    leaving: str  # whether it is still at the level after the change
    net: str  # how far it is from its first level; empty where the change is all that happened
    is_left: bool
    is_net_worse: bool  # its change is for the better, and yet it is worse than at first


class Row(Struct, frozen=True):
    """One series in the table of the index."""

    benchmark: str
    parameters: str
    place: str  # machine and environment, where the site has more than one
    machine: str
    environment: str
    device: str  # empty where no parameter tells it
    href: str
    state: State
    glyph: str  # empty beside a change, which has its arrow
    change: str
    sure: tuple[str, ...]  # its interval, p, and the runs on both sides; of a balance of several changes these
    levels: tuple[str, ...]  # before and after of a change, and how far it moved in its unit; else empty
    newest: str  # value
    standing: Standing | None  # None without a change
    commit: CommitLink | None  # the first one at the new level that any series of its event has
    last_good: CommitLink | None  # the last one at the old level, where ``commit`` alone may not be the cause
    between: str  # why it may not be: "one of 4 commits", "the largest part; the first at 04342f08"
    since: CommitLink | None  # the first commit of a balance of which ``commit`` made only the largest part
    causes: tuple[str, ...]
    no_cause: str  # why there are none of a change
    remark: str  # why there is no value, or no verdict
    size: float  # of the change shown, relative and without its sign; 0 without one, infinite from zero
    sparkline: Sparkline


class Among(Struct, frozen=True):
    """What a row says depends on what else is on the site."""

    data: ReportData
    places: Places


def among(data: ReportData) -> Among:
    """What the rows of ``data`` need to know of each other, gathered once."""
    return Among(data, Places.of(data.histories, data.faces))


def commit_link(commit: Commit, commit_url: str) -> CommitLink:
    """The commit with its date and, where ``commit_url`` is a web address, a link."""
    href = addresses.commit_href(commit_url, commit)
    return CommitLink(commit.short, commit.hash, commit.subject, words.moment(commit.date), href)


def span(commits: Sequence[Commit]) -> str:
    """``04342f08 (2026-05-01 13:37 UTC) to …``: the first and the last; empty without any."""
    ends = dict.fromkeys([*commits[:1], *commits[-1:]])
    return " to ".join(f"{commit.short} ({words.moment(commit.date)})" for commit in ends)


def changed_at(history: History, what: ChangeEvidence) -> Commit | None:
    """The first commit with the new level."""
    index = what.change.index
    return history.points[index].commit if 0 <= index < len(history.points) else None


def shown_change(history: History) -> ChangeEvidence | None:
    """The change a series is in the table for: the standing one, if its state is one of change."""
    return history.standing if history.state in words.STATES_OF_CHANGE else None


def told_change(history: History) -> ChangeEvidence | None:
    """The same, or the suspect one of a series that has no other."""
    return shown_change(history) or (history.suspect if history.state is State.SUSPECT else None)


def told_step(history: History) -> Change | None:
    """The one step for which the series is in the table: the balance of its changes, or the change that is shown."""
    if shown_change(history) is not None:
        return history.standing_change
    shown = told_change(history)
    return shown.change if shown is not None else None


def size(history: History) -> float:
    """How large the step is that the series is in the table for, suspect ones too; 0 without one."""
    shown = told_step(history)
    if shown is None:
        return 0.0
    relative = abs(words.relative(shown))
    # From zero there is no ratio; such a change goes first.
    return relative if math.isfinite(relative) else math.inf


def told_size(relative: float) -> float:
    """The size of a change as scripts compare it: without its sign, to 0.01 %; from zero, where it is infinite or
    nothing, as much as any, since JSON has no infinity."""
    return round(min(abs(relative), LARGEST), SIZE_DIGITS) if math.isfinite(relative) else LARGEST


def row(history: History, seen: Among) -> Row:
    """The row of one series."""
    key, data, standing = history.key, seen.data, shown_change(history)
    shown, step = told_change(history), told_step(history)
    between = _range(history, shown, data) if shown else None
    of_several = event_words.of_several(between)
    first = _first_of_several(history, changed_at(history, shown) if shown else None, data)
    now = since_then.now(history, shown) if shown else None
    return Row(
        benchmark=key.benchmark,
        parameters=key.label,
        place=seen.places.name(key.machine, key.environment),
        machine=key.machine,
        environment=key.environment,
        device=dict(key.parameters).get(DEVICE, ""),
        href=series_href(history),
        state=history.state,
        glyph="" if standing and not standing.change.acknowledged else words.GLYPHS[history.state],
        change=words.effect(step, history.unit, history.better) if step else words.PLURALS[history.state][0],
        sure=_sure(history, shown) if shown else (),
        levels=_levels(history, step) if step else (),
        newest=words.quantity(words.newest_value(history), history.unit),
        standing=_standing(history, now) if now else None,
        commit=commit_link(between.first, data.commit_url) if between else None,
        last_good=commit_link(between.last_before, data.commit_url)
        if between and between.last_before and of_several
        else None,
        between=", ".join(filter(None, [of_several, f"the largest part; the first at {first.short}" if first else ""])),
        since=first,
        causes=traced.causes(standing, history.unit) if standing else (),
        no_cause=_evidence(standing, history.unit) if standing else "",
        remark=_remark(history, standing, data),
        size=size(history),
        sparkline=sparkline(history),
    )


def _levels(history: History, step: Change) -> tuple[str, ...]:
    before, after = step.before, step.after
    values = [words.quantity(value, history.unit) for value in (before, after)]
    return (*values, words.signed_difference(before, after, history.unit))


def _sure(history: History, what: ChangeEvidence) -> tuple[str, ...]:
    if shown_change(history) is not None and (steps := words.steps(history)):
        return steps
    change = what.change
    runs = since_then.runs_around(history, what)
    counted = f"{runs[0]:,} + {words.count(runs[1], 'run')}"
    sure = [
        words.interval_of_change(change, history.unit, "+"),
        words.probability(change.p_value) if change.confirmed else "",
    ]
    return tuple(filter(None, [*sure, counted]))


def _standing(history: History, now: since_then.Now) -> Standing:
    return Standing(
        since_then.leaving(history, now),
        since_then.net(history, now),
        now.is_left,
        since_then.is_net_worse(history, now),
    )


def _range(history: History, what: ChangeEvidence, data: ReportData) -> Range | None:
    """The commits that may be the cause, as far as all series of the event tell them apart."""
    event = data.event_of.get((history.key, what.change.index))
    return event.range if event is not None else range_of(history.points, what.change.index, data.in_order)


def _first_of_several(history: History, commit: Commit | None, data: ReportData) -> CommitLink | None:
    """The first commit of a balance of which ``commit`` made only the largest part; None of any other."""
    step = told_step(history)
    first = history.points[step.index].commit if step is not None and 0 <= step.index < len(history.points) else None
    return commit_link(first, data.commit_url) if first is not None and first != commit else None


def _remark(history: History, standing: ChangeEvidence | None, data: ReportData) -> str:
    if standing is not None:
        return _acknowledgement(history, standing, data)
    match history.state:
        case State.SUSPECT:
            return f"not confirmed: {history.suspect.change.doubt or 'too few runs to tell'}" if history.suspect else ""
        case State.FAILED | State.SKIPPED:
            return words.first_line(words.newest_reason(history)) or f"{words.NO_REASON}; {TO_SEE_IT}"
        case State.NOT_ENOUGH_DATA:
            return f"{words.with_value(history)} so far"
        case State.STALE | State.VANISHED:
            return words.last_run(history)
    return words.explained(history)


def _evidence(standing: ChangeEvidence, unit: str) -> str:
    if standing.difference is None:
        return words.first_line(standing.note)
    return "" if traced.causes(standing, unit) else words.first_line(traced.in_a_line(standing, unit))


def _acknowledgement(history: History, standing: ChangeEvidence, data: ReportData) -> str:
    """That it is accepted and why, or that it was until lately."""
    ack = found_ack(history, standing, data.acks) if data.acks else None
    if standing.change.acknowledged:
        until = f" until {ack.until.isoformat()}" if ack is not None and ack.until else ""
        return f"acknowledged{until}: {words.cut(standing.change.acknowledged, 160)}"
    if ack is None or ack.until is None:
        return ""
    return f"acknowledgement expired on {ack.until.isoformat()}: {words.cut(ack.reason, 160)}"
