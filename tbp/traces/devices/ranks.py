"""The trace files of one distributed run, which belong together: a file per rank.

Takes traces, gives runs with their ranks side by side; a rank's operators are left to ``operators``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from msgspec import Struct

from tbp.traces.calls.host import host_tree
from tbp.traces.calls.kernels import device_work
from tbp.traces.devices.device import DeviceUse, device_use
from tbp.traces.operators.operators import OperatorTable, TraceSession, merged_table, nested_session
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, typed
from tbp.traces.reading.numbers import LARGEST_NS
from tbp.traces.reading.trace import Trace

MOST_RANKS = 1_000_000  # a file with more has no such thing; the largest runs have some 100,000

RANK_COLUMNS = {
    "rank": COUNT,
    "file": TEXT,
    "step_us": NUMBER,  # median step on the host
    "busy_share": NUMBER,  # the rest are as in device.DEVICE_COLUMNS, the mean or sum over the rank's devices
    "host_bound_share": NUMBER,
    "kernel_us": NUMBER,
    "communication_us": NUMBER,
    "communication_share": NUMBER,
    "exposed_communication_us": NUMBER,
}


class RankOrigin(Struct, frozen=True):
    """The rank and time that a file was recorded at; rank 0 of 1 where the file names none."""

    rank: int
    world_size: int
    backend: str
    start_ns: int  # since the epoch, where the file has that
    end_ns: int


class Rank(Struct, frozen=True):
    """One file of a run."""

    path: Path
    origin: RankOrigin
    session: TraceSession
    device: DeviceUse

    @property
    def rank(self) -> int:
        return self.origin.rank


class DistributedRun(Struct, frozen=True):
    """The ranks of one run, in their order; ``missing`` names those without a file."""

    ranks: tuple[Rank, ...]

    @property
    def world_size(self) -> int:
        return self.ranks[0].origin.world_size

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(sorted(set(range(self.world_size)) - {rank.rank for rank in self.ranks}))

    @property
    def operators(self) -> OperatorTable:
        """The mean over the ranks, per step."""
        return merged_table([rank.session.table for rank in self.ranks])

    @property
    def frame(self) -> pd.DataFrame:
        """RANK_COLUMNS, a row per rank."""
        return typed([_row(rank) for rank in self.ranks], RANK_COLUMNS)


def runs(ranks: Iterable[Rank]) -> list[DistributedRun]:
    """Files grouped by run, in order of time.

    Files are of one run if they name the same number of ranks and backend, are of different ranks, and were recorded
    at overlapping times. A file that names no rank is a run of its own.
    """
    groups: list[list[Rank]] = []
    for rank in sorted(ranks, key=lambda rank: (rank.origin.start_ns, rank.path)):
        group = next((group for group in groups if _together(rank, group)), None)
        if group is None:
            groups.append([rank])
        else:
            group.append(rank)
    return [DistributedRun(tuple(sorted(group, key=lambda rank: rank.rank))) for group in groups]


def _together(rank: Rank, group: list[Rank]) -> bool:
    mine = rank.origin
    return mine.world_size > 1 and all(
        (mine.world_size, mine.backend) == (its.world_size, its.backend)
        and mine.rank != its.rank
        and mine.start_ns < its.end_ns
        and its.start_ns < mine.end_ns
        for its in (other.origin for other in group)
    )


def rank_of(path: Path, trace: Trace) -> Rank:
    """The rank whose file was read as ``trace``."""
    tree = host_tree(trace)
    work = device_work(trace, tree)
    return Rank(path, origin(trace), nested_session(trace, tree, work), device_use(trace, tree, work))


def origin(trace: Trace) -> RankOrigin:
    """The origin that the file notes of itself."""
    info = _json(trace.metadata.get("distributedInfo", "{}"))
    noted = info if isinstance(info, dict) else {}
    base_ns = _whole(_json(trace.metadata.get("baseTimeNanoseconds", "0")), 0, LARGEST_NS)
    # Some files close with a mark at the end of time. A start, not the mean of two: so at least one is near it.
    usual_ns = int(np.partition(trace.start_ns, len(trace) // 2)[len(trace) // 2])
    near = np.abs(trace.start_ns - usual_ns) < 3600 * 10**9
    world_size = _whole(noted.get("world_size"), 1, MOST_RANKS)
    return RankOrigin(
        rank=_whole(noted.get("rank"), 0, world_size - 1),
        world_size=max(world_size, 1),
        backend=str(noted.get("backend", "")),
        start_ns=base_ns + int(trace.start_ns[near].min()),
        end_ns=base_ns + int(trace.end_ns[near].max()),
    )


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _whole(value: object, otherwise: int, most: int) -> int:
    return value if isinstance(value, int) and 0 <= value <= most else otherwise


def _row(rank: Rank) -> dict[str, object]:
    devices = rank.device.devices
    return {
        "rank": rank.rank,
        "file": rank.path.name,
        "step_us": rank.session.step_us,
        "busy_share": float(devices["busy_share"].mean()),
        "host_bound_share": float(devices["host_bound_share"].mean()),
        "kernel_us": float(devices["kernel_us"].sum()),
        "communication_us": float(devices["communication_us"].sum()),
        "communication_share": float(devices["communication_share"].mean()),
        "exposed_communication_us": float(devices["exposed_communication_us"].sum()),
    }
