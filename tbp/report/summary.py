"""The index as data: the verdict, how many series are in each state, and one row per series, worst first.

Takes ``ReportData``, gives words and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tbp.history.series import ChangeEvidence, Commit, History, State
from tbp.report import addresses, evidence, words
from tbp.report.model import Machine, ReportData
from tbp.report.sparkline import Sparkline, sparkline
from tbp.traces.difference import explanation

SOUGHT = (State.REGRESSION, State.IMPROVEMENT, State.NO_CHANGE)
"""States whose absence says something, too."""

STATE_ORDER = {state: order for order, state in enumerate(State)}


@dataclass(frozen=True)
class CommitLink:
    """A commit as it is shown; ``href`` is empty where there is nowhere to link to."""

    short: str
    hash: str
    subject: str
    date: str
    href: str


@dataclass(frozen=True)
class Tile:
    """How many series are in one state."""

    state: State
    number: int
    word: str
    glyph: str


@dataclass(frozen=True)
class Row:
    """One series in the table of the index."""

    benchmark: str
    parameters: str
    place: str  # machine and environment, where the site has more than one
    href: str
    state: State
    glyph: str  # empty beside a change, which has its arrow
    change: str
    levels: tuple[str, ...]  # before and after of a change, else the newest value
    commit: CommitLink | None  # the first one with the new level
    causes: tuple[str, ...]
    remark: str  # why there is no value, or no cause
    sparkline: Sparkline


@dataclass(frozen=True)
class Benchmark:
    """One benchmark in the list of all of them."""

    name: str
    href: str
    finding: str
    tiles: tuple[Tile, ...]  # states that occur


@dataclass(frozen=True)
class Family:
    """The benchmarks of one suite: what comes before the first dot of asv's name."""

    name: str
    benchmarks: tuple[Benchmark, ...]


@dataclass(frozen=True)
class Summary:
    verdict: str
    worst: State | None  # None when there is nothing
    tiles: tuple[Tile, ...]
    rows: tuple[Row, ...]
    families: tuple[Family, ...]
    machines: tuple[Machine, ...]
    problems: tuple[str, ...]
    span: str  # from which commit to which


def summary(data: ReportData) -> Summary:
    """All the index says."""
    histories = ranked(data.histories)
    return Summary(
        verdict=words.verdict(histories),
        worst=histories[0].state if histories else None,
        tiles=tiles(histories),
        rows=tuple(_row(history, data) for history in histories),
        families=_families(histories),
        machines=data.machines,
        problems=data.problems,
        span=series_span(histories),
    )


def ranked(histories: Sequence[History]) -> list[History]:
    """Worst state first, in it the largest standing change first, then by name."""
    return sorted(histories, key=lambda history: (STATE_ORDER[history.state], -_size(history), *_name(history)))


def by_name(histories: Sequence[History]) -> list[History]:
    """Suites together, in them benchmarks, with numbers in their order: ``s64`` before ``s256``."""
    return sorted(histories, key=lambda history: (family_of(history.key.benchmark), *_name(history)))


def tiles(histories: Sequence[History], occurring: bool = False) -> tuple[Tile, ...]:
    """One for each state that occurs; also for those that a reader looks for first, unless only ``occurring``."""
    return tuple(
        Tile(state, number, words.PLURALS[state][number != 1], words.GLYPHS[state])
        for state, number in words.tally(histories).items()
        if number or (state in SOUGHT and not occurring)
    )


def commit_link(commit: Commit, commit_url: str) -> CommitLink:
    """The commit with its date and, where ``commit_url`` is a web address, a link."""
    href = addresses.commit_href(commit_url, commit)
    return CommitLink(commit.short, commit.hash, commit.subject, words.moment(commit.date), href)


def changed_at(history: History, what: ChangeEvidence) -> Commit | None:
    """The first commit with the new level."""
    index = what.change.index
    return history.points[index].commit if 0 <= index < len(history.points) else None


