"""The runs beside the branch, by line and series. None of them is of a series that is judged.

Takes the results and sessions that ``tbp.asv`` read, gives ``LineRuns``. Comparing them with the branch is left to the
report.
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
    runs: list[LineRuns] = []
    for key, rows in rows_by_series(results, sessions, aside):
        declared = results.benchmarks.get(key.benchmark)
        version = declared.version if declared and declared.version else present_version(rows, declared)
        better = direction(key.benchmark, rows.type, rows.unit, policy).better
        for line, points in _by_line(compared_with(version, rows), commits.lines):
            runs.append(LineRuns(key, line, points, rows.unit, better))
    return tuple(runs)


def _by_line(points: Points, lines: tuple[Line, ...]) -> Iterator[tuple[Line, Points]]:
    """The points of each line that has some; they are sorted by their places in all lines, one after the other."""
    ends = np.cumsum([len(line.commits) for line in lines])
    cuts = np.searchsorted(points.columns.commit_index, ends).tolist()
    for line, start, stop in zip(lines, [0, *cuts], cuts, strict=False):
        if stop > start:
            yield line, points.part(start, stop)
