"""Results, sessions and commits → histories, each with its state, its changes and what the traces say of them.

Takes what ``tbp.asv`` read, and a callable that reads one trace, so that nothing is read here: it is called only for
the two sides of a change and for the newest commit of a series. Gives what the report renders. Where a level shifts
is decided in ``change_points``, what two traces differ in by ``tbp.traces.difference``.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tbp.asv.declarations import Benchmark
from tbp.asv.repository import Commits
from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.errors import UnreadableTrace
from tbp.history.change_points import change_points
from tbp.history.noise import noise_between, noise_within
from tbp.history.series import (
    Better,
    Change,
    ChangeEvidence,
    Commit,
    History,
    Outcome,
    Point,
    SeriesKey,
    State,
)
from tbp.traces.difference import difference
from tbp.traces.operators import OperatorTable, merged_table
from tbp.traces.operators import Session as TraceSession

# Reads one trace file; may raise UnreadableTrace.
TraceReader: TypeAlias = Callable[[Path], TraceSession]

# Below these no change could be confirmed, so "no change" would claim too much. 5 single values against 6 are the
# first that Mann-Whitney, times 10 places, can put under 5 %; with 3 sessions a run the t test needs 4 runs.
ENOUGH_RUNS = 11
ENOUGH_RUNS_WITH_SESSIONS = 4
ENOUGH_SESSIONS = 3

# Traces read for one side of a change; the rule for changed times needs 3, more than 5 say little more.
TRACES_PER_SIDE = 5
TRACES_FOR_OPERATORS = 3

# Units of which more is better: rates, factors of speed and agreement. FLOPS in capitals is a rate, flops a count.
_HIGHER = re.compile(
    r"(?i:/\s*s(ec|econds?)?\b|\bper[ _-]?s(ec|econd)?\b|hz$|^[x×]$)"
    r"|(?i:speed-?up|throughput|accuracy|cosine|utili[sz]ation)|FLOPS$"
)


@dataclass(frozen=True)
class _Row:
    """One run's value of a series, and the benchmark version it was measured with."""

    point: Point
    version: str
    unit: str
    type: str


@dataclass
class _Traces:
    """Reads each trace of a run at most once while one series is at hand, and keeps what was unreadable."""

    read: TraceReader
    sessions: Sessions
    problems: list[str]
    _kept: dict[Path, TraceSession | None] = field(default_factory=dict)

    def of(self, key: SeriesKey, commit: Commit, most: int) -> list[TraceSession]:
        """Up to ``most`` readable traces of a series at a commit."""
        paths = self.sessions.traces(key, commit.hash)[:most]
        return [trace for path in paths if (trace := self._trace(path)) is not None]

    def forget(self) -> None:
        self._kept.clear()

    def _trace(self, path: Path) -> TraceSession | None:
        if path not in self._kept:
            try:
                self._kept[path] = self.read(path)
            except UnreadableTrace as error:
                self.problems.append(str(error))
                self._kept[path] = None
        return self._kept[path]


def histories(
    results: Results,
    sessions: Sessions,
    commits: Commits,
    trace_reader: TraceReader,
    problems: list[str] | None = None,
) -> tuple[History, ...]:
    """Every series of the results, sorted by key. Traces that cannot be read are said in ``problems``, if given.

    Only runs with a benchmark's present version count: another version measures something else.
    """
    traces = _Traces(trace_reader, sessions, [] if problems is None else problems)
    rows = _rows_by_series(results, sessions, commits)
    return tuple(_history(key, _present(own, results.benchmarks.get(key.benchmark)), traces) for key, own in rows)


def better(unit: str, benchmark_type: str) -> Better:
    """Less time and less memory are better; of what a track_ benchmark returns the unit decides."""
    is_rate = benchmark_type not in ("time", "memory", "peakmemory") and _HIGHER.search(unit)
    return Better.HIGHER if is_rate else Better.LOWER


def _rows_by_series(results: Results, sessions: Sessions, commits: Commits) -> list[tuple[SeriesKey, list[_Row]]]:
    """Each series' runs in order of history; series in order of their keys."""
    series: dict[SeriesKey, list[_Row]] = {}
    position = {commit.hash: i for i, commit in enumerate(commits.order)}
    for row in results.values():
        if row.commit not in position:
            continue
        key = SeriesKey(row.benchmark, row.parameters, row.machine, row.environment)
        is_time = row.type == "time"
        own = sessions.medians_s(key, row.commit) if is_time and row.outcome is Outcome.MEASURED else ()
        value, low, high = _level(row.value, row.q25, row.q75, own)
        point = Point(
            commit=commits.order[position[row.commit]],
            outcome=row.outcome,
            value=value,
            low=low,
            high=high,
            sessions=own,
            reason=sessions.skipped(key, row.commit),
        )
        series.setdefault(key, []).append(_Row(point, row.version, row.unit, row.type))
    for rows in series.values():
        rows.sort(key=lambda row: position[row.point.commit.hash])
    return sorted(series.items())


