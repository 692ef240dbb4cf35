"""Every run of every series on the newest commits, packed for the scripts of the heatmap and the comparison.

Takes histories and the order of their commits, gives plain JSON values. Ten thousand series on 200 commits are two
million values: each is two characters here, and the scripts draw what is looked at.

A cell's two characters are a number in base 64: 0 no run, 1 failed, 2 skipped; from 3 on the value, as its
ratio to the level of its segment. The steps are finest around 1: 0.014 % there, 0.15 % at a factor of 1.6. Values that
no ratio holds (zero, negative, a thousand times the level) are in ``exact``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tbp.asv.declarations import benchmark_from_name
from tbp.model.changes import Change, ChangeKind, History, LineRuns, State
from tbp.model.points import OUTCOMES, commits, levels
from tbp.model.points import PointColumns as Runs
from tbp.model.points import columns as runs_of
from tbp.model.runs import Machine, Run
from tbp.model.series import Better, Commit, Line, Outcome, Point, SeriesKey, Tag
from tbp.report.data.chart_marks import BETTER, LESS_IS_BETTER, WORSE, merit
from tbp.report.parts import addresses
from tbp.report.parts.commit_links import commit_link
from tbp.report.parts.environment_parts import parts
from tbp.report.parts.places import Places
from tbp.report.parts.series_order import family_of
from tbp.report.parts.setups import Setups, setups
from tbp.report.parts.shown_change import told_size
from tbp.statistics.robust import median
from tbp.wording import verdicts, words
from tbp.wording.machine_names import faces

MOST_COMMITS = 200
"""The newest ones; more are not looked at side by side, and each costs two characters a series."""

MOST_ASIDE = 100
"""The newest commits of other lines, which only the comparison shows."""

SUBJECT_LENGTH = 80
"""Characters of a commit's subject."""

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Of base 64, none of which JSON or HTML escape."""

NO_RUN, FAILED, SKIPPED, FIRST = range(4)
EXACT = FIRST  # the value is in ``exact``
SCALE = 355.0  # codes per unit of asinh(ln ratio ÷ BEND)
BEND = 0.05  # from this ln of a ratio on the steps grow with it
MIDDLE = 2050  # code of a ratio of 1
REACH = len(DIGITS) ** 2 - 1 - MIDDLE  # codes on either side, all of them above EXACT; a factor of 2,800

_PAIRS = np.array([first + second for first in DIGITS for second in DIGITS])

Floats: TypeAlias = npt.NDArray[np.float64]
Indexes: TypeAlias = npt.NDArray[np.int64]


class Mark(Struct, frozen=True):
    """A change point in the grid: ▲ and ▼ say where the value went."""

    column: int
    glyph: str  # filled: the code's change; hollow: put down to something else; a rhombus: suspect
    words: str
    tone: str  # "worse", "better", "plain" or "suspect"
    size: float  # relative and without its sign, as ``rows.told_size``


class Packed(Struct, frozen=True):
    """One series on the columns of the grid. A segment is (first column, level, level of the segment before)."""

    cells: str
    segments: tuple[tuple[int, float, float], ...]
    exact: Mapping[int, float]  # column → value
    apart: tuple[int, ...]  # columns of another benchmark version, not comparable
    marks: tuple[Mark, ...]


def columns_of(order: Sequence[Commit]) -> tuple[Commit, ...]:
    """The commits that have a column, oldest first."""
    return tuple(order[-MOST_COMMITS:])


class Columns(Struct, frozen=True, dict=True):
    """The commits of the grid, oldest first, and how the runs of a series find theirs."""

    commits: tuple[Commit, ...]
    order: tuple[Commit, ...]  # of the site
    aside: tuple[Commit, ...] = ()  # of other lines: their columns come after all others

    @classmethod
    def of(cls, order: Sequence[Commit], lines: Sequence[Line] = ()) -> Columns:
        aside = sorted((commit for line in lines for commit in line.commits), key=lambda one: (one.date, one.hash))
        return cls(columns_of(order), tuple(order), tuple(aside[-MOST_ASIDE:]))

    def places_aside(self, points: Sequence[Point]) -> Indexes:
        """The column of each point of another line; -1 where it has none."""
        return np.array([self._aside_of.get(commit.hash, -1) for commit in commits(points)], np.int64)

    def lines(self, lines: Sequence[Line]) -> list[object]:
        """[name, columns, column that it came from or -1] of each line with a column."""
        known = {commit.hash: place for place, commit in enumerate((*self.commits, *self.aside))}
        found: list[object] = []
        for line in lines:
            own = [known[commit.hash] for commit in line.commits if commit.hash in known]
            if own:
                found.append([words.visible(line.name), own, known.get(line.origin.hash, -1) if line.origin else -1])
        return found

    @cached_property
    def _aside_of(self) -> Mapping[str, int]:
        return {commit.hash: place for place, commit in enumerate(self.aside, len(self.commits))}

    def places(self, points: Sequence[Point]) -> Indexes:
        """The column of each point; -1 where it has none."""
        runs = runs_of(points)
        if runs.order == self.order:
            return runs.commit_index.astype(np.int64) - (len(self.order) - len(self.commits))
        return np.array([self._column_of.get(commit.hash, -1) for commit in commits(points)], np.int64)

    @cached_property
    def _column_of(self) -> Mapping[str, int]:
        return {commit.hash: column for column, commit in enumerate(self.commits)}


def packed(history: History, columns: Columns, beside: Sequence[LineRuns] = ()) -> Packed:
    """The series' runs on the columns, and those of other lines."""
    places = columns.places(history.points)
    segments = _on_columns(_segments(history), places)
    shown = np.flatnonzero(places >= 0)
    at = places[shown]
    runs = runs_of(history.points)
    value, comparable = runs.value[shown], runs.comparable[shown]
    level = np.array([level for _, level, _ in segments] or [math.nan])
    # As the script finds them: by column, since series of several branches may not follow the order of the columns.
    own = np.searchsorted([start for start, _, _ in segments], at, side="right") - 1
    levels_at = np.full(len(runs), np.nan)
    levels_at[shown] = level[np.maximum(own, 0)]
    found = _cells_of(runs, levels_at)[shown]
    # Other lines are packed against the newest level, whose segment goes on to the last column.
    for own_runs in beside:
        own_at, other = columns.places_aside(own_runs.points), runs_of(own_runs.points)
        is_shown = own_at >= 0
        at = np.concatenate([at, own_at[is_shown]])
        found = np.concatenate([found, _cells_of(other, np.full(len(other), level[-1]))[is_shown]])
        value = np.concatenate([value, other.value[is_shown]])
        comparable = np.concatenate([comparable, other.comparable[is_shown]])
    codes = np.full(len(columns.commits) + len(columns.aside), NO_RUN, np.int64)
    codes[at] = found
    exact = found == EXACT
    return Packed(
        cells=_text(codes),
        segments=segments,
        exact=dict(zip(at[exact].tolist(), value[exact].tolist(), strict=True)),
        apart=tuple(at[~comparable].tolist()),
        marks=tuple(_marks(history, places)),
    )


