"""Every run of every series on the newest commits, for the scripts of the heatmap and the comparison.

Takes histories and the order of their commits, gives plain values. Ten thousand series on 200 commits are two million
values: they are shipped packed, with five digits, and the scripts draw what is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tbp.asv.declarations import benchmark_from_name
from tbp.model.changes import Change, ChangeKind, History, LineRuns, State
from tbp.model.merit import BETTER, LESS_IS_BETTER, WORSE, merit
from tbp.model.points import MEASURED, OUTCOMES, commits, levels
from tbp.model.points import columns as runs_of
from tbp.model.runs import Run
from tbp.model.series import Better, Commit, Line, Outcome, Point, SeriesKey, Setup, Tag
from tbp.report.base.packing import decimals, rounded
from tbp.report.base.report_data import ReportData
from tbp.report.parts import addresses
from tbp.report.parts.commit_links import commit_link
from tbp.report.parts.environment_parts import parts
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import by_name, family_of
from tbp.report.parts.setup_facts import SetupFacts, setup_facts
from tbp.report.parts.shown_change import told_size
from tbp.statistics.robust import median
from tbp.system.arrays import Floats, Indices
from tbp.wording import verdicts, words

MOST_COMMITS = 200
"""The newest ones; more are not looked at side by side, and each costs two characters a series."""

MOST_ASIDE = 100
"""The newest commits of other lines, which only the comparison shows."""

SUBJECT_LENGTH = 80
"""Characters of a commit's subject."""

DIGITS = 5
"""Significant digits of a series' smallest value: 0.01 % of it, where a tenth of that is what the quietest move by."""


class Mark(Struct, frozen=True):
    """A change point in the grid: ▲ and ▼ say where the value went."""

    column: int
    glyph: str  # filled: the code's change; hollow: put down to something else; a rhombus: suspect
    words: str
    tone: str  # "worse", "better", "plain" or "suspect"
    size: float  # relative and without its sign, as ``rows.told_size``


class Packed(Struct, frozen=True):
    """One series on the columns of the grid. A segment is (first column, level, level of the segment before)."""

    values: Floats  # of each column up to the last run; NaN where none was measured
    segments: tuple[tuple[int, float, float], ...]
    failed: tuple[int, ...]  # columns of runs that failed
    skipped: tuple[int, ...]
    apart: tuple[int, ...]  # columns of another benchmark version, not comparable
    marks: tuple[Mark, ...]


def columns_of(order: Sequence[Commit]) -> tuple[Commit, ...]:
    """The commits that have a column, oldest first."""
    return tuple(order[-MOST_COMMITS:])


class GridColumns(Struct, frozen=True, dict=True):
    """The commits of the grid, oldest first, and how the runs of a series find theirs."""

    commits: tuple[Commit, ...]
    order: tuple[Commit, ...]  # of the site
    aside: tuple[Commit, ...] = ()  # of other lines: their columns come after all others

    @classmethod
    def of(cls, order: Sequence[Commit], lines: Sequence[Line] = ()) -> GridColumns:
        every = (commit for line in lines for commit in line.commits)
        aside = sorted(every, key=lambda commit: (commit.date, commit.hash))
        return cls(columns_of(order), tuple(order), tuple(aside[-MOST_ASIDE:]))

    def places_aside(self, points: Sequence[Point]) -> Indices:
        """The column of each point of another line; -1 where it has none."""
        return np.array([self._aside_of.get(commit.hash, -1) for commit in commits(points)], np.int64)

    def lines(self, lines: Sequence[Line]) -> list[object]:
        """[name, columns, column that it came from or -1] of each line with a column."""
        column = {commit.hash: at for at, commit in enumerate((*self.commits, *self.aside))}
        listed: list[object] = []
        for line in lines:
            columns = [column[commit.hash] for commit in line.commits if commit.hash in column]
            if columns:
                origin = column.get(line.origin.hash, -1) if line.origin else -1
                listed.append([words.visible(line.name), columns, origin])
        return listed

    @cached_property
    def _aside_of(self) -> Mapping[str, int]:
        return {commit.hash: column for column, commit in enumerate(self.aside, len(self.commits))}

    def places(self, points: Sequence[Point]) -> Indices:
        """The column of each point; -1 where it has none."""
        runs = runs_of(points)
        if runs.order == self.order:
            return runs.commit_index.astype(np.int64) - (len(self.order) - len(self.commits))
        return np.array([self.column_of.get(commit.hash, -1) for commit in commits(points)], np.int64)

    @cached_property
    def column_of(self) -> Mapping[str, int]:
        return {commit.hash: column for column, commit in enumerate(self.commits)}


