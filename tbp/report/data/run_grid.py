"""Every run of every series on the newest commits, for the scripts of the heatmap and the comparison.

Takes histories and the order of their commits, gives plain values. Ten thousand series on 200 commits are two million
values: they are shipped packed, with five digits, and the scripts draw what is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tbp.asv.declarations import benchmark_from_name
from tbp.model.changes import Change, ChangeKind, History, LineRuns, State
from tbp.model.points import MEASURED, OUTCOMES, commits, levels
from tbp.model.points import columns as runs_of
from tbp.model.series import Better, Commit, Line, Outcome, Point, SeriesKey, Tag
from tbp.report.base.packing import decimals, rounded
from tbp.report.base.report_data import ReportData
from tbp.report.data.grid_circumstances import GridCircumstances, numbers_on
from tbp.report.parts import addresses
from tbp.report.parts.commit_links import commit_link
from tbp.report.parts.environment_parts import parts
from tbp.report.parts.facets import facets
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import by_name, family_of
from tbp.report.parts.setup_facts import setup_facts
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


class GridRow(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One series on the columns of the grid. A segment is (first column, level, level of the segment before)."""

    name: str
    label: str
    suite: str
    href: str
    is_track: bool
    setup: int  # its place among those of the site
    unit: str
    better: int
    noise: float
    values: Floats  # of each column up to the last run; NaN where none was measured
    segments: tuple[tuple[int, float, float], ...]
    failed: list[int]  # columns of runs that failed
    skipped: list[int]
    apart: list[int]  # columns of another benchmark version, not comparable
    marks: tuple[Mark, ...]
    rig: int = 0  # its number among those of the site's facets
    measured: int = 0  # the number of its stretches in ``GridCircumstances``
    numbers: tuple[tuple[int, str], ...] = ()  # (column from which on, asv's number), where it changes


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

    def lines(self, lines: Sequence[Line]) -> list[dict[str, object]]:
        """Each line with a column: its columns, and the one that it came from or -1."""
        listed: list[dict[str, object]] = []
        for line in lines:
            columns = [self.column_of[commit.hash] for commit in line.commits if commit.hash in self.column_of]
            if columns:
                origin = self.column_of.get(line.origin.hash, -1) if line.origin else -1
                listed.append({"name": words.visible(line.name), "columns": columns, "origin": origin})
        return listed

    def places(self, points: Sequence[Point]) -> Indices:
        """The column of each point; -1 where it has none."""
        runs = runs_of(points)
        if runs.order == self.order:
            return runs.commit_index.astype(np.int64) - (len(self.order) - len(self.commits))
        return np.array([self.column_of.get(commit.hash, -1) for commit in commits(points)], np.int64)

    @cached_property
    def column_of(self) -> Mapping[str, int]:
        return {commit.hash: column for column, commit in enumerate((*self.commits, *self.aside))}


def grid_row(
    history: History,
    columns: GridColumns,
    setup: int,
    rig: int = 0,
    beside: Sequence[LineRuns] = (),
    circumstances: GridCircumstances | None = None,
) -> GridRow:
    """The series' runs on the columns, and those of other lines."""
    places = columns.places(history.points)
    several = [
        (columns.places(points), runs_of(points)) for points in (history.points, *(line.points for line in beside))
    ]
    shown = [at >= 0 for at, _ in several]
    at = np.concatenate([places[is_shown] for (places, _), is_shown in zip(several, shown, strict=True)])

    def column(name: str) -> npt.NDArray[Any]:
        parts = [getattr(runs, name)[is_shown] for (_, runs), is_shown in zip(several, shown, strict=True)]
        return np.concatenate(parts)

    values = np.full(int(at.max()) + 1 if len(at) else 0, np.nan)
    outcome = column("outcome")
    values[at] = np.where(outcome == MEASURED, column("value"), np.nan)
    key = history.key
    return GridRow(
        name=words.visible(key.benchmark),
        label=words.visible(key.label),
        suite=words.visible(family_of(key.benchmark)),
        href=addresses.series_href(history),
        is_track=benchmark_from_name(key.benchmark).type == "track",
        setup=setup,
        rig=rig,
        unit=words.visible(history.unit),
        better=history.better.worse,
        noise=round(history.noise_between, 5),
        values=rounded(values, decimals(values, DIGITS)),
        segments=_on_columns(_segments(history), places),
        failed=at[outcome == OUTCOMES.index(Outcome.FAILED)].tolist(),
        skipped=at[outcome == OUTCOMES.index(Outcome.SKIPPED)].tolist(),
        apart=at[~column("comparable")].tolist(),
        marks=tuple(_marks(history, places)),
        measured=(circumstances or GridCircumstances()).add(several),
        numbers=numbers_on(places, runs_of(history.points)),
    )


