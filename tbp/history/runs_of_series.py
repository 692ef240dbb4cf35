"""Results, sessions and commits → the rows of each series, in order of history.

Takes the frame of results and the ruler's sessions. Gives ``SeriesRows``; which of them are comparable, and what
moved, is left to ``tbp.history.build``. A large project has millions of rows: they stay columns, and values that many
of them share are made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.asv.declarations import Benchmark
from tbp.asv.results import SERIES, Results
from tbp.asv.sessions import Sessions
from tbp.history.circumstances import Circumstances, RunCircumstances, circumstances, numbers, of_no_commit
from tbp.model.measured_with import MeasuredWith
from tbp.model.points import MEASURED, OUTCOMES, PointColumns, Points, compared
from tbp.model.series import SeriesKey
from tbp.project.commits import Commits
from tbp.statistics.robust import median
from tbp.system.arrays import Floats

_FACTS = ["python", "requirements", "hardware"]  # of a run, in its result file
_UNKNOWN: Circumstances = {}  # of runs without a value, which explain nothing


class SeriesRows(Struct, frozen=True, eq=False):
    """The runs of one series in order of history, and what they were measured with."""

    key: SeriesKey
    points: Points
    number: Floats  # calls timed together, NaN where unknown
    circumstances: Sequence[Circumstances]  # equal ones are one object
    started_ms: Floats  # when it was measured, since 1970; NaN where unknown
    versions: Sequence[str]  # of the benchmark; "" in files too old to have one
    unit: str  # the newest one's
    type: str

    def runs(self) -> list[RunCircumstances]:
        """The circumstances of each run, with its value."""
        rows = zip(self.circumstances, self.number.tolist(), self.points.columns.value.tolist(), strict=True)
        return [RunCircumstances(*row) for row in rows]


def rows_by_series(results: Results, sessions: Sessions, commits: Commits) -> list[SeriesRows]:
    """Each series with a run at a known commit; sorted by key."""
    frame = _in_order(results.frame, commits)
    return list(_series(frame, sessions, commits)) if len(frame) else []


def present_version(rows: SeriesRows, declared: Benchmark | None) -> str:
    """The version that benchmarks.json declares, or that of the newest run where none has it; empty where unknown."""
    if declared and declared.version and declared.version in rows.versions:
        return declared.version
    return next((version for version in reversed(rows.versions) if version), "")


def compared_with(version: str, rows: SeriesRows) -> Points:
    """The points, those of another benchmark version marked as not comparable: it measures something else."""
    if {"", version}.issuperset(rows.versions):
        return rows.points
    return compared(rows.points, np.array([known in ("", version) for known in rows.versions]))


class _SessionColumns(Struct, frozen=True):
    """The sessions of the runs of one series, by index of the run."""

    torch: list[str]  # "" where unknown
    threads: list[str]  # "" where unknown
    medians: dict[int, tuple[float, ...]]
    reasons: dict[int, str]

    def add(self, index: int, sessions: Sessions, key: SeriesKey, commit: str, is_time: bool) -> None:
        """Look up the sessions of the run at ``index``."""
        of_run = sessions.of(key, commit)
        self.torch[index] = next((session.torch for session in of_run if session.torch), "")
        self.threads[index] = next((str(session.threads) for session in of_run if session.threads), "")
        if is_time and (medians := sessions.medians_s(key, commit)):
            self.medians[index] = medians
        if reason := sessions.reason(key, commit):
            self.reasons[index] = reason


def _in_order(frame: pd.DataFrame, commits: Commits) -> pd.DataFrame:
    """The rows at known commits, sorted by series and by the commit's position in the order.

    The position becomes a column, and ``started_ms``, since 1970, another.
    """
    positions = {commit.hash: position for position, commit in enumerate(commits.order)}
    position_of = np.array([positions.get(name, -1) for name in frame["commit"].cat.categories], np.int32)
    frame = frame.assign(position=position_of[frame["commit"].cat.codes])
    if (position_of < 0).any():
        frame = frame[frame["position"] >= 0]
    since_ms = frame["started"].astype("int64").astype("float64").where(frame["started"].notna())
    return frame.assign(started_ms=since_ms).sort_values([*SERIES, "position"])


class _Circumstances:
    """The circumstances of runs; most runs share theirs with many others."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.of_row = frame.groupby(_FACTS, observed=True).ngroup().to_numpy()
        _, first = np.unique(self.of_row, return_index=True)
        facts = frame[_FACTS].iloc[first].itertuples(index=False, name=None)
        self.facts: list[tuple[str, str, str]] = list(facts)
        self.known: dict[tuple[int, str, str], Circumstances] = {}
        self.table: list[Circumstances] = []  # of ``MeasuredWith``: distinct ones without those that a commit changes
        self.rows: dict[int, int] = {}  # in ``table``, by the identity of those in ``known``

    def of(self, rows: slice, is_measured: NDArray[np.bool_], recorded: _SessionColumns) -> list[Circumstances]:
        """The circumstances of each run of a series; those of a run without a value explain nothing."""
        runs = list(zip(self.of_row[rows].tolist(), recorded.torch, recorded.threads, strict=True))
        known = {run: self._known(*run) for run in set(runs)}
        return [known[run] if measured else _UNKNOWN for run, measured in zip(runs, is_measured.tolist(), strict=True)]

    def measured_with(self, runs: Sequence[Circumstances], number: Floats, value: Floats) -> MeasuredWith:
        """The circumstances of each run of a series, of which ``runs`` are from ``of``."""
        rows = [self._row(run) for run in runs]
        index = np.array(rows, np.min_scalar_type(max(rows, default=0)))
        return MeasuredWith(self.table, index, numbers(number, value))

    def _row(self, known: Circumstances) -> int:
        if id(known) not in self.rows:
            small = of_no_commit(known)
            if small not in self.table:
                self.table.append(small)
            self.rows[id(known)] = self.table.index(small)
        return self.rows[id(known)]

    def _known(self, facts: int, torch: str, threads: str) -> Circumstances:
        key = facts, torch, threads
        if key not in self.known:
            self.known[key] = circumstances(*self.facts[facts], torch, threads)
        return self.known[key]


