"""Results, sessions and commits → histories, each with its state, its changes and what the traces say of them.

Takes what ``tbp.asv`` read, and a callable that reads one trace, so that nothing is read here: it is called only for
the two sides of a change and for the newest commit of a series. Gives what the report renders. What moved in one series
is decided in ``judging``, which changes so many series would bring by chance in ``false_discovery``, and what the
traces say in ``trace_evidence``.
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
from tbp.history.agreement import doubt, is_weak
from tbp.history.circumstances import surroundings
from tbp.history.judge_series import Judge, SeriesRuns, judge_all
from tbp.history.paired_evidence import with_pairs
from tbp.history.runs_of_series import SeriesRows, compared_with, present_version, rows_by_series
from tbp.history.states import Freshness, freshness, is_enough, state
from tbp.history.trace_evidence import TraceReader, Traces, evidence, newest_traces
from tbp.history.two_sides import sides
from tbp.history.witnesses import gathered
from tbp.model.changes import Break, Change, ChangeEvidence, History, State
from tbp.model.points import Points, levels
from tbp.model.series import SeriesKey
from tbp.project.commits import Commits
from tbp.project.directions import Direction, direction
from tbp.project.policy import Policy


class _Judged(Struct, frozen=True):
    """A series and what moved in it, before it is seen among the others."""

    key: SeriesKey
    rows: SeriesRows
    direction: Direction
    points: Points
    changes: tuple[Change, ...]
    breaks: tuple[Break, ...]
    noise_within: float

    @property
    def boundaries(self) -> list[int]:
        """Where its segments begin."""
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
    """Every series of the results, sorted by key. Traces that cannot be read are said in ``problems``, if given.

    Only runs with a benchmark's present version are judged: another version measures something else. They are among
    the points, marked as not comparable. ``judge`` is asked what moved in all of them at once: it may know already, or
    ask several processes. ``ratios`` are those of pairs that nights measured.
    """
    policy = policy or Policy()
    judged = _judged(rows_by_series(results, sessions, commits), results, policy, judge)
    if not judged:
        return ()
    fresh = freshness(((own.key, own.points) for own in judged), results.benchmarks)
    tested = [place for place, own in enumerate(judged) if _is_tested(own)]
    kept = controlled([judged[place].changes for place in tested], policy.false_discovery_rate)
    for place, changes in zip(tested, kept, strict=True):
        judged[place] = replace(judged[place], changes=changes)
    for place, own in enumerate(judged):
        if found := (ratios or {}).get(own.key):  # pairs have an error rate of their own
            judged[place] = replace(own, changes=with_pairs(own.changes, own.points, found, policy.relevant))
    traces = Traces(trace_reader, sessions, [] if problems is None else problems)
    known = {own.key: own.points for own in judged}
    return tuple(_history(own, fresh, traces, policy, known) for own in judged)


def _judged(series: Sequence[SeriesRows], results: Results, policy: Policy, judge: Judge) -> list[_Judged]:
    asked = [
        SeriesRuns(
            runs,
            compared_with(present_version(runs, results.benchmarks.get(runs.key.benchmark)), runs),
            policy.relevant,
        )
        for runs in series
    ]
    return [
        _Judged(
            key=runs.key,
            rows=runs,
            direction=direction(runs.key.benchmark, runs.type, runs.unit, policy),
            points=own.points,
            changes=moved.changes,
            breaks=moved.breaks,
            noise_within=moved.noise_within,
        )
        for runs, own, moved in zip(series, asked, judge(asked), strict=True)
    ]


def _is_tested(own: _Judged) -> bool:
    """Whether chance could have brought a change: there are enough runs, and they do not all say the same."""
    value = levels(own.points)
    return is_enough(own.points) and bool(np.nanmin(value) < np.nanmax(value))


def _history(
    own: _Judged, fresh: Freshness, traces: Traces, policy: Policy, known: Mapping[SeriesKey, Points]
) -> History:
    key, points = own.key, own.points
    newest = newest_traces(key, points, traces)
    changes = _agreeing(own, _evidence(own, traces), traces.sessions, known) if own.changes else ()
    own = replace(own, changes=tuple(evidence.change for evidence in changes))
    history = History(
        key=key,
        unit=own.rows.unit,
        better=own.direction.better,
        better_by=own.direction.source,
        points=points,
        state=State.NOT_ENOUGH_DATA,  # until all is known that it depends on
        changes=changes,
        breaks=own.breaks,
        noise_within=own.noise_within,
        noise_between=noise_between(points, own.boundaries),
        operators=newest.operators,
        operators_commit=newest.commit,
        frames=newest.frames,
        roof_flop=_roof_flop(own, traces.sessions),
        relevant=policy.relevant,
    )
    traces.forget()
    final = fresh.gone(key, policy.stale_days) or state(points, history.balance)
    return marked(replace(history, state=final))


def _evidence(own: _Judged, traces: Traces) -> tuple[ChangeEvidence, ...]:
    """Each change with what its traces, its values and its circumstances say on both sides."""
    key, points, changes = own.key, own.points, own.changes
    both = sides(points, changes, lambda commit: traces.sessions.samples_s(key, commit.hash))
    cuts = [change.index for change in changes]
    edges = zip([0, *cuts[:-1]], [*cuts[1:], len(points)], strict=True)
    around = [surroundings(*one, own.rows.circumstances) for one in zip(changes, edges, strict=True)]
    return tuple(
        replace(evidence(key, points, changes, i, traces), sides=both[i], circumstances=around[i])
        for i in range(len(changes))
    )


def _agreeing(
    own: _Judged, evidences: Sequence[ChangeEvidence], sessions: Sessions, known: Mapping[SeriesKey, Points]
) -> tuple[ChangeEvidence, ...]:
    """The changes, only suspect where other evidence speaks against them. ``known`` has the points of all series."""
    if own.rows.type != "time":
        return tuple(evidences)
    indexes = [evidence.change.index for evidence in evidences]
    edges = zip([0, *indexes[:-1]], [*indexes[1:], len(own.points)], strict=True)
    agreed = []
    for shift, (start, end) in zip(evidences, edges, strict=True):
        change, against = shift.change, ""
        if is_weak(change):
            witnesses = gathered(own.key, own.points, (start, change.index, end), sessions, known)
            against = doubt(change, replace(witnesses, difference=shift.difference))
        suspected = replace(change, confirmed=False, doubt=against) if against else change
        agreed.append(replace(shift, change=suspected))
    return tuple(agreed)


def _roof_flop(own: _Judged, sessions: Sessions) -> float:
    """See ``History.roof_flop``; most projects have no sessions, and nothing is looked up for them."""
    if not sessions.commits(own.key):
        return math.nan
    known = np.flatnonzero(np.isfinite(levels(own.points))).tolist()
    return sessions.roof_flop(own.key, own.points[known[-1]].commit.hash) if known else math.nan
