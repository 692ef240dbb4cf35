"""The evidence of traces: the two sides of a change, and the newest commit of a series.

Takes the sessions, which know where traces lie, and a callable that reads one, so that nothing is read here. Two traces
are compared by ``tbp.traces.differences.difference``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct, field

from tbp.asv.sessions import Sessions
from tbp.errors import UnreadableTrace
from tbp.model.changes import Change, ChangeEvidence, RecordedTraces
from tbp.model.points import last_with_level
from tbp.model.series import Commit, Point, SeriesKey
from tbp.traces.devices.bounded_memory import bounded
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.per_step import Devices, devices
from tbp.traces.devices.ranks import largest_memory
from tbp.traces.differences.difference import difference
from tbp.traces.differences.frame_difference import FrameDifference, frame_difference, pruned_difference
from tbp.traces.differences.typical import typical_frames, typical_table
from tbp.traces.frames.frames import DRAWN_SHARE, MOST_DRAWN, Frames, pruned
from tbp.traces.operators.one_run import one_a_run
from tbp.traces.operators.operators import OperatorTable, TraceSession
from tbp.traces.recording import TRACE_END, Recording
from tbp.traces.several_recordings import TraceReader, several_recordings

# Traces read for one side of a change; the rule for changed times needs 3, more than 5 say little more.
# The newest commit has as many, so that its operators are those of the change that it made.
TRACES_PER_SIDE = 5
BELOW_RESULTS = 4  # parts of a trace's path below the results folder: machine, run, benchmark, file


class NewestTraces(Struct, frozen=True):
    """The traces of the newest commit with readable ones, its median step."""

    commit: Commit | None = None
    operators: OperatorTable | None = None
    frames: Frames | None = None
    devices: Devices | None = None
    memory: MemoryUse | None = None
    recorded: RecordedTraces | None = None


def no_trace(path: Path) -> Recording:
    """The reader of those who judge runs alone. Raises UnreadableTrace."""
    raise UnreadableTrace(f"{path} is not read here")


class Traces(Struct):
    """Reads each trace of a run at most once while one series is at hand, and keeps what was unreadable."""

    read: TraceReader
    sessions: Sessions
    problems: list[str]
    _known: dict[Path, Recording | None] = field(default_factory=dict)

    def of(self, key: SeriesKey, commit: Commit, most: int) -> list[Recording]:
        """Up to ``most`` readable traces of a series at a commit."""
        paths = self.sessions.traces(key, commit.hash)[:most]
        return [trace for path in paths if (trace := self._trace(path)) is not None]

    def of_all_ranks(self, key: SeriesKey, commit: Commit) -> list[Recording]:
        """The readable traces of all ranks of a series at a commit; most have no callers (``several_recordings``).

        They are not remembered: hundreds of ranks at several commits are more than one series at hand.
        """
        paths = self.sessions.traces(key, commit.hash)
        read = several_recordings(paths, self.read)
        errors = [str(error) for error in read if isinstance(error, UnreadableTrace)]
        self.problems += [error for error in errors if error not in self.problems]
        return [recording for recording in read if not isinstance(recording, UnreadableTrace)]

    def forget(self) -> None:
        self._known.clear()

    def _trace(self, path: Path) -> Recording | None:
        if path not in self._known:
            try:
                self._known[path] = self.read(path)
            except UnreadableTrace as error:
                self.problems.append(str(error))
                self._known[path] = None
        return self._known[path]


def evidence(
    key: SeriesKey, points: Sequence[Point], changes: Sequence[Change], i: int, traces: Traces
) -> ChangeEvidence:
    """Traces of the nearest commits with one on both sides, inside the two segments that the change parts.

    A counter has no traces of its own; those of the timing beside it tell of the same step.
    """
    change = changes[i]
    key = traces.sessions.traced(key)
    start = changes[i - 1].index if i else 0
    end = changes[i + 1].index if i + 1 < len(changes) else len(points)
    before = _nearest(key, points, range(change.index - 1, start - 1, -1), traces)
    after = _nearest(key, points, range(change.index, end), traces)
    if before is None or after is None:
        side = "before the change" if before is None else "after it"
        side = "on either side" if before is None and after is None else side
        note = traces.sessions.trace_note(key, points[change.index].commit.hash)
        return ChangeEvidence(change, note=f"no readable trace {side}" + (f": {note}" if note else ""))
    (old_commit, old), (new_commit, new) = before, after
    last = last_with_level(points, change.index)
    adjacent = (last.commit if last else None, points[change.index].commit)
    note = ""
    if (old_commit, new_commit) != adjacent:
        note = f"traces of {old_commit.short} and {new_commit.short}, the nearest that were recorded"
    recorded = tuple(_recorded(key, commit, traces) for commit in (old_commit, new_commit))
    return ChangeEvidence(change, difference(old, new), note, _frame_difference(old, new), recorded=recorded)


def newest_traces(key: SeriesKey, points: Sequence[Point], traces: Traces) -> NewestTraces:
    """The operators, frames, devices and memory of the newest commit that has a readable trace."""
    if not traces.sessions.commits(key):
        return NewestTraces()
    for point in reversed(points):
        if point.comparable and (recordings := _newest(key, point.commit, traces)):
            traced = one_a_run([recording.session for recording in recordings])
            frames = typical_frames(traced)
            drawn = pruned(frames, DRAWN_SHARE, MOST_DRAWN) if frames is not None else None
            table = typical_table(traced)
            ranks = [recording.rank for recording in recordings if recording.rank is not None]
            memory = largest_memory(ranks)
            used = bounded(memory) if memory else None
            recorded = _recorded(key, point.commit, traces)
            return NewestTraces(point.commit, table, drawn, devices(ranks), used, recorded)
    return NewestTraces()


def _recorded(key: SeriesKey, commit: Commit, traces: Traces) -> RecordedTraces:
    paths = traces.sessions.traces(key, commit.hash)
    files = tuple("/".join(path.parts[-BELOW_RESULTS:]) for path in paths if path.name.endswith(TRACE_END))
    return RecordedTraces(key, commit, files, len(paths) - len(files))


def _newest(key: SeriesKey, commit: Commit, traces: Traces) -> list[Recording]:
    recordings = traces.of(key, commit, TRACES_PER_SIDE)
    if any(recording.rank is not None and recording.rank.origin.is_distributed for recording in recordings):
        return traces.of_all_ranks(key, commit)
    return recordings


def _frame_difference(before: Sequence[TraceSession], after: Sequence[TraceSession]) -> FrameDifference | None:
    old, new = typical_frames(one_a_run(before)), typical_frames(one_a_run(after))
    if old is None or new is None:
        return None
    return pruned_difference(frame_difference(old, new), DRAWN_SHARE, MOST_DRAWN)


def _nearest(
    key: SeriesKey, points: Sequence[Point], indexes: Iterable[int], traces: Traces
) -> tuple[Commit, list[TraceSession]] | None:
    """The first commit of the points at ``indexes`` with a readable trace, and those."""
    if not traces.sessions.commits(key):
        return None
    for point in map(points.__getitem__, indexes):
        if point.comparable and (traced := traces.of(key, point.commit, TRACES_PER_SIDE)):
            return point.commit, [recording.session for recording in traced]
    return None
