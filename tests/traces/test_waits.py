"""Ranks in their collectives: who waits for whom, and by how much their clocks differ."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tbp.traces.devices.collectives import COLLECTIVE_COLUMNS, synchronising
from tbp.traces.devices.waits import Waits, waits
from tbp.traces.read_recording import read_recording
from tbp.traces.reading.columns import typed

from ..trace_events import event

US = 1_000


def rank(*entered: tuple[float, float], group: str = "", step: int = 0) -> pd.DataFrame:
    """All-reduces of (start, end) in µs."""
    rows = [(group, "all_reduce", step, int(start * US), int((end - start) * US)) for start, end in entered]
    return typed(rows, COLLECTIVE_COLUMNS)


def measured(*ranks: pd.DataFrame, steps: int = 1) -> Waits:
    return waits(ranks, [steps] * len(ranks))


def test_the_last_to_arrive_waits_least_whatever_its_clock_shows() -> None:
    """Rank 1 is last at both; its clock is 700 µs ahead, so that it seems to begin after the others ended."""
    known = measured(rank((0, 100), (200, 300)), rank((790, 800), (960, 1_000)), rank((20, 100), (210, 300)), steps=2)
    assert known.ranks["wait_us"].tolist() == [75, 0, 60]
    assert known.ranks["last"].tolist() == [0, 2, 0]
    assert known.ranks["clock_us"].tolist() == [0, 700, 0]
    assert (known.collectives, known.skew_us, known.ends_us) == (2, 75, 0)
    assert known.are_sure


def test_collectives_of_two_groups_are_not_one() -> None:
    known = measured(rank((0, 100), group="a"), rank((60, 100), group="a"), rank((0, 500), group="b"))
    assert known.ranks["wait_us"].fillna(-1).tolist() == [60, 0, -1]
    assert known.ranks["collectives"].tolist() == [1, 1, 0]
    assert not known.are_sure  # of the third nothing is known


def test_a_rank_that_began_a_step_later_has_the_steps_in_common() -> None:
    both = pd.concat([rank((0, 90), step=7), rank((100, 200), step=8)], ignore_index=True)
    known = measured(both, rank((150, 200), step=8))
    assert (known.collectives, known.ranks["wait_us"].tolist()) == (1, [50, 0])


def test_without_a_collective_in_common_nothing_is_known() -> None:
    known = measured(rank((0, 10), step=1), rank((0, 10), step=2), rank())
    assert (known.collectives, known.are_sure) == (0, False)
    assert known.ranks["wait_us"].isna().all()
    assert math.isnan(known.skew_us)


def test_waits_are_not_sure_where_ranks_do_not_leave_together() -> None:
    """Two pairs of ranks whose files do not name their groups."""
    first = (rank((0, 100), (200, 300), (900, 980)), rank((90, 100), (290, 300), (970, 980)))
    second = (rank((0, 400), (410, 420), (500, 590)), rank((300, 400), (410, 420), (520, 590)))
    assert not measured(*first, *second).are_sure


@pytest.mark.parametrize(
    ("names", "collective"),
    [
        (("allreduce",), "all_reduce"),
        (("_reduce_scatter_base", ""), "reduce_scatter"),
        (("", "nccl:_all_gather_base"), "all_gather"),
        (("", "nccl:all_to_all", "ncclKernel_SendRecv_RING_SIMPLE_Sum_int8_t"), "all_to_all"),
        (("", "(device work launched by graphs)", "ncclDevKernel_AllReduce_Sum_bf16_RING_LL"), "all_reduce"),
        (("all_to_allv",), "all_to_all"),
        (("send", "nccl:send 0->1", "ncclDevKernel_SendRecv"), ""),
        (("broadcast", "nccl:broadcast", "ncclDevKernel_Broadcast_RING_LL"), ""),
        (("", "nccl:reduce", "ncclDevKernel_Reduce_RING_LL_Sum_f32"), ""),
    ],
)
def test_only_collectives_that_wait_for_everybody_count(names: tuple[str, ...], collective: str) -> None:
    assert synchronising(*names) == collective


@pytest.mark.parametrize("ranks", ["[0, 1]", [0, 1]])  # kineto writes a text; a list is as good
def test_a_kernel_s_group_and_step_are_read(write: Callable[..., Path], ranks: Any) -> None:
    noted = {"Collective name": "allreduce", "Process Group Name": "7", "Process Group Ranks": ranks}
    kernel = {"cat": "kernel", "pid": 0, "tid": 7}
    events = [
        event("ProfilerStep#12", 0, 100, {"cat": "user_annotation"}),
        event("ncclKernel_Generic", 20, 30, {**kernel, "args": noted}),
        event("ncclDevKernel_SendRecv", 60, 5, kernel),
        event("gemm", 70, 5, kernel),
    ]
    content = {"distributedInfo": {"rank": 1, "world_size": 2}, "baseTimeNanoseconds": 10**18, "traceEvents": events}
    timed = read_recording(write(content)).rank.collectives  # type: ignore[union-attr]
    assert timed is not None
    assert timed.to_dict("records") == [
        {"group": '"7" "[0, 1]"' if isinstance(ranks, str) else '"7" [0, 1]', "name": "all_reduce", "step": 12,
         "start_ns": 10**18 + 20 * US, "duration_ns": 30 * US}
    ]  # fmt: skip
