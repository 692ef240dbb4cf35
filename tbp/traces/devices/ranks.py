"""The trace files of one distributed run, which belong together: a file per rank.

Takes traces, gives runs with their ranks side by side; a rank's operators are left to ``operators``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

from tbp.traces.calls.host import host_tree
from tbp.traces.calls.kernels import device_work
from tbp.traces.calls.names import NameRule
from tbp.traces.devices.collectives import COLLECTIVE_COLUMNS, collectives
from tbp.traces.devices.device import DeviceUse, device_use
from tbp.traces.devices.host_communication import HostCommunication, host_communication
from tbp.traces.devices.memory import MemoryUse, memory_use
from tbp.traces.devices.waits import WAIT_COLUMNS, Waits, waits
from tbp.traces.operators.one_run import by_run
from tbp.traces.operators.operators import OperatorTable, TraceSession, merged_table, nested_session
from tbp.traces.operators.origin import UNKNOWN, RankOrigin, origin
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, typed
from tbp.traces.reading.trace import Trace

RANK_COLUMNS = {
    "rank": COUNT,
    "file": TEXT,
    "step_us": NUMBER,  # median step on the host
    # As in device.DEVICE_COLUMNS, the mean or sum over the rank's devices; NaN without one.
    "busy_share": NUMBER,
    "host_bound_share": NUMBER,
    "kernel_us": NUMBER,
    # On the devices; without one on the host, where the share is of the steps.
    "communication_us": NUMBER,
    "communication_share": NUMBER,
    "exposed_communication_us": NUMBER,
    "hidden_communication_share": NUMBER,
    **WAIT_COLUMNS,
}


class Rank(Struct, frozen=True):
    """One file of a run."""

    path: Path
    origin: RankOrigin
    session: TraceSession
    device: DeviceUse
    host: HostCommunication = HostCommunication()
    memory: MemoryUse | None = None  # None: no memory was recorded, or it was not kept
    collectives: pd.DataFrame | None = None  # COLLECTIVE_COLUMNS; None: they were not kept

    @property
    def rank(self) -> int:
        return self.origin.rank

    @property
    def is_telling(self) -> bool:
        """True where it used a device, recorded memory, or is one of several ranks."""
        return self.origin.is_distributed or len(self.device.devices) > 0 or self.memory is not None


class DistributedRun(Struct, frozen=True, dict=True):
    """The ranks of one run, in their order; ``missing`` names those without a file."""

    ranks: tuple[Rank, ...]

    @property
    def world_size(self) -> int:
        """The number of ranks as the files note it; else as far as their names count, 1 for a single file."""
        noted = self.ranks[0].origin.world_size
        return noted if noted != UNKNOWN else self.ranks[-1].rank + 1 if len(self.ranks) > 1 else 1

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
        rows = pd.DataFrame([_row(rank) for rank in self.ranks])
        return typed(pd.concat([rows, self.waits.ranks], axis=1), RANK_COLUMNS)

    @cached_property
    def waits(self) -> Waits:
        """The waits of the ranks for each other."""
        nothing = typed([], COLLECTIVE_COLUMNS)
        each = [nothing if rank.collectives is None else rank.collectives for rank in self.ranks]
        return waits(each, [rank.session.table.steps for rank in self.ranks])


def runs(ranks: Sequence[Rank]) -> list[DistributedRun]:
    """Files grouped by run (``one_run.by_run``), in order of time."""
    groups = by_run([rank.origin for rank in ranks])
    return [DistributedRun(tuple(ranks[index] for index in group)) for group in groups]


def rank_of(path: Path, trace: Trace, rules: Sequence[NameRule] = ()) -> Rank:
    """The rank whose file was read as ``trace``; ``rules`` are the project's for names of operators."""
    tree = host_tree(trace, rules)
    work = device_work(trace, tree)
    its_origin = origin(path, trace)
    session = nested_session(trace, tree, work)
    return Rank(
        path,
        its_origin,
        of_rank(session, its_origin),
        device_use(trace, tree, work),
        host_communication(trace, tree),
        memory_use(trace, tree),
        collectives(trace, tree, work) if its_origin.is_distributed else None,
    )


def largest_memory(ranks: Sequence[Rank]) -> MemoryUse | None:
    """The memory of the rank with the largest peak; None where none recorded any."""
    used = [rank.memory for rank in ranks if rank.memory is not None]
    return max(used, key=lambda memory: float(memory.peaks["peak_bytes"].max()), default=None)


def of_rank(session: TraceSession, its_origin: RankOrigin) -> TraceSession:
    """``session`` with its origin where it is one of several ranks."""
    return replace(session, origin=its_origin) if its_origin.is_distributed else session


def _row(rank: Rank) -> dict[str, object]:
    devices, host = rank.device.devices, rank.host
    head = {"rank": rank.rank, "file": rank.path.name, "step_us": rank.session.step_us}
    if not len(devices):
        return head | {
            "busy_share": math.nan,
            "host_bound_share": math.nan,
            "kernel_us": math.nan,
            "communication_us": host.communication_us,
            "communication_share": host.communication_us / host.window_us if host.window_us else 0.0,
            "exposed_communication_us": host.exposed_us,
            "hidden_communication_share": 1 - host.exposed_us / host.communication_us
            if host.communication_us
            else math.nan,
        }
    return head | {
        "busy_share": float(devices["busy_share"].mean()),
        "host_bound_share": float(devices["host_bound_share"].mean()),
        "kernel_us": float(devices["kernel_us"].sum()),
        "communication_us": float(devices["communication_us"].sum()),
        "communication_share": float(devices["communication_share"].mean()),
        "exposed_communication_us": float(devices["exposed_communication_us"].sum()),
        "hidden_communication_share": float(devices["hidden_communication_share"].mean()),
    }
