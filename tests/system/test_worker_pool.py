"""Several processes give what one gives."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tbp.system import worker_pool
from tbp.system.worker_pool import Workers, batched

LONG_S = 100.0
BATCHES = [[1], [2, 3], [], [4, 5, 6]]
A_WHILE_S = 20.0


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests may have left threads; what is forked here asks nothing of them."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def total(batch: list[int]) -> tuple[int, int]:
    return sum(batch), os.getpid()


def elsewhere(batch: list[str]) -> tuple[int, str]:
    """Done by the process that takes it; this one waits until another has come."""
    here, came = os.getpid(), Path(batch[0])
    (came / str(here)).touch()
    end = time.monotonic() + A_WHILE_S
    while len(list(came.iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.001)
    return here, batch[1]


def killed_elsewhere(batch: list[int]) -> int:
    """Dies as under the kernel's hand, in any process but the first."""
    if os.getpid() != batch[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)  # so that the others take their share
    return batch[1]


def made_elsewhere(batch: list[int]) -> bytes:
    if os.getpid() == batch[0]:
        time.sleep(0.05)  # so that the others take most
    return bytes(batch[1])


def writing_for_ever(folder: Path) -> None:
    for place in range(10**9):
        (folder / str(place)).touch()


def failing(batch: list[int]) -> int:
    raise ValueError(batch[0])


@pytest.mark.usefixtures("one_thread")
def test_results_are_in_order_and_from_several_processes(tmp_path: Path):
    with Workers(2) as own:
        found = list(own.map(elsewhere, [[str(tmp_path), name] for name in "abcdef"], LONG_S))
    assert [result for _, result in found] == list("abcdef")
    assert len({process for process, _ in found}) == 2


@pytest.mark.usefixtures("one_thread")
def test_they_begin_before_anybody_asks_for_results(tmp_path: Path):
    with Workers(2) as own:
        found = own.map(elsewhere, [[str(tmp_path), "a"], [str(tmp_path), "b"]], LONG_S)
        end = time.monotonic() + A_WHILE_S
        while not list(tmp_path.iterdir()) and time.monotonic() < end:
            time.sleep(0.001)
        (begun,) = tmp_path.iterdir()
        assert begun.name != str(os.getpid())
        assert len(list(found)) == 2


@pytest.mark.parametrize(("most", "expected_s"), [(1, LONG_S), (2, 0.01)])
def test_one_core_or_little_work_needs_no_other_process(most: int, expected_s: float):
    with Workers(most) as own:
        assert {process for _, process in own.map(total, BATCHES, expected_s)} == {os.getpid()}


@pytest.mark.usefixtures("one_thread")
def test_a_worker_that_is_killed_costs_time_only():
    with Workers(4) as own:
        assert list(own.map(killed_elsewhere, [[os.getpid(), i] for i in range(8)], LONG_S)) == list(range(8))


@pytest.mark.usefixtures("one_thread")
def test_where_no_process_can_be_started_this_one_works(monkeypatch: pytest.MonkeyPatch):
    def refused() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    with Workers(2) as own:
        assert list(own.map(total, BATCHES, LONG_S)) == [(sum(batch), os.getpid()) for batch in BATCHES]


@pytest.mark.usefixtures("one_thread")
def test_where_there_is_no_memory_to_share_this_one_works(monkeypatch: pytest.MonkeyPatch):
    def refused(name: str) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "memfd_create", refused)
    with Workers(2) as own:
        assert list(own.map(total, BATCHES, LONG_S)) == [(sum(batch), os.getpid()) for batch in BATCHES]


@pytest.mark.usefixtures("one_thread")
def test_results_of_any_size_come_back_whole():
    sizes = [0, 1, 4_095, 4_096, 4_097, 10_000_000, 3]
    with Workers(3) as own:
        assert list(own.map(made_elsewhere, [[os.getpid(), size] for size in sizes], LONG_S)) == list(map(bytes, sizes))


def test_a_process_with_threads_is_not_forked():
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        with Workers(2) as own:
            assert {process for _, process in own.map(total, BATCHES, LONG_S)} == {os.getpid()}
    finally:
        stop.set()
        other.join()


