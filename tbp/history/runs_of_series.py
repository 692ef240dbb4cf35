"""Results, sessions and commits → the runs of each series, in order of history.

Takes the results and sessions that ``tbp.asv`` read. Gives rows; which of them are comparable is left to ``build``. A
large project has millions of runs: they stay columns, and what many of them share is made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.asv.declarations import Benchmark
from tbp.asv.result_table import keys
from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.history.circumstances import Circumstances, RunCircumstances, circumstances
from tbp.model.points import MEASURED, OUTCOMES, Floats, PointColumns, Points, compared
from tbp.model.series import SeriesKey
from tbp.project.commits import Commits
from tbp.statistics.robust import median

_KEY = ("benchmark", "parameters", "machine", "environment")
_UNKNOWN: Circumstances = {}  # of runs without a value, which explain nothing


class _RowFacts(NamedTuple):
    """The facts that the circumstances of a run depend on."""

    python: str
    requirements: str
    hardware: str
    torch: str = ""  # as the sessions saw it
    threads: str = ""  # as the sessions saw them


class Rows(Struct, frozen=True, eq=False):
    """The runs of one series in order of history, and what they were measured with."""

    points: Points
    number: Floats  # calls timed together, NaN where unknown
    circumstances: Sequence[Circumstances]  # equal ones are one object
    started_ms: Floats  # when it was measured, since 1970; NaN where unknown
    versions: Sequence[str]  # of the benchmark; "" in files too old to say
    unit: str  # the newest one's
    type: str

    def runs(self, comparable: NDArray[np.bool_], otherwise: RunCircumstances) -> list[RunCircumstances]:
        """One for each row; ``otherwise`` for those that are not comparable."""
        rows = zip(
            comparable.tolist(), self.circumstances, self.number.tolist(), self.points.columns.value.tolist(),
            strict=True,
        )  # fmt: skip
        return [
            RunCircumstances(known, number, value) if is_comparable else otherwise
            for is_comparable, known, number, value in rows
        ]


def rows_by_series(results: Results, sessions: Sessions, commits: Commits) -> list[tuple[SeriesKey, Rows]]:
    """Each series' runs in order of history; series in order of their keys."""
    return list(_Reader(results, sessions, commits).series())


def present_version(rows: Rows, declared: Benchmark | None) -> str:
    """The version that benchmarks.json declares, or that of the newest run where none has it; empty where unknown."""
    if declared and declared.version and declared.version in rows.versions:
        return declared.version
    return next((version for version in reversed(rows.versions) if version), "")


def compared_with(version: str, rows: Rows) -> Points:
    """The points, those of another benchmark version marked as not comparable: it measures something else."""
    if {"", version}.issuperset(rows.versions):
        return rows.points
    return compared(rows.points, np.array([stated in ("", version) for stated in rows.versions]))


def seen(sessions: Sessions, key: SeriesKey, commit: str) -> tuple[str, str]:
    """The torch and the threads that the sessions of a run saw; empty where unknown."""
    of_run = sessions.of(key, commit)
    torch = next((session.torch for session in of_run if session.torch), "")
    return torch, next((str(session.threads) for session in of_run if session.threads), "")


class _Sessions(NamedTuple):
    """The facts of sessions about the runs of one series, by index of the run."""

    torch: list[str]  # "" where unknown
    threads: list[str]  # "" where unknown
    medians: dict[int, tuple[float, ...]]
    reasons: dict[int, str]

    def note(self, index: int, sessions: Sessions, key: SeriesKey, commit: str, is_time: bool) -> None:
        self.torch[index], self.threads[index] = seen(sessions, key, commit)
        if is_time and (medians := sessions.medians_s(key, commit)):
            self.medians[index] = medians
        if reason := sessions.skipped(key, commit):
            self.reasons[index] = reason


