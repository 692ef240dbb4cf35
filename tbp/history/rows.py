"""Results, sessions and commits → the runs of each series, in order of history.

Takes what ``tbp.asv`` read. Gives rows; which of them are comparable, and what moved, is left to ``histories``.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tbp.asv.declarations import Benchmark
from tbp.asv.repository import Commits
from tbp.asv.result_frame import Value
from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.history.circumstances import Run, circumstances
from tbp.history.series import Commit, Outcome, Point, SeriesKey


@dataclass(frozen=True)
class Row:
    """One run's value of a series, and what it was measured with."""

    point: Point
    run: Run
    version: str  # of the benchmark; "" in files too old to say
    unit: str
    type: str


def rows_by_series(results: Results, sessions: Sessions, commits: Commits) -> list[tuple[SeriesKey, list[Row]]]:
    """Each series' runs in order of history; series in order of their keys."""
    series: dict[SeriesKey, list[Row]] = {}
    position = {commit.hash: i for i, commit in enumerate(commits.order)}
    for value in results.values():
        if value.commit in position:
            key = SeriesKey(value.benchmark, value.parameters, value.machine, value.environment)
            series.setdefault(key, []).append(_row(key, value, commits.order[position[value.commit]], sessions))
    for rows in series.values():
        rows.sort(key=lambda row: position[row.point.commit.hash])
    return sorted(series.items())


def present_version(rows: Sequence[Row], declared: Benchmark | None) -> str:
    """The version that benchmarks.json declares, or that of the newest run where none has it; empty where unknown."""
    known = [row.version for row in rows if row.version]
    return declared.version if declared and declared.version in known else known[-1] if known else ""


def compared_with(version: str, rows: Sequence[Row]) -> tuple[Point, ...]:
    """The points, those of another benchmark version marked as not comparable: it measures something else."""
    return tuple(row.point if row.version in ("", version) else replace(row.point, comparable=False) for row in rows)


def _row(key: SeriesKey, row: Value, commit: Commit, sessions: Sessions) -> Row:
    is_time = row.type == "time" and row.outcome is Outcome.MEASURED
    own = sessions.medians_s(key, row.commit) if is_time else ()
    value, low, high = _level(row.value, row.q25, row.q75, own)
    torch = next((session.torch for session in sessions.of(key, row.commit) if session.torch), "")
    threads = next((session.threads for session in sessions.of(key, row.commit) if session.threads), 0)
    point = Point(
        commit=commit,
        outcome=row.outcome,
        value=value,
        low=low,
        high=high,
        sessions=own,
        reason=sessions.skipped(key, row.commit),
    )
    known = circumstances(row, torch, threads) if row.outcome is Outcome.MEASURED else {}
    return Row(point, Run(known, row.number, value), row.version, row.unit, row.type)


def _level(value: float, low: float, high: float, sessions: tuple[float, ...]) -> tuple[float, float, float]:
    """A run's value and quartiles: asv's, moved to the median of the sessions where there are any.

    asv pools the samples of all processes, which hides that the process is the unit.
    """
    if not sessions or not value > 0:
        return value, low, high
    middle = statistics.median(sessions)
    return middle, low * middle / value, high * middle / value