def _level(value: float, low: float, high: float, sessions: tuple[float, ...]) -> tuple[float, float, float]:
    """A run's value and quartiles: asv's, moved to the median of the sessions where there are any.

    asv pools the samples of all processes, which hides that the process is the unit.
    """
    if not sessions or not value > 0:
        return value, low, high
    middle = statistics.median(sessions)
    return middle, low * middle / value, high * middle / value


def _present(rows: Sequence[_Row], declared: Benchmark | None) -> list[_Row]:
    """The runs of the version that benchmarks.json declares, or of the newest run's where none has that."""
    known = [row.version for row in rows if row.version]
    if not known:
        return list(rows)
    version = declared.version if declared and declared.version in known else known[-1]
    return [row for row in rows if row.version in ("", version)]


def _history(key: SeriesKey, rows: Sequence[_Row], traces: _Traces) -> History:
    points = tuple(row.point for row in rows)
    direction = better(rows[-1].unit, rows[-1].type)
    changes = change_points(
        [point.value for point in points],
        [point.sessions for point in points],
        counter=rows[-1].type == "track",
    )
    operators, operators_commit = _operators(key, points, traces)
    history = History(
        key=key,
        unit=rows[-1].unit,
        better=direction,
        points=points,
        state=_state(points, changes, direction),
        changes=tuple(_evidence(key, points, changes, i, traces) for i in range(len(changes))),
        noise_within=noise_within(points),
        noise_between=noise_between(points, [change.index for change in changes if change.confirmed]),
        operators=operators,
        operators_commit=operators_commit,
    )
    traces.forget()
    return history


def _state(points: Sequence[Point], changes: Sequence[Change], direction: Better) -> State:
    """The newest confirmed change decides; without one, whether the newest run was measured and enough others."""
    confirmed = [change for change in changes if change.confirmed]
    if confirmed:
        return State.REGRESSION if confirmed[-1].is_worse(direction) else State.IMPROVEMENT
    if points[-1].outcome is Outcome.FAILED:
        return State.FAILED
    if points[-1].outcome is Outcome.SKIPPED:
        return State.SKIPPED
    return State.NO_CHANGE if _is_enough(points) else State.NOT_ENOUGH_DATA


def _is_enough(points: Sequence[Point]) -> bool:
    measured = [point for point in points if point.outcome is Outcome.MEASURED]
    with_sessions = sum(len(point.sessions) >= ENOUGH_SESSIONS for point in measured)
    is_constant = len(measured) >= 3 and len({point.value for point in measured}) == 1
    return len(measured) >= ENOUGH_RUNS or with_sessions >= ENOUGH_RUNS_WITH_SESSIONS or is_constant


def _evidence(
    key: SeriesKey, points: Sequence[Point], changes: Sequence[Change], i: int, traces: _Traces
) -> ChangeEvidence:
    """Traces of the nearest commits with one on both sides, inside the two segments that the change parts."""
    change = changes[i]
    start = changes[i - 1].index if i else 0
    end = changes[i + 1].index if i + 1 < len(changes) else len(points)
    before = _nearest(key, points[start : change.index][::-1], traces)
    after = _nearest(key, points[change.index : end], traces)
    if before is None or after is None:
        side = "before the change" if before is None else "after it"
        side = "on either side" if before is None and after is None else side
        note = traces.sessions.trace_note(key, points[change.index].commit.hash)
        return ChangeEvidence(change, note=f"no readable trace {side}" + (f": {note}" if note else ""))
    (old_commit, old), (new_commit, new) = before, after
    adjacent = (_last_measured(points[: change.index]), points[change.index].commit)
    note = ""
    if (old_commit, new_commit) != adjacent:
        note = f"traces of {old_commit.short} and {new_commit.short}, the nearest that were recorded"
    return ChangeEvidence(change, difference(old, new), note)


def _nearest(key: SeriesKey, points: Sequence[Point], traces: _Traces) -> tuple[Commit, list[TraceSession]] | None:
    """The first commit of ``points`` with a readable trace, and those."""
    for point in points:
        if found := traces.of(key, point.commit, TRACES_PER_SIDE):
            return point.commit, found
    return None


def _last_measured(points: Sequence[Point]) -> Commit | None:
    return next((p.commit for p in reversed(points) if p.outcome is Outcome.MEASURED and math.isfinite(p.value)), None)


def _operators(key: SeriesKey, points: Sequence[Point], traces: _Traces) -> tuple[OperatorTable | None, Commit | None]:
    """The operators of the newest commit that has a readable trace, the mean over its sessions."""
    for point in reversed(points):
        if found := traces.of(key, point.commit, TRACES_FOR_OPERATORS):
            return merged_table([trace.table for trace in found]), point.commit
    return None, None