class _Reader:
    """The table of results with its rows sorted by series and commit."""

    def __init__(self, results: Results, sessions: Sessions, commits: Commits) -> None:
        self.sessions, self.order = sessions, commits.order
        position = {commit.hash: index for index, commit in enumerate(commits.order)}
        points = results.points
        places = np.array([position.get(name, -1) for name in points.commit.items], np.int64)[points.commit.codes]
        key = keys([points.labels(name) for name in _KEY])
        rows = np.lexsort((places, key))
        rows = rows[places[rows] >= 0]
        self.places = places[rows].astype(np.int32)
        self.edges = np.flatnonzero(np.diff(key[rows], prepend=-1, append=-1)).tolist()
        names = (*_KEY, "commit", "version", "unit", "type", "python", "requirements", "hardware")
        self.codes = {name: points.labels(name).codes[rows] for name in names}
        self.items = {name: points.labels(name).items for name in names}
        outcomes = np.array([OUTCOMES.index(outcome) for outcome in points.outcome.items], np.int8)
        self.outcome = outcomes[points.outcome.codes[rows]]
        self.value, self.low, self.high = points.value[rows], points.q25[rows], points.q75[rows]
        self.number, self.started_ms = points.number[rows], points.started_ms[rows]
        # What a run was measured with is the same for all of its series.
        stated = ("python", "requirements", "hardware")
        facts = keys([points.labels(name) for name in stated])[rows]
        _, first, self.facts = np.unique(facts, return_index=True, return_inverse=True)
        texts = [[self._text(name, row) for row in first.tolist()] for name in stated]
        self.stated = [
            _RowFacts(python, requirements, hardware) for python, requirements, hardware in zip(*texts, strict=True)
        ]
        self.known: dict[_RowFacts, Circumstances] = {}

    def series(self) -> Iterator[tuple[SeriesKey, Rows]]:
        for start, end in zip(self.edges, self.edges[1:], strict=False):
            benchmark, parameters, machine, environment = (self.items[name][self.codes[name][start]] for name in _KEY)
            key = SeriesKey(benchmark, parameters, machine, environment)
            yield key, self._rows(key, slice(start, end))

    def _rows(self, key: SeriesKey, part: slice) -> Rows:
        count = part.stop - part.start
        values = np.stack([self.value[part], self.low[part], self.high[part]])
        seen_by_sessions = _Sessions([""] * count, [""] * count, {}, {})
        measured_there = self.sessions.commits(key)
        if measured_there:
            commits = [self._text("commit", row) for row in range(part.start, part.stop)]
            is_time = self.outcome[part] == MEASURED if self._text("type", part.stop - 1) == "time" else [False] * count
            for index, commit in enumerate(commits):
                if commit in measured_there:
                    seen_by_sessions.note(index, self.sessions, key, commit, bool(is_time[index]))
            for index, medians in seen_by_sessions.medians.items():
                values[:, index] = _level(values[:, index], medians)
        columns = PointColumns(
            self.order,
            self.places[part],
            self.outcome[part],
            values[0],
            values[1],
            values[2],
            np.ones(count, bool),
            seen_by_sessions.medians,
            seen_by_sessions.reasons,
        )
        versions = self.items["version"]
        return Rows(
            Points(columns),
            self.number[part],
            self._circumstances(part, seen_by_sessions),
            self.started_ms[part],
            [versions[code] for code in self.codes["version"][part].tolist()],
            self._text("unit", part.stop - 1),
            self._text("type", part.stop - 1),
        )

    def _circumstances(self, part: slice, seen_by_sessions: _Sessions) -> list[Circumstances]:
        rows = list(zip(self.facts[part].tolist(), seen_by_sessions.torch, seen_by_sessions.threads, strict=True))
        known = {row: self._known(*row) for row in set(rows)}
        is_measured = (self.outcome[part] == MEASURED).tolist()
        return [known[row] if has_value else _UNKNOWN for row, has_value in zip(rows, is_measured, strict=True)]

    def _known(self, facts: int, torch: str, threads: str) -> Circumstances:
        stated = self.stated[facts]
        if torch or threads:
            stated = stated._replace(torch=torch, threads=threads)
        if stated not in self.known:
            self.known[stated] = circumstances(stated, torch, threads)
        return self.known[stated]

    def _text(self, name: str, row: int) -> str:
        return str(self.items[name][self.codes[name][row]])


def _level(measured: Floats, sessions: tuple[float, ...]) -> Floats:
    """A run's value and quartiles: asv's, moved to the median of the sessions.

    asv pools the samples of all processes, which hides that the process is the unit.
    """
    if not measured[0] > 0:
        return measured
    middle = median(sessions)
    return np.array([middle, *(measured[1:] * middle / measured[0])])
