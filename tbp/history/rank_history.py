"""The ranks of a distributed series over commits: which commit made which rank slower.

Takes the points of a series and its traces, gives one value a commit. All ranks of one commit are read before those of
the next, so that memory depends on the ranks and not on the commits.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tbp.history.trace_evidence import NewestTraces, Traces
from tbp.model.ranks import RanksAtCommit
from tbp.model.series import Commit, Point, SeriesKey
from tbp.traces.devices.per_step import Devices, devices
from tbp.traces.devices.rank_changes import RANK_CHANGE_COLUMNS, rank_changes
from tbp.traces.devices.ranks import Rank
from tbp.traces.reading.columns import typed
from tbp.traces.recording import Recording

MOST_COMMITS = 12  # the newest with rank traces: a fortnight of nights. 64 ranks of 1 MB take 3 s a commit, once


def rank_history(
    key: SeriesKey, points: Sequence[Point], traces: Traces, newest: NewestTraces
) -> tuple[RanksAtCommit, ...]:
    """The newest MOST_COMMITS commits of a series whose sessions have a trace of each rank, the oldest first.

    ``newest`` has the traces of one of them, which are not read again.
    """
    key = traces.sessions.traced(key)
    if not traces.sessions.commits(key):
        return ()
    traced = [point.commit for point in points if point.comparable and _has_ranks(key, point.commit, traces)]
    known: list[RanksAtCommit] = []
    for commit in traced[-MOST_COMMITS:]:
        is_newest = newest.commit == commit
        view = newest.devices if is_newest else devices(_ranks(traces.of_all_ranks(key, commit)))
        if view is not None and len(view.ranks) > 1:
            known.append(ranks_at(commit, view, known[-1].ranks if known else None))
    return tuple(known)


def ranks_at(commit: Commit, view: Devices, before: pd.DataFrame | None) -> RanksAtCommit:
    """The ranks of ``view`` beside those of the commit before it."""
    changes = typed([], RANK_CHANGE_COLUMNS) if before is None else rank_changes(before, view.ranks)
    return RanksAtCommit(commit, view.ranks, view.straggler, view.skew, changes, view.missing)


def _ranks(recordings: Sequence[Recording]) -> list[Rank]:
    return [recording.rank for recording in recordings if recording.rank is not None]


def _has_ranks(key: SeriesKey, commit: Commit, traces: Traces) -> bool:
    return any(session.rank_traces for session in traces.sessions.of(key, commit.hash))
