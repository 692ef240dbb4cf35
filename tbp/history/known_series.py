"""Findings of series that did not change since they were judged, so that they need not be judged again.

Takes series to judge and a function that judges them, gives their findings. Keys are digests of all that a judgement
depends on, so a changed value, circumstance, version or policy has another key; every line of tbp is in the version of
the file. There is one file per results folder, which holds the series of the newest build.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from tbp.history.circumstances import Circumstances
from tbp.history.judge_series import Judge, SeriesFindings, SeriesRuns
from tbp.system import cache, packed_cache

# Fewer runs are judged in 0.1 s, and would only leave litter.
WORTH_RUNS = 5_000
_KIND = b"series"
_DECODER = msgspec.msgpack.Decoder(dict[bytes, SeriesFindings])


class KnownSeries(Struct, frozen=True):
    """A judge who remembers the series of one results folder."""

    results_dir: Path
    judge: Judge

    def __call__(self, several: Sequence[SeriesRuns]) -> Sequence[SeriesFindings]:
        folder = cache.folder()
        if folder is None or sum(len(series.points) for series in several) < WORTH_RUNS:
            return list(self.judge(several))
        path = folder / f"series-{cache.name_of(self.results_dir)}"
        known = packed_cache.load(path, _KIND, _DECODER) or {}
        begun = None if known else self.judge(several)  # where all are new, other processes work from here on
        keys = digests(several)
        new = [i for i, series in enumerate(several) if not _is_of(known.get(keys[i]), series)]
        if begun is None:
            begun = self.judge([several[i] for i in new]) if new else ()
        fresh = dict(zip((keys[i] for i in new), begun, strict=True))
        present = {key: fresh[key] if key in fresh else known[key] for key in keys}
        if new or len(present) != len(known):
            packed_cache.save(path, _KIND, present)
        return [present[key] for key in keys]


def digests(several: Sequence[SeriesRuns]) -> list[bytes]:
    """A key for each series: of everything that ``judged`` depends on."""
    seen: dict[int, bytes] = {}

    def of(known: Circumstances) -> bytes:
        # Runs share their circumstances, which live as long as ``several``: so does their identity.
        if id(known) not in seen:
            text = msgspec.msgpack.encode(sorted(known.items()))
            seen[id(known)] = cache.digest_of(text)
        return seen[id(known)]

    return [_digest(series, b"".join(map(of, series.rows.circumstances))) for series in several]


def _digest(series: SeriesRuns, circumstances: bytes) -> bytes:
    rows, columns = series.rows, series.points.columns
    sessions = [(index, np.array(medians, np.float64).tobytes()) for index, medians in sorted(columns.sessions.items())]
    versions = [(version, len(list(equal))) for version, equal in groupby(rows.versions)]
    arrays = (
        columns.value,
        columns.low,
        columns.high,
        columns.outcome,
        columns.comparable,
        rows.number,
        rows.started_ms,
    )
    content = ([array.tobytes() for array in arrays], sessions, versions, circumstances, rows.type, series.relevant)
    return cache.digest_of(msgspec.msgpack.encode(content))


def _is_of(findings: SeriesFindings | None, series: SeriesRuns) -> bool:
    """True where the findings can be of this series; the report takes points by these indexes."""
    if findings is None:
        return False
    indexes = [*(change.index for change in findings.changes), *(entry.index for entry in findings.breaks)]
    return all(0 <= index < len(series.points) for index in indexes)
