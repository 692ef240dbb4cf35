"""The ranks of distributed benchmarks at two stored commits: which of them changed alone, as notes of a comparison.

Takes judgements and sessions, and a reader of traces; gives sentences. No verdict is changed by them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tbp.asv.sessions import Sessions
from tbp.errors import UnreadableTrace
from tbp.model.comparison import Comparison, Judgement
from tbp.model.series import SeriesKey
from tbp.traces.devices.per_step import Devices, devices
from tbp.traces.devices.rank_changes import rank_changes
from tbp.traces.several_recordings import TraceReader, several_recordings
from tbp.wording.device_words import straggler_sentence
from tbp.wording.rank_words import changed_ranks

MOST_SERIES = 3  # whose traces are read: 64 ranks of 1 MB take 6 CPU s a commit, and those of most effect come first
LEAST_EFFECT = 0.02  # of a series that is looked at: below it nobody asks which rank it was


def rank_notes(comparison: Comparison, sessions: Sessions, read: TraceReader) -> tuple[str, ...]:
    """A sentence for each distributed series that changed most, on its ranks that changed alone, and the straggler."""
    hashes = comparison.baseline.commit, comparison.contender.commit
    moved = [judged for judged in comparison.judgements if abs(judged.effect) >= LEAST_EFFECT]
    keys = [_key(judged, comparison) for judged in sorted(moved, key=_size, reverse=True)]
    distributed = [key for key in keys if all(_has_ranks(key, commit, sessions) for commit in hashes)]
    return tuple(note for key in distributed[:MOST_SERIES] if (note := _note(key, hashes, sessions, read)))


def _note(key: SeriesKey, hashes: Sequence[str], sessions: Sessions, read: TraceReader) -> str:
    before, after = (_devices(key, commit, sessions, read) for commit in hashes)
    if before is None or after is None:
        return ""
    alone = changed_ranks(rank_changes(before.ranks, after.ranks))
    late = straggler_sentence(after.straggler) if after.straggler is not None and alone else ""
    return f"{key.name}: {'. '.join(filter(None, (alone, late)))}" if alone else ""


def _devices(key: SeriesKey, commit: str, sessions: Sessions, read: TraceReader) -> Devices | None:
    recordings = several_recordings(sessions.traces(key, commit), read)
    ranks = [each.rank for each in recordings if not isinstance(each, UnreadableTrace) and each.rank is not None]
    return devices(ranks)


def _has_ranks(key: SeriesKey, commit: str, sessions: Sessions) -> bool:
    return any(session.rank_traces for session in sessions.of(key, commit))


def _key(judged: Judgement, comparison: Comparison) -> SeriesKey:
    return SeriesKey(judged.benchmark, judged.parameters, comparison.machine, comparison.environment)


def _size(judged: Judgement) -> float:
    return abs(judged.effect) if math.isfinite(judged.effect) else 0.0
