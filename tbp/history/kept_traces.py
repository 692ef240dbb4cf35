"""Which raw traces of a results folder may go, so that ``tbp trace prune`` can put operator tables in their place.

Takes what a results folder has, gives a ``PrunePlan`` and sentences on it; reads and removes no trace. A raw trace is
kept where somebody may still want to look at it in a viewer: in the newest runs of its series, and on both sides of
every change. Reports need the operators only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.sessions import Sessions
from tbp.history.build import histories
from tbp.history.stored import Stored
from tbp.history.trace_evidence import no_trace
from tbp.model.changes import History
from tbp.model.series import Commit, SeriesKey
from tbp.traces.pruned import Pruned
from tbp.traces.recording import TRACE_END
from tbp.wording import words


class PrunePlan(Struct, frozen=True):
    """``removable`` are raw traces that may go, sorted, with their sizes in ``bytes``."""

    removable: tuple[Path, ...]
    bytes: int
    kept_traces: int  # raw traces that stay
    newest_runs: int  # of each series that keep theirs
    changes: int  # that keep theirs on both sides
    unplaced: int = 0  # of those that stay: their runs have no result, or are of no series


def prune_plan(store: Stored) -> PrunePlan:
    """The raw traces that may go by the project's policy, and the reasons why the rest stays."""
    sessions, policy = store.sessions, store.policy
    traces = {
        trace: _run(session.key, session.commit)
        for session in sessions.sessions
        for trace in filter(_is_raw, session.traces)
    }
    # Without their traces the histories are the same, and no trace is read to tell what is in it.
    bare = replace(
        sessions, sessions=tuple(replace(session, trace=None, rank_traces=()) for session in sessions.sessions)
    )
    all_histories = histories(store.results, bare, store.commits, no_trace, policy=policy)
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


def promise(plan: PrunePlan) -> tuple[str, ...]:
    """Lines on what would be done."""
    if not plan.removable:
        return (f"nothing to prune: all {words.count(plan.kept_traces, 'raw trace')} are kept; {_kept(plan)}",)
    would = (
        f"would replace {words.count(len(plan.removable), 'raw trace')} by operator tables and free at most "
        f"{words.quantity(plan.bytes, 'bytes')}; {plan.kept_traces:,} stay: {_kept(plan)}"
    )
    return would, "nothing was changed; --apply does it"


def account(plan: PrunePlan, pruned: Pruned) -> str:
    """A sentence on what was done."""
    return (
        f"replaced {words.count(pruned.removed, 'raw trace')} by operator tables and freed "
        f"{words.quantity(pruned.freed_bytes, 'bytes')}; {plan.kept_traces:,} stay: {_kept(plan)}"
    )


def _kept(plan: PrunePlan) -> str:
    changes = words.count(plan.changes, "change")
    unplaced = f", and {plan.unplaced:,} of runs without a result or of other lines" if plan.unplaced else ""
    return f"those of the {plan.newest_runs} newest runs of each series, those beside {changes}{unplaced}"


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