def payload(data: ReportData) -> dict[str, object]:
    """The data that ``static/base/run_grid.js`` takes."""
    histories = by_name(data.histories)
    lines = tuple(dict.fromkeys(part.line for part in data.beside))
    columns = GridColumns.of(data.commits, lines)
    aside: dict[SeriesKey, list[LineRuns]] = {}
    for part in data.beside:
        aside.setdefault(part.key, []).append(part)
    measured = list(dict.fromkeys(history.key.setup for history in histories))
    number_of = {setup: number for number, setup in enumerate(measured)}
    setup_names = SetupNames.of(histories, data.faces)
    differing = parts(measured, data.runs, data.faces)
    circumstances, rigs = GridCircumstances(), facets(data)
    rows = [
        grid_row(
            history,
            columns,
            number_of[history.key.setup],
            rigs.rig_of(history.key),
            aside.get(history.key, ()),
            circumstances,
        )
        for history in histories
    ]
    return {
        "commits": [_commit(commit, data.commit_url) for commit in columns.commits],
        "aside": [_commit(commit, data.commit_url) for commit in columns.aside],
        "lines": columns.lines(lines),
        "places": [
            {
                "machine": words.visible(setup.machine),
                "environment": words.visible(setup.environment),
                "name": words.visible(setup_names.name(setup)),
                "face": words.visible(setup_names.face(setup.machine)),
                "values": [*map(words.visible, values)],
            }
            for setup, values in zip(measured, differing.values, strict=True)
        ],
        "parts": [*map(words.visible, differing.names)],
        "setups": setup_facts(measured, data.runs, data.machines, columns.column_of),
        "tags": _tags(columns, data.tags),
        "scales": {
            words.visible(unit): [(size, words.visible(symbol)) for size, symbol in words.scales_of(unit)]
            for unit in {history.unit: None for history in histories}
        },
        "rows": rows,
        "circumstances": circumstances.payload(),
    }


def _tags(columns: GridColumns, tags: Sequence[Tag]) -> list[dict[str, object]]:
    """The tags that have a column, newest first; ``isExact`` where it is the tag's own commit."""
    known = [tag for tag in tags if tag.commit in columns.column_of]
    known.sort(key=lambda tag: (-columns.column_of[tag.commit], words.visible(tag.name)))
    return [
        {"column": columns.column_of[tag.commit], "name": words.visible(tag.name), "isExact": tag.is_exact}
        for tag in known
    ]


def _commit(commit: Commit, commit_url: str) -> dict[str, str]:
    link = commit_link(commit, commit_url)
    texts = {
        "short": link.short,
        "date": link.date,
        "subject": words.cut(link.subject, SUBJECT_LENGTH),
        "href": link.href,
    }
    return {name: words.visible(text) for name, text in texts.items()}


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
            stretches.append(
                (max(int(columns.min()), stretches[-1][0] if stretches else 0), _short(level), _short(before))
            )
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
    return "plain" if change.acknowledged else ("plain", "worse", "better")[change.merit(better)]
