"""The trace files of one distributed run, which belong together: a file per rank.

Takes paths, gives runs with their ranks side by side; what a rank's operators did is left to ``operators``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tbp.traces.columns import COUNT, NUMBER, TEXT, check
from tbp.traces.device import DeviceUse, device_use
from tbp.traces.operators import OperatorTable, Session, merged_table, session
from tbp.traces.read import read_trace
from tbp.traces.trace import Trace

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


@dataclass(frozen=True)
class Rank:
    """One file of a run. ``rank`` and ``world_size`` are 0 and 1 where the file tells of no distribution."""

    path: Path
    rank: int
    world_size: int
    start_ns: int  # since the epoch, as far as the file tells
    end_ns: int
    session: Session
    device: DeviceUse


@dataclass(frozen=True)
class Run:
    """The ranks of one run, in their order; ``missing`` names those without a file."""

    ranks: tuple[Rank, ...]

    @property
    def world_size(self) -> int:
        return self.ranks[0].world_size

    @property
    def missing(self) -> tuple[int, ...]:
        found = {rank.rank for rank in self.ranks}
        return tuple(number for number in range(self.world_size) if number not in found)

    @property
    def operators(self) -> OperatorTable:
        """The mean over the ranks, per step."""
        return merged_table([rank.session.table for rank in self.ranks])

    @property
    def frame(self) -> pd.DataFrame:
        """RANK_COLUMNS, a row per rank."""
        frame = pd.DataFrame([_row(rank) for rank in self.ranks], columns=list(RANK_COLUMNS))
        check(frame, RANK_COLUMNS, "ranks")
        return frame


def runs(paths: Sequence[Path]) -> list[Run]:
    """Files grouped by run, in order of time; raises UnreadableTrace where one cannot be read.

    Files are of one run if they name the same number of ranks and backend, are of different ranks, and were recorded
    at overlapping times. A file that names no rank is a run of its own.
    """
    groups: list[list[tuple[str, Rank]]] = []
    for key, rank in sorted(map(_rank, paths), key=lambda found: found[1].start_ns):
        group = next((group for group in groups if key and _together(key, rank, group)), None)
        if group is None:
            groups.append([(key, rank)])
        else:
            group.append((key, rank))
    return [Run(tuple(sorted((rank for _, rank in group), key=lambda rank: rank.rank))) for group in groups]


def _together(key: str, rank: Rank, group: list[tuple[str, Rank]]) -> bool:
    return all(
        key == its_key and rank.rank != other.rank and rank.start_ns < other.end_ns and other.start_ns < rank.end_ns
        for its_key, other in group
    )


def _rank(path: Path) -> tuple[str, Rank]:
    """(what files of one run have in common, "" where the file tells of no run, the rank)."""
    trace = read_trace(path)
    told = _told(trace)
    rank, size = _whole(told.get("rank"), 0), _whole(told.get("world_size"), 1)
    base_ns = _whole(_json(trace.metadata.get("baseTimeNanoseconds", "0")), 0)
    key = f"{told.get('backend')} {size}" if size > 1 else ""
    usual_ns = int(np.median(trace.start_ns))  # some files close with a mark at the end of time
    near = np.abs(trace.start_ns - usual_ns) < 3600 * 10**9
    found = Rank(
        path=path,
        rank=rank,
        world_size=size,
        start_ns=base_ns + int(trace.start_ns[near].min()),
        end_ns=base_ns + int(trace.end_ns[near].max()),
        session=session(trace),
        device=device_use(trace),
    )
    return key, found


def _told(trace: Trace) -> dict[str, object]:
    told = _json(trace.metadata.get("distributedInfo", "{}"))
    return told if isinstance(told, dict) else {}


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _whole(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) else otherwise


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
