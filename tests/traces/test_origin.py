"""The origin of a trace: its rank and its time, from what the file notes and what it is called."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.traces.operators.origin import RankOrigin, origin
from tbp.traces.reading.read import read_trace

from ..trace_events import event

Write = Callable[..., Path]
HOUR_US = 3_600_000_000


def noted(write: Write, *events: dict[str, Any], name: str = "t.json", **document: Any) -> RankOrigin:
    path = write({"traceEvents": list(events) or [event("mm", 5, 10)], **document})
    return origin(Path(name), read_trace(path))


def test_a_file_that_notes_nothing_is_rank_0_of_1(write: Write) -> None:
    plain = noted(write)
    assert (plain.rank, plain.world_size, plain.backend, plain.family) == (0, 1, "", "")
    assert not plain.is_distributed
    assert (plain.start_ns, plain.end_ns) == (5_000, 15_000)


@pytest.mark.parametrize(
    ("info", "rank", "world_size"),
    [
        ({"rank": 1, "world_size": 2}, 1, 2),
        ({"rank": 2, "world_size": 2}, 0, 2),  # there is no such rank
        ({"rank": -1, "world_size": 2}, 0, 2),
        ({"rank": "1", "world_size": 2}, 0, 2),
        ({"rank": 3}, 0, 1),
        ({"rank": 0, "world_size": 0}, 0, 1),
        ({"rank": 0, "world_size": 1_000_000}, 0, 1_000_000),
        ({"rank": 0, "world_size": 1_000_001}, 0, 1),
        ([1], 0, 1),
    ],
)
def test_a_rank_is_what_can_be_one(write: Write, info: object, rank: int, world_size: int) -> None:
    distributed = noted(write, distributedInfo=info)
    assert (distributed.rank, distributed.world_size) == (rank, world_size)
    assert distributed.is_distributed is (world_size > 1)


def test_the_backend_and_the_time_since_the_epoch(write: Write) -> None:
    run = noted(write, distributedInfo={"rank": 0, "world_size": 2, "backend": "nccl"}, baseTimeNanoseconds=7 * 10**17)
    assert (run.backend, run.start_ns, run.end_ns) == ("nccl", 7 * 10**17 + 5_000, 7 * 10**17 + 15_000)


def test_a_mark_more_than_an_hour_away_is_no_part_of_the_time(write: Write) -> None:
    at = 10 * HOUR_US
    work = [event("mm", at + 20 * number, 10) for number in range(4)]
    far = [event("mark", at + 20 + HOUR_US * hours, 1) for hours in (-2, 2)]
    assert noted(write, *work, *far) == noted(write, *work)
    near = event("late", at + HOUR_US - 1_000_000, 1)
    assert noted(write, *work, near).end_ns == (at + HOUR_US - 1_000_000 + 1) * 1_000


def test_a_rank_of_the_name_is_that_of_its_last_part(write: Write) -> None:
    assert noted(write, name="rank7/rank_3.json").rank == 3
    assert noted(write, name="x/RANK-0012.json").rank == 12
    assert noted(write, name="rank1234567.json").family == ""
    both = noted(write, name="a/rank=3.json", distributedInfo={"rank": 1, "world_size": 2})
    assert (both.rank, both.world_size, both.family) == (1, 2, "a/rank *.json")