def shown_change(history: History) -> ChangeEvidence | None:
    """The change a series is in the table for: the standing one, if its state is one of change."""
    return history.standing if history.state in words.STATES_OF_CHANGE else None


def place(history: History, among: Sequence[History]) -> str:
    """Machine and environment, as far as the series of the site differ in them."""
    machines = {other.key.machine for other in among}
    environments = {other.key.environment for other in among}
    parts = [history.key.machine] * (len(machines) > 1) + [history.key.environment] * (len(environments) > 1)
    return " · ".join(parts)


def _size(history: History) -> float:
    standing = shown_change(history)
    if standing is None:
        return 0.0
    size = abs(words.relative(standing.change))
    # From zero there is no ratio; such a change goes first.
    return size if math.isfinite(size) else math.inf


def _name(history: History) -> tuple[object, ...]:
    key = history.key
    parameters = [natural(value) for _, value in key.parameters]
    return natural(key.benchmark), parameters, key.machine, key.environment


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts ``s64`` before ``s256``."""
    parts = re.split(r"([0-9]{1,18})", text)
    return tuple((1, int(part), "") if index % 2 else (0, 0, part) for index, part in enumerate(parts))


def _row(history: History, data: ReportData) -> Row:
    key, standing = history.key, shown_change(history)
    commit = changed_at(history, standing) if standing else None
    if standing is None:
        change = words.PLURALS[history.state][0]
        values = [words.newest_value(history)]
    else:
        change = words.effect(standing.change, history.unit, history.better)
        values = [standing.change.before, standing.change.after]
    difference = standing.difference if standing else None
    return Row(
        benchmark=key.benchmark,
        parameters=key.label,
        place=place(history, data.histories),
        href=f"{addresses.page_file(key.benchmark)}#{addresses.anchor(key)}",
        state=history.state,
        glyph="" if standing else words.GLYPHS[history.state],
        change=change,
        levels=tuple(words.quantity(value, history.unit) for value in values),
        commit=commit_link(commit, data.commit_url) if commit else None,
        causes=evidence.causes(difference) if difference is not None else (),
        remark=_remark(history, standing),
        sparkline=sparkline(history),
    )


def _remark(history: History, standing: ChangeEvidence | None) -> str:
    if standing is not None and standing.difference is None:
        return words.first_line(standing.note)
    if standing is not None and standing.difference is not None:
        return "" if evidence.causes(standing.difference) else words.first_line(explanation(standing.difference))
    match history.state:
        case State.FAILED | State.SKIPPED:
            return words.first_line(words.newest_reason(history)) or "no reason was recorded"
        case State.NOT_ENOUGH_DATA:
            return f"{words.with_value(history)} so far"
        case State.STALE | State.VANISHED:
            return words.last_run(history)
    return words.explained(history)


def _families(histories: Sequence[History]) -> tuple[Family, ...]:
    return tuple(
        Family(
            name,
            tuple(
                _benchmark(benchmark, list(series))
                for benchmark, series in groupby(members, key=lambda history: history.key.benchmark)
            ),
        )
        for name, members in groupby(by_name(histories), key=lambda history: family_of(history.key.benchmark))
    )


def _benchmark(name: str, series: Sequence[History]) -> Benchmark:
    return Benchmark(
        name=name,
        href=addresses.page_file(name),
        finding=words.count(len(series), "series", "series"),
        tiles=tiles(series, occurring=True),
    )


def family_of(benchmark: str) -> str:
    """The suite: asv's name up to its first dot."""
    return benchmark.partition(".")[0]


def series_span(histories: Sequence[History]) -> str:
    """How many commits the series cover, from which to which by date; empty without any."""
    commits = {point.commit.hash: point.commit for history in histories for point in history.points}
    if not commits:
        return ""
    by_date = sorted(commits.values(), key=lambda commit: (commit.date, commit.hash))
    ends = [by_date[0], by_date[-1]] if len(by_date) > 1 else by_date
    return f"{words.count(len(by_date), 'commit')}, " + " to ".join(
        f"{commit.short} ({words.moment(commit.date)})" for commit in ends
    )
