"""Results, sessions and commits → histories, each with its state, its changes and the evidence of traces.

Takes what ``tbp.asv`` read, and a callable that reads one trace, so that nothing is read here: it is called only for
the two sides of a change and for the newest commit of a series. Gives the histories that the report renders. One series
is judged in ``judge_series``; here follow the steps that look at all of them: false discovery, pairs, witnesses, state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.ratios import Ratio
from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.detection.false_discovery import controlled
from tbp.detection.noise import noise_between
from tbp.history.acknowledged import marked
from tbp.history.agreement import doubt, gathered, is_weak
from tbp.history.circumstances import surroundings
from tbp.history.judge_series import Judge, SeriesRuns, judge_all
from tbp.history.measured_cells import measured_cell
from tbp.history.paired_changes import with_pairs
from tbp.history.rank_history import rank_history
from tbp.history.runs_of_series import SeriesRows, compared_with, present_version, rows_by_series
from tbp.history.states import Freshness, freshness, is_enough, state
from tbp.history.trace_evidence import Traces, evidence, newest_traces
from tbp.history.two_sides import sides
from tbp.model.cells import MeasuredCell
from tbp.model.changes import Break, Change, ChangeEvidence, History, State
from tbp.model.points import Points, levels
from tbp.model.series import SeriesKey
from tbp.project.commits import Commits
from tbp.project.directions import Direction, direction
from tbp.project.policy import Policy
from tbp.traces.several_recordings import TraceReader


class _Judged(Struct, frozen=True):
    """A series and its changes, before it is seen among the others."""

    key: SeriesKey
    rows: SeriesRows
    direction: Direction
    points: Points
    changes: tuple[Change, ...]
    breaks: tuple[Break, ...]
    noise_within: float

    @property
    def boundaries(self) -> list[int]:
        """The indexes at which its segments begin."""
        return [change.index for change in self.changes if change.confirmed]


def histories(
    results: Results,
    sessions: Sessions,
    commits: Commits,
    trace_reader: TraceReader,
    problems: list[str] | None = None,
    policy: Policy | None = None,
    judge: Judge = judge_all,
    ratios: Mapping[SeriesKey, Sequence[Ratio]] | None = None,
) -> tuple[History, ...]:
    """Every series of the results, sorted by key. Traces that cannot be read are named in ``problems``, if given.

    Only runs with a benchmark's present version are judged: another version measures something else. They are among
    the points, marked as not comparable. ``judge`` judges all of them at once: it may remember, or use several
    processes. ``ratios`` are those of pairs that nights measured.
    """
    policy = policy or Policy()
    judged = _judged(rows_by_series(results, sessions, commits), results, policy, judge)
    if not judged:
        return ()
    fresh = freshness(((series.key, series.points) for series in judged), results.benchmarks)
    tested = [index for index, series in enumerate(judged) if _is_tested(series)]
    controlled_changes = controlled([judged[index].changes for index in tested], policy.false_discovery_rate)
    for index, changes in zip(tested, controlled_changes, strict=True):
        judged[index] = replace(judged[index], changes=changes)
    for index, series in enumerate(judged):
        if paired := (ratios or {}).get(series.key):  # pairs have an error rate of their own
            judged[index] = replace(series, changes=with_pairs(series.changes, series.points, paired, policy.relevant))
    traces = Traces(trace_reader, sessions, [] if problems is None else problems)
    known = {series.key: series.points for series in judged}
    return tuple(_history(series, fresh, traces, policy, known) for series in judged)


def _judged(series: Sequence[SeriesRows], results: Results, policy: Policy, judge: Judge) -> list[_Judged]:
    to_judge = [
        SeriesRuns(
            rows,
            compared_with(present_version(rows, results.benchmarks.get(rows.key.benchmark)), rows),
            policy.relevant,
        )
        for rows in series
    ]
    return [
        _Judged(
            key=rows.key,
            rows=rows,
            direction=direction(rows.key.benchmark, rows.type, rows.unit, policy),
            points=runs.points,
            changes=findings.changes,
            breaks=findings.breaks,
            noise_within=findings.noise_within,
        )
        for rows, runs, findings in zip(series, to_judge, judge(to_judge), strict=True)
    ]


def _is_tested(series: _Judged) -> bool:
    """True where chance could have brought a change: there are enough runs, and not all of one value."""
    value = levels(series.points)
    return is_enough(series.points) and bool(np.nanmin(value) < np.nanmax(value))


def _history(
    series: _Judged, fresh: Freshness, traces: Traces, policy: Policy, known: Mapping[SeriesKey, Points]
) -> History:
    key, points = series.key, series.points
    newest = newest_traces(key, points, traces)
    changes = _agreeing(series, _evidence(series, traces), traces.sessions, known) if series.changes else ()
    series = replace(series, changes=tuple(evidence.change for evidence in changes))
    history = History(
        key=key,
        unit=series.rows.unit,
        better=series.direction.better,
        better_by=series.direction.source,
        points=points,
        state=State.NOT_ENOUGH_DATA,  # until all is known that it depends on
        changes=changes,
        breaks=series.breaks,
        noise_within=series.noise_within,
        noise_between=noise_between(points, series.boundaries),
        operators=newest.operators,
        operators_commit=newest.commit,
        frames=newest.frames,
        devices=newest.devices,
        memory=newest.memory,
        ranks=rank_history(key, points, traces, newest),
        recorded=newest.recorded,
        roof_flop=_roof_flop(series, traces.sessions),
        cell=_cell(series, traces.sessions),
        relevant=policy.relevant,
    )
    traces.forget()
    final = fresh.gone(key, policy.stale_days) or state(points, history.balance)
    return marked(replace(history, state=final))


def _evidence(series: _Judged, traces: Traces) -> tuple[ChangeEvidence, ...]:
    """Each change with its traces, its values and its circumstances on both sides."""
    key, points, changes = series.key, series.points, series.changes
    both = sides(points, changes, lambda commit: traces.sessions.samples_s(key, commit.hash))
    cuts = [change.index for change in changes]
    edges = zip([0, *cuts[:-1]], [*cuts[1:], len(points)], strict=True)
    around = [surroundings(*placed, series.rows.circumstances) for placed in zip(changes, edges, strict=True)]
    return tuple(
        replace(evidence(key, points, changes, i, traces), sides=both[i], circumstances=around[i])
        for i in range(len(changes))
    )


def _agreeing(
    series: _Judged, evidences: Sequence[ChangeEvidence], sessions: Sessions, known: Mapping[SeriesKey, Points]
) -> tuple[ChangeEvidence, ...]:
    """The changes, only suspect where other evidence contradicts them. ``known`` has the points of all series."""
    if series.rows.type != "time":
        return tuple(evidences)
    indexes = [evidence.change.index for evidence in evidences]
    edges = zip([0, *indexes[:-1]], [*indexes[1:], len(series.points)], strict=True)
    agreed = []
    for shift, (start, end) in zip(evidences, edges, strict=True):
        change, against = shift.change, ""
        if is_weak(change):
            witnesses = gathered(series.key, series.points, (start, change.index, end), sessions, known)
            against = doubt(change, replace(witnesses, difference=shift.difference))
        suspected = replace(change, confirmed=False, doubt=against) if against else change
        agreed.append(replace(shift, change=suspected))
    return tuple(agreed)


def _roof_flop(series: _Judged, sessions: Sessions) -> float:
    """``History.roof_flop``. Most projects have no sessions, and nothing is looked up for them."""
    if not sessions.commits(series.key):
        return math.nan
    commit = _newest_level(series.points)
    return sessions.roof_flop(series.key, commit) if commit else math.nan


def _cell(series: _Judged, sessions: Sessions) -> MeasuredCell | None:
    """``History.cell``."""
    if not sessions.commits(series.key):
        return None
    return measured_cell(sessions.of(series.key, _newest_level(series.points)))


def _newest_level(points: Points) -> str:
    """The commit of the newest point with a level; empty where none has one."""
    known = np.flatnonzero(np.isfinite(levels(points))).tolist()
    return points[known[-1]].commit.hash if known else ""