def packed(history: History, columns: GridColumns, beside: Sequence[LineRuns] = ()) -> Packed:
    """The series' runs on the columns, and those of other lines."""
    places = columns.places(history.points)
    several = [(places, runs_of(history.points))]
    several += [(columns.places_aside(line.points), runs_of(line.points)) for line in beside]
    shown = [at >= 0 for at, _ in several]
    at = np.concatenate([places[is_shown] for (places, _), is_shown in zip(several, shown, strict=True)])

    def column(name: str) -> npt.NDArray[Any]:
        parts = [getattr(runs, name)[is_shown] for (_, runs), is_shown in zip(several, shown, strict=True)]
        return np.concatenate(parts)

    values = np.full(int(at.max()) + 1 if len(at) else 0, np.nan)
    outcome = column("outcome")
    values[at] = np.where(outcome == MEASURED, column("value"), np.nan)
    return Packed(
        values=rounded(values, decimals(values, DIGITS)),
        segments=_on_columns(_segments(history), places),
        failed=tuple(at[outcome == OUTCOMES.index(Outcome.FAILED)].tolist()),
        skipped=tuple(at[outcome == OUTCOMES.index(Outcome.SKIPPED)].tolist()),
        apart=tuple(at[~column("comparable")].tolist()),
        marks=tuple(_marks(history, places)),
    )


def payload(data: ReportData) -> dict[str, object]:
    """The data that ``static/base/run_grid.js`` takes."""
    histories = by_name(data.histories)
    lines = tuple(dict.fromkeys(part.line for part in data.beside))
    columns = GridColumns.of(data.commits, lines)
    aside: dict[SeriesKey, list[LineRuns]] = {}
    for part in data.beside:
        aside.setdefault(part.key, []).append(part)
    benchmarks = list(dict.fromkeys(history.key.benchmark for history in histories))
    measured = list(dict.fromkeys(history.key.setup for history in histories))
    units = list(dict.fromkeys(history.unit for history in histories))
    setup_names = SetupNames.of(histories, data.faces)
    index = {name: {item: i for i, item in enumerate(items)} for name, items in (("b", benchmarks), ("u", units))}
    number_of = {setup: number for number, setup in enumerate(measured)}
    return {
        "commits": [_commit(commit, data.commit_url) for commit in columns.commits],
        "aside": [_commit(commit, data.commit_url) for commit in columns.aside],
        "lines": columns.lines(lines),
        "places": [
            _seen(setup.machine, setup.environment, setup_names.name(setup), setup_names.face(setup.machine))
            for setup in measured
        ],
        "parts": _parts(measured, data.runs, setup_names),
        "setups": _setups(setup_facts(measured, data.runs, data.machines, columns.column_of)),
        "tags": _tags(columns, data.tags),
        "benchmarks": [
            [*_seen(name, family_of(name)), addresses.page_file(name), _is_track(name)] for name in benchmarks
        ],
        "units": [[*_seen(unit), [[size, *_seen(symbol)] for size, symbol in words.scales_of(unit)]] for unit in units],
        "rows": [
            _row(
                history,
                packed(history, columns, aside.get(history.key, ())),
                (index["b"][history.key.benchmark], number_of[history.key.setup]),
                index["u"][history.unit],
            )
            for history in histories
        ],
    }


