"""Judges every series: the findings of those that did not change since are taken from the store.

Takes series to judge, gives the findings in each. Keys are digests of all that a judgement depends on, so a changed
value, circumstance, version or policy has another key. The other series are judged by several processes. 10,600 series
over 165 commits cost 0.5 CPU s instead of 13 where nothing is new; a new run of a series costs that series.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby

import msgspec
import numpy as np

from tbp.history.circumstances import Circumstances
from tbp.history.judge_series import SeriesFindings, SeriesRuns, judge_all
from tbp.system.parallel import batched, mapped
from tbp.system.store import Store, key_of

# Fewer runs are judged in 0.1 s, and would only fill the store.
WORTH_RUNS = 5_000
SERIES_S, RUN_S = 1e-3, 8e-6  # about what judging a series takes on a slow core, and each of its runs
BATCH_RUNS = 8_000  # judged at a time: a twentieth of a second, and a megabyte to hand over
_DECODER = msgspec.msgpack.Decoder(SeriesFindings)


def findings(series: Sequence[SeriesRuns]) -> list[SeriesFindings]:
    """Returns the findings in each of ``series``, in their order."""
    store = Store("series")
    if not store.is_there or sum(len(runs.points) for runs in series) < WORTH_RUNS:
        return _judged(series)
    keys = digests(series)
    stored = store.known(keys)
    known = {key: _decoded(stored.get(key), runs) for key, runs in zip(keys, series, strict=True)}
    new = [index for index, key in enumerate(keys) if known[key] is None]
    judged = dict(zip((keys[index] for index in new), _judged([series[index] for index in new]), strict=True))
    store.keep({key: msgspec.msgpack.encode(of_series) for key, of_series in judged.items()})
    return [known[key] or judged[key] for key in keys]


def digests(series: Sequence[SeriesRuns]) -> list[bytes]:
    """A key for each series: of everything that ``judge_series.judged`` depends on."""
    seen: dict[int, bytes] = {}

    def of(known: Circumstances) -> bytes:
        # Runs share their circumstances, which live as long as ``series``: so does their identity.
        if id(known) not in seen:
            seen[id(known)] = key_of(sorted(known.items()))
        return seen[id(known)]

    return [_digest(runs, b"".join(map(of, runs.rows.circumstances))) for runs in series]


def _digest(series: SeriesRuns, circumstances: bytes) -> bytes:
    rows, columns = series.rows, series.points.columns
    arrays = (
        columns.value,
        columns.low,
        columns.high,
        columns.outcome,
        columns.comparable,
        rows.number,
        rows.started_ms,
    )
    sessions = [(index, np.array(medians, np.float64).tobytes()) for index, medians in sorted(columns.sessions.items())]
    versions = [(version, len(list(equal))) for version, equal in groupby(rows.versions)]
    return key_of([array.tobytes() for array in arrays], sessions, versions, circumstances, rows.type, series.relevant)


def _decoded(payload: bytes | None, series: SeriesRuns) -> SeriesFindings | None:
    """None where there is no payload, or one that cannot be of this series: the report takes points by its indexes."""
    try:
        known = _DECODER.decode(payload) if payload is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if known is None:
        return None
    indexes = [*(change.index for change in known.changes), *(entry.index for entry in known.breaks)]
    return known if all(0 <= index < len(series.points) for index in indexes) else None


def _judged(series: Sequence[SeriesRuns]) -> list[SeriesFindings]:
    # Those of like length are judged together, the longest first: little is cheaper, and no process ends much later.
    order = sorted(range(len(series)), key=lambda index: -len(series[index].points))
    runs = [len(series[index].points) for index in order]
    batches = batched([series[index] for index in order], runs, BATCH_RUNS)
    seconds = len(series) * SERIES_S + sum(runs) * RUN_S
    judged = chain.from_iterable(mapped(judge_all, batches, seconds=seconds, doing="judging series"))
    by_index = dict(zip(order, judged, strict=True))
    return [by_index[index] for index in range(len(series))]
