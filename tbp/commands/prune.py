"""Which raw traces may go, and removing them: what stays of each is its operator table.

Takes histories, sessions and the project's policy, gives a ``Plan``; nothing is touched before ``prune`` is given it.
A raw trace is kept where somebody may still want to look at it in a viewer: in the newest runs of its series, and
on both sides of every change. Reports need the operators only, and say the same before and after.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from msgspec.structs import replace

from tbp.asv.sessions import Sessions
from tbp.errors import UnreadableInput, UnreadableTrace
from tbp.history.build import histories
from tbp.model.changes import History
from tbp.model.series import Commit, SeriesKey
from tbp.report.site.load import Stored
from tbp.traces.devices.ranks import Rank
from tbp.traces.frames.frames import Frames
from tbp.traces.operator_files import read_operators, write_operators
from tbp.traces.operators.operators import TraceSession
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import TRACE_END, Recording, operators_path
from tbp.wording import words


@dataclass(frozen=True)
class Plan:
    """``removable`` are raw traces that may go, sorted, with their sizes in ``bytes``."""

    removable: tuple[Path, ...]
    bytes: int
    kept: int  # raw traces that stay
    newest_runs: int  # of each series that keep theirs
    changes: int  # that keep theirs on both sides
    unplaced: int = 0  # of those that stay: their runs have no result, or are of no series


@dataclass(frozen=True)
class Pruned:
    """What was done: bytes freed are those of the traces less those of the tables."""

    removed: int
    freed_bytes: int
    problems: tuple[str, ...]  # sentences: which trace stayed and why


def promise(plan: Plan) -> str:
    """What would be done, in words; its last line ended."""
    if not plan.removable:
        return f"nothing to prune: all {words.count(plan.kept, 'raw trace')} are kept; {_kept(plan)}\n"
    return (
        f"would replace {words.count(len(plan.removable), 'raw trace')} by operator tables and free at most "
        f"{words.quantity(plan.bytes, 'bytes')}; {plan.kept:,} stay: {_kept(plan)}\n"
        "nothing was changed; --apply does it\n"
    )


def account(plan: Plan, pruned: Pruned) -> str:
    """What was done, in words; its last line ended."""
    return (
        f"replaced {words.count(pruned.removed, 'raw trace')} by operator tables and freed "
        f"{words.quantity(pruned.freed_bytes, 'bytes')}; {plan.kept:,} stay: {_kept(plan)}\n"
    )


def _kept(plan: Plan) -> str:
    changes = words.count(plan.changes, "change")
    unplaced = f", and {plan.unplaced:,} of runs without a result or of other lines" if plan.unplaced else ""
    return f"those of the {plan.newest_runs} newest runs of each series, those beside {changes}{unplaced}"


def plan(stored: Stored) -> Plan:
    """What may go of the raw traces in ``stored``; reads no trace."""
    traces = tuple(session for session in stored.sessions.sessions if _is_raw(session.trace))
    # Without their traces the histories are the same, and nobody reads a trace to tell what is in it.
    bare = Sessions(tuple(replace(session, trace=None) for session in stored.sessions.sessions))
    found = histories(stored.results, bare, stored.commits, _unread, policy=stored.policy)
    most = stored.policy.keep_traces_of_newest_runs
    wanted = {run for history in found for run in kept_runs(history, stored.sessions, most)}
    used = {path for key, commit in wanted for path in stored.sessions.traces(key, commit)}
    placed = {_run(history.key, point.commit.hash) for history in found for point in history.points}
    unplaced = {own.trace for own in traces if _run(own.key, own.commit) not in placed}
    removable = sorted(own.trace for own in traces if own.trace and own.trace not in used | unplaced)
    return Plan(
        removable=tuple(removable),
        bytes=sum(path.stat().st_size for path in removable),
        kept=len(traces) - len(removable),
        newest_runs=most,
        changes=sum(len(history.changes) for history in found),
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


def prune(removable: Iterable[Path]) -> Pruned:
    """Put the operator table beside each trace, then remove the trace; an interruption leaves at least one of both."""
    removed, freed = 0, 0
    problems: list[str] = []
    for trace in removable:
        try:
            freed += _prune(trace)
            removed += 1
        except (UnreadableInput, OSError) as error:
            problems.append(f"{trace} stays: {error}")
    return Pruned(removed, freed, tuple(problems))


def _prune(trace: Path) -> int:
    """The bytes freed. Raises UnreadableInput or OSError, and then the trace is where it was."""
    recording, table = read_recording(trace), operators_path(trace)
    write_operators(recording, table)
    if not same(read_operators(table), recording):
        raise UnreadableTrace(f"its operators cannot be kept exactly in {table.name}")
    freed = trace.stat().st_size - table.stat().st_size
    trace.unlink()
    return freed


def same(one: Recording, other: Recording) -> bool:
    """Whether both say the same to the last digit."""
    return (
        one.about == other.about
        and (one.session.step_us, one.session.table.steps) == (other.session.step_us, other.session.table.steps)
        and _equal(one.session.table.frame, other.session.table.frame)
        and _equal(one.session.per_step, other.session.per_step)
        and _same_frames(one.session.frames, other.session.frames)
        and _same_detail(one.session.detail, other.session.detail)
        and _same_devices(one.rank, other.rank)
    )


def _same_detail(one: pd.DataFrame | None, other: pd.DataFrame | None) -> bool:
    return one is other if one is None or other is None else _equal(one, other)


def _same_devices(one: Rank | None, other: Rank | None) -> bool:
    """Of a trace without a device nothing is kept."""
    used = [None if each is None or not len(each.device.devices) else each for each in (one, other)]
    if used[0] is None or used[1] is None:
        return used[0] is used[1]
    frames = zip(*((each.device.devices, each.device.kernels) for each in (used[0], used[1])), strict=True)
    same_head = (used[0].origin, used[0].device.window_us) == (used[1].origin, used[1].device.window_us)
    return same_head and all(_equal(mine, its) for mine, its in frames)


def _same_frames(one: Frames | None, other: Frames | None) -> bool:
    if one is None or other is None:
        return one is other
    sizes = [(each.steps, each.step_ns, each.sessions) for each in (one, other)]
    return sizes[0] == sizes[1] and _equal(one.rows, other.rows)


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether the values are the same; pandas has several kinds of text."""
    return one.astype(other.dtypes.to_dict()).equals(other)


def _is_raw(trace: Path | None) -> bool:
    return trace is not None and trace.name.endswith(TRACE_END)


def _run(key: SeriesKey, commit: str) -> tuple[object, ...]:
    # JSON objects promise no order, so parameters are compared as a set.
    return key.benchmark, frozenset(key.parameters), key.machine, key.environment, commit


def _unread(path: Path) -> TraceSession:
    raise UnreadableTrace(f"{path} is not read here")
