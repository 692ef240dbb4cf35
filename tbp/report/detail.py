"""A benchmark's page as data: a finding, how to draw its chart, and one section for each series.

Takes the histories of one benchmark, gives words, rows and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tbp.history.series import Change, ChangeEvidence, ChangeKind, History, Outcome, State
from tbp.report import addresses, evidence, words
from tbp.report.figures import Chart, history_chart
from tbp.report.flame import Flame, change_flame, newest_flame
from tbp.report.model import ReportData
from tbp.report.summary import (
    CommitLink,
    Tile,
    changed_at,
    commit_link,
    family_of,
    place,
    ranked,
    shown_change,
    tiles,
)
from tbp.traces.difference import explanation

BREAKS = 5
"""Breaks listed of a series: a hosted runner may change its processor with every run."""


@dataclass(frozen=True)
class PointRow:
    """One run in the table of data."""

    commit: CommitLink
    value: str
    quartiles: str
    sessions: str
    remark: str


@dataclass(frozen=True)
class ChangeBlock:
    """One change of a series with its evidence."""

    effect: str
    doubt: str  # why it is only suspect; empty for a confirmed one
    merit: str  # "worse" or "better"; empty where the code is not what changed, or only came back
    kind: str  # what it is put down to where that is not the code
    levels: str
    probability: str
    commit: CommitLink | None
    before: CommitLink | None  # the last commit with the old level
    explanation: str
    clock: str  # "host" or "device": whose self time the rows compare
    caveats: str
    rows: tuple[evidence.Moved, ...]
    remark: str  # why there are no rows
    command: str
    flame: Flame | None = None


@dataclass(frozen=True)
class BreakRow:
    """Something else than the code that changed in a series."""

    kind: str
    what: str
    commit: CommitLink
    consequence: str


@dataclass(frozen=True)
class Section:
    """One series of the benchmark."""

    anchor: str
    name: str
    place: str
    state: State
    glyph: str
    badge: str
    finding: str
    unfolded: bool
    noise_within: str
    noise_between: str
    changes: tuple[ChangeBlock, ...]  # newest first
    breaks: tuple[BreakRow, ...]
    more_breaks: int  # that are not shown
    hotspots: evidence.Hotspots | None
    hotspots_commit: CommitLink | None
    reason: str  # in full, of the newest run without a value
    points: tuple[PointRow, ...]  # newest first
    command: str  # measures the newest commit
    flame: Flame | None = None  # of the same traces as the hotspots

    @property
    def flames(self) -> tuple[Flame | None, ...]:
        return self.flame, *(change.flame for change in self.changes)


@dataclass(frozen=True)
class BenchmarkPage:
    name: str
    family: str
    file: str
    data_file: str
    finding: str
    tiles: tuple[Tile, ...]
    chart: Chart
    sections: tuple[Section, ...]


def benchmark_page(benchmark: str, data: ReportData) -> BenchmarkPage:
    """The page of all series of ``benchmark`` in ``data``, worst first."""
    histories = ranked([history for history in data.histories if history.key.benchmark == benchmark])
    names = series_names(histories)
    return BenchmarkPage(
        name=benchmark,
        family=family_of(benchmark),
        file=addresses.page_file(benchmark),
        data_file=addresses.data_file(benchmark),
        finding=words.finding(histories[0]) if len(histories) == 1 else words.verdict(histories, names[0]),
        tiles=tiles(histories, occurring=True),
        chart=history_chart(histories, names),
        sections=tuple(_section(history, name, data) for history, name in zip(histories, names, strict=True)),
    )


def series_names(histories: Sequence[History]) -> list[str]:
    """What tells the series of one benchmark apart: the parameters, machine and environment they differ in."""
    parameters = [history.key.parameters for history in histories]
    common = set(parameters[0]).intersection(*parameters) if len(histories) > 1 else set()
    names = []
    for history in histories:
        own = ", ".join(f"{name}={value}" for name, value in history.key.parameters if (name, value) not in common)
        names.append(" · ".join(filter(None, [own, place(history, histories)])))
    return [name or history.key.label for name, history in zip(names, histories, strict=True)]


def _section(history: History, name: str, data: ReportData) -> Section:
    standing = shown_change(history)
    commit = history.operators_commit
    table = history.operators
    unfinished = history.state in (State.FAILED, State.SKIPPED)
    return Section(
        anchor=addresses.anchor(history.key),
        name=name or "the only series",
        place=" · ".join(filter(None, [history.key.machine, history.key.environment])),
        state=history.state,
        glyph="" if standing else words.GLYPHS[history.state],
        badge=words.effect(standing.change, history.unit, history.better)
        if standing
        else words.PLURALS[history.state][0],
        finding=words.finding(history),
        unfolded=standing is not None,
        noise_within=words.percent(history.noise_within),
        noise_between=words.percent(history.noise_between),
        changes=tuple(_change(history, what, data) for what in reversed(history.changes)),
        breaks=_breaks(history, data),
        more_breaks=max(0, len(history.breaks) - BREAKS),
        hotspots=evidence.hotspots(table) if table is not None else None,
        hotspots_commit=commit_link(commit, data.commit_url) if commit else None,
        reason=words.newest_reason(history) if unfinished else "",
        points=tuple(_point(history, index, data) for index in reversed(range(len(history.points)))),
        command=addresses.reproduction(history.key, history.points[-1].commit) if history.points else "",
        flame=newest_flame(history),
    )


def _change(history: History, what: ChangeEvidence, data: ReportData) -> ChangeBlock:
    change, difference = what.change, what.difference
    commit = changed_at(history, what)
    before = history.points[change.index - 1].commit if commit and change.index > 0 else None
    return ChangeBlock(
        effect=words.effect(change, history.unit, history.better),
        doubt="" if change.confirmed else f"suspect, {change.doubt or 'not confirmed'}",
        merit=_merit(change, history),
        kind="" if change.kind is ChangeKind.CODE else change.kind.value,
        levels=words.before_after(change, history.unit),
        probability=words.probability(change.p_value),
        commit=commit_link(commit, data.commit_url) if commit else None,
        before=commit_link(before, data.commit_url) if before else None,
        explanation=explanation(difference) if difference is not None else "",
        clock=difference.clock if difference is not None else "",
        caveats=evidence.caveats(difference) if difference is not None else "",
        rows=evidence.moved(difference) if difference is not None else (),
        remark="" if difference is not None else what.note or "No trace on one of the two sides.",
        command=addresses.reproduction(history.key, commit) if commit else "",
        flame=change_flame(history, what),
    )


def _merit(change: Change, history: History) -> str:
    if change.kind is not ChangeKind.CODE or change.is_recovery:
        return ""
    return "worse" if change.is_worse(history.better) else "better"


def _breaks(history: History, data: ReportData) -> tuple[BreakRow, ...]:
    """The newest breaks, those that nothing may be compared across first."""
    order = sorted(history.breaks, key=lambda one: (one.comparable, -one.index))[:BREAKS]
    return tuple(
        BreakRow(
            kind=one.kind.value,
            what=one.what,
            commit=commit_link(history.points[one.index].commit, data.commit_url),
            consequence="" if one.comparable else "values before and after it are not comparable",
        )
        for one in order
        if 0 <= one.index < len(history.points)
    )


def _point(history: History, index: int, data: ReportData) -> PointRow:
    point = history.points[index]
    quartiles = [words.quantity(value, history.unit) for value in (point.low, point.high)]
    known = math.isfinite(point.low) and math.isfinite(point.high)
    remark = "" if point.outcome is Outcome.MEASURED else f"{point.outcome.value} {words.first_line(point.reason)}"
    if not point.comparable:
        remark = f"{remark} another benchmark version, not comparable"
    return PointRow(
        commit=commit_link(point.commit, data.commit_url),
        value=words.quantity(point.value, history.unit),
        quartiles=" – ".join(quartiles) if known else words.UNKNOWN,
        sessions=str(len(point.sessions)) if point.sessions else words.UNKNOWN,
        remark=remark.strip(),
    )