def payload(
    histories: Sequence[History],
    order: Sequence[Commit],
    commit_url: str,
    runs: Sequence[Run] = (),
    tags: Sequence[Tag] = (),
    beside: Sequence[LineRuns] = (),
    machines: Sequence[Machine] = (),
) -> dict[str, object]:
    """What ``static/base/run_grid.js`` unpacks. ``histories`` in the order in which the rows are shown."""
    lines = tuple(dict.fromkeys(own.line for own in beside))
    columns = Columns.of(order, lines)
    aside: dict[SeriesKey, list[LineRuns]] = {}
    for own in beside:
        aside.setdefault(own.key, []).append(own)
    benchmarks = list(dict.fromkeys(history.key.benchmark for history in histories))
    spots = list(dict.fromkeys((history.key.machine, history.key.environment) for history in histories))
    units = list(dict.fromkeys(history.unit for history in histories))
    places = Places.of(histories, faces(machines))
    index = {name: {item: i for i, item in enumerate(items)} for name, items in (("b", benchmarks), ("u", units))}
    spot_of = {spot: i for i, spot in enumerate(spots)}
    return {
        "commits": [_commit(commit, commit_url) for commit in columns.commits],
        "aside": [_commit(commit, commit_url) for commit in columns.aside],
        "lines": columns.lines(lines),
        "places": [[*spot, places.name(*spot), places.face(spot[0])] for spot in spots],
        "parts": _parts(spots, runs, places),
        "setups": _setups(setups(spots, runs, machines, {one.hash: at for at, one in enumerate(columns.commits)})),
        "tags": _tags(columns, tags),
        "benchmarks": [[name, family_of(name), addresses.page_file(name), _is_track(name)] for name in benchmarks],
        "units": [[unit, words.scales_of(unit)] for unit in units],
        "rows": [
            _row(
                history,
                packed(history, columns, aside.get(history.key, ())),
                (index["b"][history.key.benchmark], spot_of[history.key.machine, history.key.environment]),
                index["u"][history.unit],
            )
            for history in histories
        ],
    }