def _series(frame: pd.DataFrame, sessions: Sessions, commits: Commits) -> Iterator[SeriesRows]:
    """The series of ``frame``, which is in order."""
    series = frame.groupby(SERIES, observed=True).ngroup().to_numpy()
    edges = np.flatnonzero(np.diff(series, prepend=-1, append=-1))
    keys = frame[SERIES].iloc[edges[:-1]].itertuples(index=False, name=None)
    newest = frame[["unit", "type"]].iloc[edges[1:] - 1].itertuples(index=False, name=None)
    known = _Circumstances(frame)
    outcomes = np.array([OUTCOMES.index(outcome) for outcome in frame["outcome"].cat.categories], np.int8)
    position, outcome = frame["position"].to_numpy(), outcomes[frame["outcome"].cat.codes]
    values = frame[["value", "q25", "q75"]].to_numpy()
    number, versions, started_ms = (frame[name].to_numpy() for name in ("number", "version", "started_ms"))
    for fields, (unit, kind), start, end in zip(keys, newest, edges.tolist(), edges[1:].tolist(), strict=False):
        key, rows = SeriesKey(*fields), slice(start, end)
        is_measured = outcome[rows] == MEASURED
        recorded = _recorded(key, sessions, commits, position[rows], is_measured & (kind == "time"))
        value, low, high = _levels(values[rows], recorded.medians).T
        is_comparable = np.ones(len(value), bool)
        circumstances = known.of(rows, is_measured, recorded)
        columns = PointColumns(
            commits.order,
            position[rows],
            outcome[rows],
            value,
            low,
            high,
            is_comparable,
            recorded.medians,
            recorded.reasons,
            known.measured_with(circumstances, number[rows], value),
        )
        yield SeriesRows(
            key, Points(columns), number[rows], circumstances, started_ms[rows], versions[rows].tolist(), unit, kind
        )


def _recorded(
    key: SeriesKey, sessions: Sessions, commits: Commits, position: NDArray[np.int32], is_time: NDArray[np.bool_]
) -> _SessionColumns:
    """The sessions of a series at each of its commits, which are at ``position`` in their order."""
    recorded = _SessionColumns([""] * len(position), [""] * len(position), {}, {})
    with_sessions, reasons = sessions.commits(key), sessions.reasons.of(key)
    for index, at in enumerate(position.tolist() if with_sessions or reasons else ()):
        commit = commits.order[at].hash
        if commit in with_sessions or commit in reasons:
            recorded.add(index, sessions, key, commit, bool(is_time[index]))
    return recorded


def _levels(measured: Floats, sessions: Mapping[int, tuple[float, ...]]) -> Floats:
    """The value and quartiles of each run: asv's, moved to the median of its sessions where it has some.

    asv pools the samples of all processes, which hides that the process is the unit.
    """
    levels = measured.copy()
    for index, medians in sessions.items():
        value, *quartiles = measured[index].tolist()
        if value > 0:
            middle = median(medians)
            levels[index] = [middle, *(quartile * middle / value for quartile in quartiles)]
    return levels
