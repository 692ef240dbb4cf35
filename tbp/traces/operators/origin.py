"""The origin of a trace: its rank in a distributed run, and its first and last moment.

Takes a ``Trace`` and its path, gives a ``RankOrigin``. Which files are of one run is left to ``one_run``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.traces.reading.numbers import LARGEST_NS
from tbp.traces.reading.trace import Trace

MOST_RANKS = 1_000_000  # a file with more has no such thing; the largest runs have some 100,000
UNKNOWN = 0  # world size of a file that names its rank, and not of how many

_RANK = re.compile(r"(?i)(?<![a-z])rank[-_= ]?(\d{1,6})(?!\d)")


class RankOrigin(Struct, frozen=True):
    """The rank and time that a file was recorded at; rank 0 of 1 where the file names none."""

    rank: int
    world_size: int
    backend: str
    start_ns: int  # since the epoch, where the file has that
    end_ns: int
    family: str = ""  # the path with "rank *" for its rank: alike for the files of one run; "" where it names none

    @property
    def is_distributed(self) -> bool:
        return self.world_size != 1


def origin(path: Path, trace: Trace) -> RankOrigin:
    """The origin that the file notes of itself, or its name does."""
    info = _json(trace.metadata.get("distributedInfo", "{}"))
    noted = info if isinstance(info, dict) else {}
    base_ns = clock_base_ns(trace)
    # Some files close with a mark at the end of time. A start, not the mean of two: so at least one is near it.
    usual_ns = int(np.partition(trace.start_ns, len(trace) // 2)[len(trace) // 2])
    near = np.abs(trace.start_ns - usual_ns) < 3600 * 10**9
    world_size = _whole(noted.get("world_size"), 1, MOST_RANKS)
    return located(
        path,
        RankOrigin(
            rank=_whole(noted.get("rank"), 0, world_size - 1),
            world_size=max(world_size, 1),
            backend=str(noted.get("backend", "")),
            start_ns=base_ns + int(trace.start_ns[near].min()),
            end_ns=base_ns + int(trace.end_ns[near].max()),
        ),
    )


def clock_base_ns(trace: Trace) -> int:
    """The time that the file's clock counts from, since the epoch; 0 where its times count from there themselves."""
    return _whole(_json(trace.metadata.get("baseTimeNanoseconds", "0")), 0, LARGEST_NS)


def located(path: Path, noted: RankOrigin) -> RankOrigin:
    """``noted`` with what the path says: a family, and the rank where the file notes none."""
    text = str(path)
    matches = [*_RANK.finditer(text)]
    if not matches:
        return replace(noted, family="")
    rank, size = noted.rank, noted.world_size
    if not noted.is_distributed:
        rank, size = int(matches[-1][1]), UNKNOWN
    return replace(noted, rank=rank, world_size=size, family=_RANK.sub("rank *", text))


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _whole(value: object, otherwise: int, most: int) -> int:
    return value if isinstance(value, int) and 0 <= value <= most else otherwise
