"""The ranks of one distributed run → one session: ranks of a run are no repetitions of it.

Takes the sessions of some files, in any order, gives one for each run, the mean over its ranks. Ranks differ by what
they do; runs differ by noise. Three ranks counted as three sessions made certain changes of nothing: of two runs of one
script on three gloo processes, ``c10d::allreduce_`` took +954 %.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

from tbp.traces.frames.merging import merged
from tbp.traces.operators.detail import DETAIL_COLUMNS
from tbp.traces.operators.operators import PER_STEP_COLUMNS, OperatorTable, TraceSession, merged_table
from tbp.traces.operators.origin import RankOrigin
from tbp.traces.reading.loss import total

# Ranks begin to record at the same step; clocks of machines agree to some ms, and another run needs seconds to start.
NEAR_NS = 10**9
# Files named alike are of one run whatever their machines' clocks show, unless it is a run of another day.
SAME_DAY_NS = 3600 * 10**9


def by_run(origins: Sequence[RankOrigin | None]) -> list[list[int]]:
    """Indices grouped by run, runs in order of time, ranks in theirs.

    Files are of one run if they are of different ranks of as many, with one backend, and began together: they
    overlap, or began within NEAR_NS, or their names differ in the rank alone. A file without a rank is its own run.
    """
    groups: list[list[int]] = []
    known = [(index, origin) for index, origin in enumerate(origins) if origin is not None]
    for index, origin in sorted(known, key=lambda pair: (pair[1].start_ns, pair[0])):
        fitting = [
            group for group in groups if all(_together(origin, its) for at in group if (its := origins[at]) is not None)
        ]
        if fitting:
            min(fitting, key=lambda group: min(_distance(origin, origins[at]) for at in group)).append(index)
        else:
            groups.append([index])
    ranked = [sorted(group, key=lambda index: _rank(origins[index])) for group in groups]
    return [*ranked, *([index] for index, origin in enumerate(origins) if origin is None)]


def one_a_run(sessions: Sequence[TraceSession]) -> list[TraceSession]:
    """A session for each run: the mean over its ranks."""
    groups = by_run([session.origin for session in sessions])
    return [_mean([sessions[index] for index in group]) for group in groups]


class ComparableRuns(Struct, frozen=True):
    """Two sides, a session for each run, over the ranks that every run has."""

    before: list[TraceSession]
    after: list[TraceSession]
    left_out: tuple[int, ...]  # ranks that some run lacks


def comparable_runs(before: Sequence[TraceSession], after: Sequence[TraceSession]) -> ComparableRuns:
    """Both sides over the same ranks; over all of them where the runs have none in common."""
    runs = [
        {_rank(sessions[index].origin) for index in group}
        for sessions in (before, after)
        for group in by_run([session.origin for session in sessions])
    ]
    common, known = set.intersection(*runs) if runs else set(), set().union(*runs)
    if not common or any(session.origin is None or not session.origin.is_distributed for session in (*before, *after)):
        common = known
    old, new = (
        one_a_run([session for session in sessions if _rank(session.origin) in common]) for sessions in (before, after)
    )
    return ComparableRuns(old, new, tuple(sorted(known - common)))


def _rank(origin: RankOrigin | None) -> int:
    return origin.rank if origin is not None else 0


def _together(mine: RankOrigin, its: RankOrigin) -> bool:
    alike = mine.is_distributed and (mine.world_size, mine.backend) == (its.world_size, its.backend)
    if not alike or mine.rank == its.rank:
        return False
    apart_ns = abs(mine.start_ns - its.start_ns)
    overlap = mine.start_ns < its.end_ns and its.start_ns < mine.end_ns
    return (
        overlap or apart_ns <= NEAR_NS or (mine.family != "" and mine.family == its.family and apart_ns < SAME_DAY_NS)
    )


def _distance(mine: RankOrigin, its: RankOrigin | None) -> tuple[bool, int]:
    return (True, 0) if its is None else (mine.family != its.family, abs(mine.start_ns - its.start_ns))


def _mean(ranks: Sequence[TraceSession]) -> TraceSession:
    """The mean of one run's ranks, over the steps that all of them have."""
    if len(ranks) == 1:
        return ranks[0]
    steps = min(session.table.steps for session in ranks)
    table = merged_table([session.table for session in ranks])
    whole = [session for session in ranks if not session.is_bare]
    frames = [session.frames for session in whole if session.frames is not None]
    details = [session.detail for session in whole if session.detail is not None]
    return TraceSession(
        table=OperatorTable(table.frame, steps, loss=total(session.loss for session in ranks)),
        per_step=_mean_steps([session.per_step for session in ranks], steps),
        step_us=sum(session.step_us for session in ranks) / len(ranks),
        detail=_mean_detail(details) if details and len(details) == len(whole) else None,
        frames=replace(merged(frames), sessions=1) if frames and len(frames) == len(whole) else None,
    )


def _mean_steps(several: Sequence[pd.DataFrame], steps: int) -> pd.DataFrame:
    rows = pd.concat(several, ignore_index=True)
    sums = rows[rows["step"] < steps].groupby(["step", "operator"])[["calls", "self_us", "self_device_us"]].sum()
    return (sums / len(several)).reset_index()[list(PER_STEP_COLUMNS)]


def _mean_detail(several: Sequence[pd.DataFrame]) -> pd.DataFrame:
    groups = pd.concat(several, ignore_index=True).groupby(["parent", "operator", "shapes"], sort=False)
    numbers = ["calls", "self_us", "flops", "allocated_bytes", "copied_bytes"]
    mean = groups[numbers].sum(min_count=1) / len(several)  # unknown on all ranks stays unknown
    mean["kernels"] = groups["kernels"].agg(lambda texts: "\n".join(sorted({*"\n".join(texts).split("\n")} - {""})))
    return mean.reset_index()[list(DETAIL_COLUMNS)]
