"""What moved in series that did not change since, so that they need not be judged again.

Takes series to judge and who judges them, gives what was found. Keys are digests of all that a judgement depends on,
so a changed value, circumstance, version or policy has another key; every line of tbp is in the version of the file.
There is one file per results folder, which holds the series of the newest build.
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

    def __call__(self, asked: Sequence[SeriesRuns]) -> Sequence[SeriesFindings]:
        place = cache.folder()
        if place is None or sum(len(one.points) for one in asked) < WORTH_RUNS:
            return list(self.judge(asked))
        path = place / f"series-{cache.name_of(self.results_dir)}"
        known = packed_cache.load(path, _KIND, _DECODER) or {}
        begun = None if known else self.judge(asked)  # where all are new, others are at work from here on
        keys = digests(asked)
        new = [i for i, one in enumerate(asked) if not _is_of(known.get(keys[i]), one)]
        if begun is None:
            begun = self.judge([asked[i] for i in new]) if new else ()
        found = dict(zip((keys[i] for i in new), begun, strict=True))
        present = {key: found[key] if key in found else known[key] for key in keys}
        if new or len(present) != len(known):
            packed_cache.save(path, _KIND, present)
        return [present[key] for key in keys]


def digests(asked: Sequence[SeriesRuns]) -> list[bytes]:
    """A key for each series: of everything that ``judged`` looks at."""
    seen: dict[int, bytes] = {}

    def of(known: Circumstances) -> bytes:
        # Runs share their circumstances, which live as long as ``asked``: so does their identity.
        if id(known) not in seen:
            text = msgspec.msgpack.encode(sorted(known.items()))
            seen[id(known)] = cache.digest_of(text)
        return seen[id(known)]

    return [_digest(one, b"".join(map(of, one.rows.circumstances))) for one in asked]


def _digest(asked: SeriesRuns, circumstances: bytes) -> bytes:
    rows, columns = asked.rows, asked.points.columns
    sessions = [(index, np.array(own, np.float64).tobytes()) for index, own in sorted(columns.sessions.items())]
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
    content = ([array.tobytes() for array in arrays], sessions, versions, circumstances, rows.type, asked.relevant)
    return cache.digest_of(msgspec.msgpack.encode(content))


def _is_of(moved: SeriesFindings | None, asked: SeriesRuns) -> bool:
    """Whether it can be what was found in this series; the report takes points by these indexes."""
    if moved is None:
        return False
    indexes = [*(change.index for change in moved.changes), *(own.index for own in moved.breaks)]
    return all(0 <= index < len(asked.points) for index in indexes)
