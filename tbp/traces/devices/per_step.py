"""The devices in the traces of one side: time busy and waiting, kernels, and the ranks side by side.

Takes ranks, gives one frozen value with checked frames, or None for traces without a device. Every number is per step.
``tbp.operator_views`` and the report show it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

from tbp.traces.devices.device import DEVICE_COLUMNS, KERNEL_COLUMNS
from tbp.traces.devices.idle import IDLE_COLUMNS
from tbp.traces.devices.late_operators import LateOperator, late_operators
from tbp.traces.devices.ranks import RANK_COLUMNS, DistributedRun, Rank, runs
from tbp.traces.devices.waits import Waits
from tbp.traces.reading.columns import COUNT, NUMBER, TEXT, check, typed

# The columns of one trace, with numbers instead of counts: a mean per step is no whole number.
MEAN_DEVICE_COLUMNS = {name: TEXT if kind == TEXT else NUMBER for name, kind in DEVICE_COLUMNS.items()}
MEAN_KERNEL_COLUMNS = {name: TEXT if kind == TEXT else NUMBER for name, kind in KERNEL_COLUMNS.items()}
MEAN_IDLE_COLUMNS = {name: TEXT if kind == TEXT else NUMBER for name, kind in IDLE_COLUMNS.items()}
RUN_RANK_COLUMNS = {
    "run": COUNT,  # from 0 in order of time
    **RANK_COLUMNS,
    # Its step without its waits for others; where those are not sure, without communication alone.
    "work_us": NUMBER,
}

# A rank is late whose work takes a tenth longer than the others': as LEAST_CHANGE of operators.
LATE = 0.10

# Of the straggler's excess over the usual work: a rank with less would be hidden behind it, and is not named beside it.
NEARLY = 0.5

_NOT_PER_STEP = frozenset({"busy_share", "host_bound_share", "communication_share", "hidden_communication_share"})


class Straggler(Struct, frozen=True):
    """The rank for which the others wait: its step has the most work in it."""

    rank: int
    work_us: float  # per step: its step less its waits, or where those are unknown less the time it only communicated
    usual_us: float  # median of the other ranks
    last: int = 0  # collectives in which it arrived last
    collectives: int = 0  # that it has in common with others; 0 where waits are unknown
    operators: tuple[LateOperator, ...] = ()  # that take longer on it than on the others, the largest difference first
    also: tuple[int, ...] = ()  # ranks that are LATE and NEARLY as much so, the latest first


class Skew(Struct, frozen=True):
    """How far the ranks of a run are apart, by the collectives that they have in common."""

    collectives: int
    arrival_us: float  # from the first rank that arrives at one to the last, mean
    clock_us: float  # from the clock that is most behind to that most ahead
    ends_us: float  # of one on corrected clocks, median: ranks leave a collective so far apart


class Devices(Struct, frozen=True):
    """The devices of one side, per step; of ranks without a device the ranks alone."""

    devices: pd.DataFrame  # MEAN_DEVICE_COLUMNS, means over the traces that use the device
    kernels: pd.DataFrame  # MEAN_KERNEL_COLUMNS, means over all traces, longest first
    idle: pd.DataFrame  # MEAN_IDLE_COLUMNS, means over all traces, longest first
    ranks: pd.DataFrame  # RUN_RANK_COLUMNS; empty without traces of a distributed run
    straggler: Straggler | None  # of the first run that has some
    backend: str  # of the distributed runs: "nccl"
    runs: int
    world_size: int  # ranks of the largest run
    missing: tuple[int, ...]  # ranks without a trace, of the first run that lacks some
    skew: Skew | None = None  # of the first run with collectives in common

    def __post_init__(self) -> None:
        check(self.devices, MEAN_DEVICE_COLUMNS, "devices")
        check(self.kernels, MEAN_KERNEL_COLUMNS, "kernels")
        check(self.idle, MEAN_IDLE_COLUMNS, "idle time")
        check(self.ranks, RUN_RANK_COLUMNS, "ranks")


def devices(known: Sequence[Rank]) -> Devices | None:
    """The devices and ranks of ``known``; None where there are neither."""
    with_device = [rank for rank in known if len(rank.device.devices)]
    distributed = [run for run in runs(known) if run.world_size > 1]
    if not with_device and not distributed:
        return None
    ranks = _ranks(distributed)
    late = (
        _explained(_straggler(ranks[ranks["run"] == at], run.waits.are_sure), run) for at, run in enumerate(distributed)
    )
    return Devices(
        devices=_devices(with_device) if with_device else typed([], MEAN_DEVICE_COLUMNS),
        kernels=_kernels(with_device) if with_device else typed([], MEAN_KERNEL_COLUMNS),
        idle=_idle(with_device) if with_device else typed([], MEAN_IDLE_COLUMNS),
        ranks=ranks,
        straggler=next(filter(None, late), None),
        backend=", ".join(dict.fromkeys(run.ranks[0].origin.backend for run in distributed if run.ranks[0])),
        runs=len(distributed),
        world_size=max((run.world_size for run in distributed), default=1),
        missing=next((run.missing for run in distributed if run.missing), ()),
        skew=next((_skew(run.waits) for run in distributed if run.waits.collectives), None),
    )


def _devices(ranks: Sequence[Rank]) -> pd.DataFrame:
    per_step = [name for name, kind in DEVICE_COLUMNS.items() if kind != TEXT and name not in _NOT_PER_STEP]
    frames = [_per_step(rank, rank.device.devices, per_step) for rank in ranks]
    mean = pd.concat(frames, ignore_index=True).groupby("device", sort=False).mean().reset_index()
    return mean[list(MEAN_DEVICE_COLUMNS)]


def _kernels(ranks: Sequence[Rank]) -> pd.DataFrame:
    each = [_per_step(rank, rank.device.kernels, ["calls", "total_us"]) for rank in ranks]
    joined = pd.concat(each, ignore_index=True).sort_values("total_us", ascending=False, kind="stable")
    grouped = joined.groupby(["kernel", "kind"], sort=False)
    frame = grouped[["calls", "total_us"]].sum().reset_index()
    frame[["calls", "total_us"]] /= len(ranks)
    frame["operator"] = grouped["operator"].first().to_numpy()
    known_us = joined["total_us"].where(joined["occupancy"].notna(), 0.0)
    weighted = joined.assign(occupied=joined["occupancy"].fillna(0.0) * known_us, known=known_us)
    sums = weighted.groupby(["kernel", "kind"], sort=False)[["occupied", "known"]].sum().reset_index()
    frame["occupancy"] = sums["occupied"] / sums["known"].where(sums["known"] > 0)
    whole_us = float(frame["total_us"].sum())
    frame["share"] = frame["total_us"] / whole_us if whole_us else 0.0
    frame = frame.sort_values(["total_us", "kernel"], ascending=[False, True], kind="stable")
    return frame.reset_index(drop=True)[list(MEAN_KERNEL_COLUMNS)]


def _idle(ranks: Sequence[Rank]) -> pd.DataFrame:
    each = [_per_step(rank, rank.device.idle, ["gaps", "total_us"]) for rank in ranks]
    joined = pd.concat(each, ignore_index=True).groupby(["device", "cause", "operator"], sort=False)
    frame = joined[["gaps", "total_us"]].sum().reset_index()
    frame[["gaps", "total_us"]] /= len(ranks)
    frame = frame.sort_values(["total_us", "operator"], ascending=[False, True], kind="stable")
    return frame.reset_index(drop=True)[list(MEAN_IDLE_COLUMNS)]


def _ranks(distributed: Sequence[DistributedRun]) -> pd.DataFrame:
    if not distributed:
        return typed([], RUN_RANK_COLUMNS)
    frames = []
    for number, run in enumerate(distributed):
        frame = run.frame.assign(run=number)
        steps = np.array([_steps(rank) for rank in run.ranks])
        for name in ("kernel_us", "communication_us", "exposed_communication_us"):
            frame[name] /= steps
        waits_us = frame["wait_us"] if run.waits.are_sure else frame["exposed_communication_us"]
        frames.append(frame.assign(work_us=(frame["step_us"] - waits_us).clip(lower=0)))
    return pd.concat(frames, ignore_index=True)[list(RUN_RANK_COLUMNS)]


def _straggler(run: pd.DataFrame, waits_are_sure: bool) -> Straggler | None:
    """The straggler of one run (RUN_RANK_COLUMNS); None where no rank is LATE more than the others.

    Of ranks whose steps are equally long it is the one that waits least. Where waits are not sure, nothing is known of
    who arrives last. Others that wait all the time have no work; the straggler is LATE by a share of the step then.
    """
    run = run.reset_index(drop=True)
    if len(run) < 2 or not (run["communication_us"] > 0).all():
        return None
    work_us = run["work_us"]
    latest = int(work_us.to_numpy().argmax())
    usual_us = float(work_us.drop(latest).median())
    most_us = (1 + LATE) * usual_us or LATE * float(run["step_us"][latest])
    nearly_us = usual_us + NEARLY * (float(work_us[latest]) - usual_us)
    late = work_us[(work_us > most_us) & (work_us >= nearly_us)].sort_values(ascending=False, kind="stable").index
    return (
        Straggler(
            rank=int(run["rank"][latest]),
            work_us=float(work_us[latest]),
            usual_us=usual_us,
            last=int(run["last"][latest]) if waits_are_sure else 0,
            collectives=int(run["collectives"][latest]) if waits_are_sure else 0,
            also=tuple(int(run["rank"][index]) for index in late if index != latest),
        )
        if len(late)
        else None
    )


def _explained(late: Straggler | None, run: DistributedRun) -> Straggler | None:
    """``late`` with the operators that make it so."""
    if late is None:
        return None
    tables = {rank.rank: rank.session.table for rank in run.ranks}
    usual = [table for rank, table in tables.items() if rank != late.rank]
    return replace(late, operators=late_operators(tables[late.rank], usual))


def _skew(waits: Waits) -> Skew:
    clock_us = waits.ranks["clock_us"]
    return Skew(waits.collectives, waits.skew_us, float(clock_us.max() - clock_us.min()), waits.ends_us)


def _per_step(rank: Rank, frame: pd.DataFrame, sums: Sequence[str]) -> pd.DataFrame:
    return frame.assign(**{name: frame[name] / _steps(rank) for name in sums})


def _steps(rank: Rank) -> int:
    return max(rank.session.table.steps, 1)
