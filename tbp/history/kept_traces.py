"""Which raw traces of a results folder may go, so that ``tbp trace prune`` can put operator tables in their place.

Takes results, sessions and the project's policy, gives a ``PrunePlan``; reads and removes no trace. A raw trace is kept
where somebody may still want to look at it in a viewer: in the newest runs of its series, and on both sides of every
change. Reports need the operators only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.history.build import histories
from tbp.history.trace_evidence import no_trace
from tbp.model.changes import History
from tbp.model.series import Commit, SeriesKey
from tbp.project.commits import Commits
from tbp.project.policy import Policy
from tbp.traces.recording import TRACE_END


class PrunePlan(Struct, frozen=True):
    """``removable`` are raw traces that may go, sorted, with their sizes in ``bytes``."""

    removable: tuple[Path, ...]
    bytes: int
    kept_traces: int  # raw traces that stay
    newest_runs: int  # of each series that keep theirs
    changes: int  # that keep theirs on both sides
    unplaced: int = 0  # of those that stay: their runs have no result, or are of no series


def prune_plan(results: Results, sessions: Sessions, commits: Commits, policy: Policy) -> PrunePlan:
    """The raw traces that may go and the reasons why the rest stays."""
    traces = {
        trace: _run(session.key, session.commit)
        for session in sessions.sessions
        for trace in filter(_is_raw, session.traces)
    }
    # Without their traces the histories are the same, and no trace is read to tell what is in it.
    bare = replace(
        sessions, sessions=tuple(replace(session, trace=None, rank_traces=()) for session in sessions.sessions)
    )
    all_histories = histories(results, bare, commits, no_trace, policy=policy)
    runs = {run for history in all_histories for run in kept_runs(history, sessions, policy.keep_traces_of_newest_runs)}
    used = {path for key, commit in runs for path in sessions.traces(key, commit)}
    placed = {_run(history.key, point.commit.hash) for history in all_histories for point in history.points}
    unplaced = {trace for trace, run in traces.items() if run not in placed}
    stay = used | unplaced
    removable = sorted(traces.keys() - stay)
    return PrunePlan(
        removable=tuple(removable),
        bytes=sum(_size(path) for path in removable),
        kept_traces=len(traces) - len(removable),
        newest_runs=policy.keep_traces_of_newest_runs,
        changes=sum(len(history.changes) for history in all_histories),
        unplaced=len(unplaced),
    )


def kept_runs(history: History, sessions: Sessions, most: int) -> Iterator[tuple[SeriesKey, str]]:
    """(series, commit) of the ``most`` newest runs with a raw trace, and of the nearest with one beside each change."""
    traced = [
        point.commit for point in history.points if any(map(_is_raw, sessions.traces(history.key, point.commit.hash)))
    ]
    edges = [0, *(evidence.change.index for evidence in history.changes), len(history.points)]
    beside: list[Commit] = []
    for start, index, end in zip(edges, edges[1:-1], edges[2:], strict=False):
        beside += [point.commit for point in history.points[start:index] if point.commit in traced][-1:]
        beside += [point.commit for point in history.points[index:end] if point.commit in traced][:1]
    for commit in dict.fromkeys([*(traced[-most:] if most else []), *beside]):
        yield history.key, commit.hash


def _size(trace: Path) -> int:
    with suppress(FileNotFoundError):  # another process pruned it just now
        return trace.stat().st_size
    return 0


def _is_raw(trace: Path) -> bool:
    return trace.name.endswith(TRACE_END)


def _run(key: SeriesKey, commit: str) -> tuple[object, ...]:
    # JSON objects promise no order, so parameters are compared as a set.
    return key.benchmark, frozenset(key.parameters), key.machine, key.environment, commit
