"""The runs beside the branch, by line and series. None of them is of a series that is judged.

Takes results and sessions, gives ``LineRuns``. Comparing them with the branch is left to the report.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.history.runs_of_series import compared_with, present_version, rows_by_series
from tbp.model.changes import LineRuns
from tbp.model.points import Points
from tbp.model.series import Line
from tbp.project.commits import Commits
from tbp.project.directions import direction
from tbp.project.policy import Policy


def runs_beside(results: Results, sessions: Sessions, commits: Commits, policy: Policy) -> tuple[LineRuns, ...]:
    """The runs of every line, by series, then in order of the lines."""
    if not commits.lines:
        return ()
    aside = replace(commits, order=tuple(commit for line in commits.lines for commit in line.commits))
    beside: list[LineRuns] = []
    for runs in rows_by_series(results, sessions, aside):
        benchmark = runs.key.benchmark
        declared = results.benchmarks.get(benchmark)
        version = declared.version if declared and declared.version else present_version(runs, declared)
        better = direction(benchmark, runs.type, runs.unit, policy).better
        for line, points in _by_line(compared_with(version, runs), commits.lines):
            beside.append(LineRuns(runs.key, line, points, runs.unit, better))
    return tuple(beside)


def _by_line(points: Points, lines: tuple[Line, ...]) -> Iterator[tuple[Line, Points]]:
    """The points of each line that has some; they are sorted by their places in all lines, one after the other."""
    ends = np.cumsum([len(line.commits) for line in lines])
    cuts = np.searchsorted(points.columns.commit_index, ends).tolist()
    for line, start, stop in zip(lines, [0, *cuts], cuts, strict=False):
        if stop > start:
            yield line, points.part(start, stop)