def _row(history: History, own: Packed, names: tuple[int, int], unit: int) -> list[object]:
    noise = history.noise_between
    return [
        *names,
        words.visible(history.key.label),
        addresses.anchor(history.key),
        unit,
        LESS_IS_BETTER[history.better],
        round(noise, 5) if math.isfinite(noise) else None,
        own.cells,
        [[start, _short(level), _short(before)] for start, level, before in own.segments],
        [[mark.column, mark.glyph, mark.words, mark.tone[0], mark.size] for mark in own.marks],
        list(own.apart),
        {str(column): value for column, value in own.exact.items()},
    ]


def _parts(spots: Sequence[tuple[str, str]], runs: Sequence[Run], places: Places) -> list[object]:
    """What the places differ in, and of each place its values of it."""
    found = parts(spots, runs, places.faces)
    return [[words.visible(name) for name in found.names], [[*map(words.visible, own)] for own in found.values]]


def _setups(found: Setups) -> dict[str, object]:
    texts = {
        "names": found.names, "hardware": found.hardware, "unrecorded": found.unrecorded, "values": found.values,
    }  # fmt: skip
    return {**{name: [*map(words.visible, own)] for name, own in texts.items()}, "places": found.places}


def _tags(columns: Columns, tags: Sequence[Tag]) -> list[object]:
    """[column, name, whether it is that commit's own], newest first."""
    at = {commit.hash: column for column, commit in enumerate((*columns.commits, *columns.aside))}
    found = [(at[tag.commit], words.visible(tag.name), int(tag.is_exact)) for tag in tags if tag.commit in at]
    return [list(one) for one in sorted(found, key=lambda one: (-one[0], one[1]))]


def _is_track(benchmark: str) -> int:
    return int(benchmark_from_name(benchmark).type == "track")


def _commit(commit: Commit, commit_url: str) -> list[str]:
    link = commit_link(commit, commit_url)
    return [words.visible(text) for text in (link.short, link.date, words.cut(link.subject, SUBJECT_LENGTH), link.href)]


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _cells_of(runs: Runs, level: Floats) -> npt.NDArray[np.int64]:
    """The code of each run, whose segment has this level."""
    found = _codes(runs.value, level)
    found[runs.outcome == OUTCOMES.index(Outcome.FAILED)] = FAILED
    found[runs.outcome == OUTCOMES.index(Outcome.SKIPPED)] = SKIPPED
    return found


def _codes(values: Floats, level: Floats) -> npt.NDArray[np.int64]:
    """EXACT where a ratio cannot hold the value."""
    # A ratio may overflow, or vanish into 0, whose logarithm is no number either: both are values that do not fit.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        ratios = np.where((values > 0) & (level > 0), values / level, np.nan)
        steps = np.rint(SCALE * np.arcsinh(np.log(ratios) / BEND))
    fits = np.abs(steps) <= REACH  # not where it is NaN
    return np.where(fits, MIDDLE + np.where(fits, steps, 0), EXACT).astype(np.int64)


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


def _on_columns(segments: Sequence[tuple[int, float, float]], places: Indexes) -> tuple[tuple[int, float, float], ...]:
    """The segments with a column, each from its first column on, which never lies before that of an earlier one."""
    found: list[tuple[int, float, float]] = []
    ends = [*(start for start, _, _ in segments[1:]), len(places)]
    for (start, level, before), end in zip(segments, ends, strict=True):
        own = places[start:end]
        own = own[own >= 0]
        if len(own):
            found.append((max(int(own.min()), found[-1][0] if found else 0), level, before))
    return tuple(found)


def _text(codes: npt.NDArray[np.int64]) -> str:
    """Two characters a code, without those of the runs that there are none of at the end."""
    last = np.flatnonzero(codes != NO_RUN)
    return "".join(_PAIRS[codes[: last[-1] + 1]].tolist()) if len(last) else ""


def _marks(history: History, places: Indexes) -> list[Mark]:
    found = []
    for change in (evidence.change for evidence in history.changes):
        if 0 <= change.index < len(places) and places[change.index] >= 0:
            said = verdicts.effect(change, history.unit, history.better) + ", acknowledged" * bool(change.acknowledged)
            at, tone = int(places[change.index]), _tone(change, history.better)
            found.append(Mark(at, _glyph(change), said, tone, told_size(change.effect)))
    return found


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