@pytest.mark.usefixtures("one_thread")
def test_an_error_is_the_caller_s():
    with Workers(2) as own, pytest.raises(ValueError, match=r"1|2"):
        list(own.map(failing, [[1], [2]], LONG_S))


@pytest.mark.usefixtures("one_thread")
def test_who_asks_for_no_result_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch):
    processes: list[int] = []
    fork = os.fork

    def seen_fork() -> int:
        processes.append(fork())
        return processes[-1]

    monkeypatch.setattr(os, "fork", seen_fork)
    begun = len(list(Path("/proc/self/fd").iterdir()))
    with Workers(3) as own:
        own.map(total, BATCHES, LONG_S)
        own.map(total, BATCHES, LONG_S)
    assert len(list(Path("/proc/self/fd").iterdir())) == begun
    assert len(processes) == 4
    for process in processes:
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


@pytest.mark.usefixtures("one_thread")
def test_what_was_taken_is_free():
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Workers(3) as own:
        assert len(list(own.map(total, BATCHES, LONG_S))) == len(BATCHES)
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2  # the two pipes


@pytest.mark.usefixtures("one_thread")
def test_more_batches_than_a_pipe_takes_in_are_done_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker_pool, "room", lambda pipe: 8)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("it was forked"))
    with Workers(2) as own:
        assert {process for _, process in own.map(total, BATCHES, LONG_S)} == {os.getpid()}


@pytest.mark.usefixtures("one_thread")
def test_others_can_be_stopped_before_what_they_write_to_goes(tmp_path: Path):
    with Workers(2) as own:
        with own:
            own.map(writing_for_ever, [tmp_path, tmp_path], LONG_S)
            end = time.monotonic() + A_WHILE_S
            while not list(tmp_path.iterdir()) and time.monotonic() < end:
                time.sleep(0.001)
        written = len(list(tmp_path.iterdir()))
        assert written > 0
        time.sleep(0.05)
        assert len(list(tmp_path.iterdir())) == written
        assert [found for found, _ in own.map(total, BATCHES, LONG_S)] == [1, 5, 0, 15]


@pytest.mark.usefixtures("one_thread")
def test_a_process_that_cannot_be_started_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch):
    def refused() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Workers(2) as own:
        list(own.map(total, BATCHES, LONG_S))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.usefixtures("one_thread")
def test_what_may_wait_is_found_while_others_are_at_work(tmp_path: Path):
    found: list[int] = []

    def several() -> int:
        end = time.monotonic() + A_WHILE_S
        while not list(tmp_path.iterdir()) and time.monotonic() < end:
            time.sleep(0.001)
        found.append(len(list(tmp_path.iterdir())))
        return os.getpid()

    with Workers(2) as own:
        later = own.later(several)
        results = own.map(elsewhere, [[str(tmp_path), "a"], [str(tmp_path), "b"]], LONG_S)
        assert found == []
        assert len(list(results)) == 2
        assert found == [1]
        assert later() == os.getpid()
        assert found == [1]


def test_what_may_wait_is_found_when_it_is_asked_for():
    asked: list[str] = []
    with Workers(1) as own:
        later = own.later(lambda: asked.append("x") or len(asked))
        assert list(own.map(total, BATCHES, LONG_S))
        assert asked == []
        assert (later(), later()) == (1, 1)


def test_batches_keep_the_order():
    assert batched("abcdef", [1, 1, 1, 5, 1, 1], 3) == [["a", "b", "c"], ["d"], ["e", "f"]]
    assert batched("", [], 3) == batched("", [], 3, 2) == []


def test_batches_for_several_processes_become_smaller():
    found = batched(range(1_200), [1] * 1_200, 10_000, 2)
    assert [number for batch in found for number in batch] == list(range(1_200))
    sizes = list(map(len, found))
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-2]) == (300, 100)
    assert max(map(len, batched(range(1_200), [1] * 1_200, 50, 2))) == 50
    assert batched("abc", [0, 0, 0], 3, 2) == [["a", "b", "c"]]