def _row(history: History, row: Packed, names: tuple[int, int], unit: int) -> list[object]:
    noise = history.noise_between
    return [
        *names,
        words.visible(history.key.label),
        addresses.anchor(history.key),
        unit,
        LESS_IS_BETTER[history.better],
        round(noise, 5) if math.isfinite(noise) else None,
        row.values,
        [[start, _short(level), _short(before)] for start, level, before in row.segments],
        [[mark.column, mark.glyph, mark.words, mark.tone[0], mark.size] for mark in row.marks],
        list(row.apart),
        list(row.failed),
        list(row.skipped),
    ]


def _parts(measured: Sequence[Setup], runs: Sequence[Run], setup_names: SetupNames) -> list[object]:
    """The names of the parts that the setups differ in, and the values of each setup."""
    differing = parts(measured, runs, setup_names.faces)
    return [_seen(*differing.names), [_seen(*values) for values in differing.values]]


def _setups(known: SetupFacts) -> dict[str, object]:
    texts = {
        "names": known.names, "hardware": known.hardware, "unrecorded": known.unrecorded, "values": known.values,
    }  # fmt: skip
    return {**{name: _seen(*values) for name, values in texts.items()}, "places": known.places}


def _tags(columns: GridColumns, tags: Sequence[Tag]) -> list[object]:
    """[column, name, whether it is that commit's own], newest first."""
    at = {commit.hash: column for column, commit in enumerate((*columns.commits, *columns.aside))}
    marks = [(at[tag.commit], words.visible(tag.name), int(tag.is_exact)) for tag in tags if tag.commit in at]
    return [list(mark) for mark in sorted(marks, key=lambda mark: (-mark[0], mark[1]))]


def _seen(*texts: str) -> list[str]:
    return [words.visible(text) for text in texts]


def _is_track(benchmark: str) -> int:
    return int(benchmark_from_name(benchmark).type == "track")


def _commit(commit: Commit, commit_url: str) -> list[str]:
    link = commit_link(commit, commit_url)
    return [words.visible(text) for text in (link.short, link.date, words.cut(link.subject, SUBJECT_LENGTH), link.href)]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _segments(history: History) -> list[tuple[int, float, float]]:
    """(index of its first point, level, level of the one before); the first one has only its own level."""
    confirmed = [evidence.change for evidence in history.changes if evidence.change.confirmed]
    first = confirmed[0].before if confirmed else middle(history)
    return [(0, first, first), *((change.index, change.after, change.before) for change in confirmed)]


def middle(history: History) -> float:
    """Median of the comparable values; of all where none is."""
    known = levels(history.points)
    known = known[np.isfinite(known)]
    if not len(known):
        value = runs_of(history.points).value
        known = value[np.isfinite(value)]
    return median(known)


def _on_columns(segments: Sequence[tuple[int, float, float]], places: Indices) -> tuple[tuple[int, float, float], ...]:
    """The segments with a column, each from its first column on, which never lies before that of an earlier one."""
    stretches: list[tuple[int, float, float]] = []
    ends = [*(start for start, _, _ in segments[1:]), len(places)]
    for (start, level, before), end in zip(segments, ends, strict=True):
        columns = places[start:end]
        columns = columns[columns >= 0]
        if len(columns):
            stretches.append((max(int(columns.min()), stretches[-1][0] if stretches else 0), level, before))
    return tuple(stretches)


def _marks(history: History, places: Indices) -> list[Mark]:
    marks = []
    for change in (evidence.change for evidence in history.changes):
        if 0 <= change.index < len(places) and places[change.index] >= 0:
            effect = verdicts.effect(change, history.unit, history.better) + ", acknowledged" * bool(
                change.acknowledged
            )
            at, tone = int(places[change.index]), _tone(change, history.better)
            marks.append(Mark(at, _glyph(change), effect, tone, told_size(change.effect)))
    return marks


def _glyph(change: Change) -> str:
    if not change.confirmed:
        return verdicts.GLYPHS[State.SUSPECT]
    is_up = change.after > change.before
    if change.kind is ChangeKind.CODE:
        return "▲" if is_up else "▼"
    return "△" if is_up else "▽"


def _tone(change: Change, better: Better) -> str:
    if not change.confirmed:
        return "suspect"
    return "plain" if change.acknowledged else {WORSE: "worse", BETTER: "better"}.get(merit(change, better), "plain")
