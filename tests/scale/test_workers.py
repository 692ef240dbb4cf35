"""Several processes give what one gives."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tbp.scale.workers import Workers

LONG_S = 100.0
BATCHES = [[1], [2, 3], [], [4, 5, 6]]


def total(batch: list[int]) -> tuple[int, int]:
    return sum(batch), os.getpid()


def killed_once(batch: list[str]) -> int:
    """Dies as under the kernel's hand, the first time."""
    mark = Path(batch[0])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return len(batch)


def failing(batch: list[int]) -> int:
    raise ValueError(batch[0])


def test_results_are_in_order_and_from_elsewhere():
    with Workers(2) as own:
        found = list(own.map(total, BATCHES, LONG_S))
    assert [result for result, _ in found] == [1, 5, 0, 15]
    assert os.getpid() not in {process for _, process in found}


@pytest.mark.parametrize(("most", "expected_s"), [(1, LONG_S), (2, 0.1)])
def test_one_core_or_little_work_needs_no_other_process(most: int, expected_s: float):
    with Workers(most) as own:
        assert {process for _, process in own.map(total, BATCHES, expected_s)} == {os.getpid()}


def test_a_worker_that_is_killed_costs_time_only(tmp_path: Path):
    batches = [[str(tmp_path / str(place))] for place in range(3)]
    for batch in batches[1:]:
        Path(batch[0]).touch()
    with Workers(2) as own:
        assert list(own.map(killed_once, batches, LONG_S)) == [1, 1, 1]


def test_where_no_process_can_be_started_this_one_works(monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", refused)
    with Workers(2) as own:
        assert {process for _, process in own.map(total, BATCHES, LONG_S)} == {os.getpid()}


def test_an_error_is_the_caller_s():
    with Workers(2) as own, pytest.raises(ValueError, match="1"):
        list(own.map(failing, [[1], [2]], LONG_S))
