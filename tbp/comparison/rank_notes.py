"""The ranks of distributed benchmarks at two stored commits: which of them changed alone, as notes of a comparison.

Takes judgements and sessions, and a reader of traces; gives sentences. No verdict is changed by them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from tbp.asv.sessions import Sessions
from tbp.errors import UnreadableTrace
from tbp.model.comparison import Comparison, Judgement
from tbp.model.series import SeriesKey
from tbp.traces.devices.per_step import Devices, Straggler, devices
from tbp.traces.devices.rank_changes import rank_changes
from tbp.traces.several_recordings import TraceReader, several_recordings
from tbp.wording.device_words import straggler_sentence
from tbp.wording.rank_words import changed_ranks

MOST_SERIES = 3  # whose traces are read: 64 ranks of 1 MB take 6 CPU s a commit, and those of most effect come first
LEAST_EFFECT = 0.02  # of a series that is looked at: below it nobody asks which rank it was


def rank_notes(comparison: Comparison, sessions: Sessions, read: TraceReader) -> tuple[str, ...]:
    """A sentence for each distributed series that changed most, on its ranks that changed alone, and the straggler."""
    hashes = comparison.baseline.commit, comparison.contender.commit
    keys = [_key(judged, comparison) for judged in moved(comparison.judgements)]
    distributed = [key for key in keys if all(_has_ranks(key, commit, sessions) for commit in hashes)]
    return tuple(note for key in distributed[:MOST_SERIES] if (note := _note(key, hashes, sessions, read)))


def moved(judgements: Sequence[Judgement]) -> list[Judgement]:
    """The judgements whose ranks are looked at, the largest effect first."""
    return sorted((judged for judged in judgements if abs(judged.effect) >= LEAST_EFFECT), key=_size, reverse=True)


def rank_note(name: str, before: pd.DataFrame, after: pd.DataFrame, late: Straggler | None) -> str:
    """``NAME: rank 37 works 11.0 ms → 15.1 ms (…). The others wait for rank 37``; empty where none changed alone.

    ``before`` and ``after`` have the ranks of the two commits (``RUN_RANK_COLUMNS``), ``late`` is of the later one.
    """
    alone = changed_ranks(rank_changes(before, after))
    waits = straggler_sentence(late) if late is not None and alone else ""
    return f"{name}: {'. '.join(filter(None, (alone, waits)))}" if alone else ""


def _note(key: SeriesKey, hashes: Sequence[str], sessions: Sessions, read: TraceReader) -> str:
    before, after = (_devices(key, commit, sessions, read) for commit in hashes)
    if before is None or after is None:
        return ""
    return rank_note(key.name, before.ranks, after.ranks, after.straggler)


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
