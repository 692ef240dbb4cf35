"""The runs beside the branch, as rows of a benchmark's page: each line's newest run against where it forked.

Takes ``ReportData`` with the runs of one benchmark, gives words and addresses. The two are judged as `tbp compare`
judges, by the runs of their own line and of the branch before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.comparison.judgements import StoredSeries, judgements, series_of_points
from tbp.model.changes import History, LineRuns, State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.model.points import columns, last_with_level
from tbp.model.points import commits as commits_of
from tbp.model.series import Commit, Line, Point, SeriesKey
from tbp.project.lines import path_to
from tbp.report.base.report_data import ReportData
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.wording import phrases, verdicts, words

MOST_ROWS = 100
"""The most rows of a page: each is judged, which takes 1 to 2 ms on two slow cores. points.csv has the runs of all."""


MOST_BEFORE = 60
"""Runs of the branch that a line is judged with: twice as many as a comparison looks at on one side."""


class LineRow(Struct, frozen=True):
    """One series on one line."""

    line: str
    name: str  # of the series; empty where the page has one
    runs: int  # with a value
    newest: CommitLink
    value: str
    origin: CommitLink | None  # the nearest commit before the line with a value; None where there is none
    before: str  # its value
    verdict: str
    state: State | None  # None where nothing could be compared
    glyph: str


class OtherLines(Struct, frozen=True):
    """``said`` is the heading of the fold; empty where everything is of the branch."""

    summary: str = ""
    rows: tuple[LineRow, ...] = ()
    left_out: int = 0  # series of lines without a row


class _Asked(Struct, frozen=True):
    """A series on a line with the two runs that are compared."""

    runs: LineRuns
    newest: Point  # the last one with a value
    series: StoredSeries | None  # with the runs of the branch before it; None where there is none
    origin: Point | None


def other_lines(data: ReportData, names: Mapping[SeriesKey, str]) -> OtherLines:
    """The rows of ``data.beside``, newest line first; ``names`` are those of the page's series."""
    if not data.beside:
        return OtherLines()
    lines = tuple(dict.fromkeys(runs.line for runs in data.beside))
    histories = {history.key: history for history in data.histories}
    ranked = sorted(data.beside, key=lambda runs: (runs.line.commits[-1].date, runs.line.name), reverse=True)
    known = [(runs, newest) for runs in ranked if (newest := last_with_level(runs.points)) is not None]
    compared = [_asked(runs, newest, histories.get(runs.key), data, lines) for runs, newest in known[:MOST_ROWS]]
    verdicts = _judged([pair for pair in compared if pair.series is not None])
    rows = tuple(_row(pair, verdicts.get((pair.runs.line, pair.runs.key)), names, data.commit_url) for pair in compared)
    number = len({commit for runs in data.beside for commit in runs.line.commits})
    commits, line_count = words.count(number, "commit"), words.count(len(lines), "other line")
    heading = f"Beside {data.branch or 'the branch'}: {commits} on {line_count}"
    return OtherLines(heading, rows, len(known) - len(rows))


def _asked(runs: LineRuns, newest: Point, history: History | None, data: ReportData, lines: Sequence[Line]) -> _Asked:
    """The run that a line is compared with is the nearest one that it came from."""
    elsewhere = (other.points for other in data.beside if other.key == runs.key and other is not runs)
    before = _places([*elsewhere, *([history.points] if history else [])])
    path = path_to(runs.line.commits[-1].hash, data.commits, lines)
    nearest_first = (before[commit.hash] for commit in reversed(path) if commit.hash in before)
    nearest = list(islice(nearest_first, MOST_BEFORE))[::-1]
    came = [points[index] for points, index in nearest]
    origin = last_with_level(came)
    if origin is None:
        return _Asked(runs, newest, None, None)
    series = series_of_points(runs.key, runs.unit, runs.better, (*came, *runs.points))
    of_line = ((runs.points, index) for index in range(len(runs.points)))
    circumstances = [_measured_with(*each) for each in (*nearest, *of_line)]
    return _Asked(runs, newest, replace(series, circumstances=circumstances), origin)


def _measured_with(points: Sequence[Point], index: int) -> Mapping[str, str]:
    """The circumstances of a run without asv's number, which compares within one line."""
    known = columns(points).measured_with
    return known.table[known.index[index]] if known is not None else {}


def _places(several: Sequence[Sequence[Point]]) -> dict[str, tuple[Sequence[Point], int]]:
    """Maps each commit to where its run is, since long series make no object for each run."""
    return {commit.hash: (points, index) for points in several for index, commit in enumerate(commits_of(points))}


def _judged(compared: Sequence[_Asked]) -> dict[tuple[Line, SeriesKey], Judgement]:
    """The judgement of each; those of the same two commits are corrected for how many there are."""
    groups: dict[tuple[Commit, Commit], list[_Asked]] = {}
    for pair in compared:
        if pair.origin is not None:
            groups.setdefault((pair.origin.commit, pair.newest.commit), []).append(pair)
    verdicts: dict[tuple[Line, SeriesKey], Judgement] = {}
    for commits, several in groups.items():
        sides = [ComparedCommit(commit.short, commit.hash, commit.subject) for commit in commits]
        judged = judgements((pair.series for pair in several if pair.series is not None), sides[0], sides[1])
        verdicts |= {
            (pair.runs.line, pair.runs.key): judgement for pair, judgement in zip(several, judged, strict=True)
        }
    return verdicts


def _row(pair: _Asked, judgement: Judgement | None, names: Mapping[SeriesKey, str], commit_url: str) -> LineRow:
    runs, newest, origin = pair.runs, pair.newest, pair.origin
    parts = (runs.key.label, runs.key.machine, runs.key.environment)
    name = names.get(runs.key) or ", ".join(filter(None, parts if runs.key not in names else ()))
    verdict = "no value where it branched off"
    if judgement is not None:
        is_changed = judgement.state in phrases.CHANGED
        effect = phrases.effect(judgement) if is_changed else ""
        verdict = effect or verdicts.PLURALS[judgement.state][0]
        if not is_changed and judgement.reason:
            verdict += f": {judgement.reason}"
    return LineRow(
        line=runs.line.name,
        name=name,
        runs=int(np.count_nonzero(np.isfinite(columns(runs.points).value))),
        newest=commit_link(newest.commit, commit_url),
        value=words.quantity(newest.value, runs.unit),
        origin=commit_link(origin.commit, commit_url) if origin is not None else None,
        before=words.quantity(origin.value, runs.unit) if origin is not None and math.isfinite(origin.value) else "",
        verdict=verdict,
        state=judgement.state if judgement is not None else None,
        glyph=verdicts.GLYPHS[judgement.state] if judgement is not None else "",
    )
