"""Tasks in the order of the items, with two bounds: of those under way, and of results that nobody took."""

from concurrent.futures import BrokenExecutor, Future

import pytest

from tbp.system.in_order import InOrder


class Executor:
    """Tasks that end when the test says so."""

    def __init__(self) -> None:
        self.begun: dict[int, Future[int]] = {}

    def submit(self, item: int) -> Future[int]:
        self.begun[item] = Future()
        return self.begun[item]

    def end(self, *items: int) -> None:
        for item in items:
            self.begun[item].set_result(item * item)


def test_as_many_run_as_may_and_one_that_ends_begins_another():
    executor = Executor()
    tasks = InOrder(executor.submit, range(9), lambda: 2, most_waiting=100)
    tasks.fill()
    assert sorted(executor.begun) == [0, 1]
    executor.end(1)  # nobody has asked for a result yet
    assert sorted(executor.begun) == [0, 1, 2]
    executor.end(0, 2)
    assert sorted(executor.begun) == [0, 1, 2, 3, 4]


def test_no_more_results_wait_than_may():
    executor = Executor()
    tasks = InOrder(executor.submit, range(9), lambda: 2, most_waiting=3)
    tasks.fill()
    executor.end(0, 1, 2, 3)
    assert sorted(executor.begun) == [0, 1, 2, 3]  # four wait already, as two ran when the third came
    results = iter(tasks)
    assert [next(results)[1].result() for _ in range(3)] == [0, 1, 4]
    assert sorted(executor.begun) == [0, 1, 2, 3, 4, 5]


def test_results_are_in_the_order_of_the_items():
    executor = Executor()
    tasks = InOrder(executor.submit, [3, 1, 2], lambda: 3, most_waiting=9)
    tasks.fill()
    executor.end(2, 1, 3)
    assert [(item, future.result()) for item, future in tasks] == [(3, 9), (1, 1), (2, 4)]


def test_more_run_where_more_workers_come():
    executor, most = Executor(), [1]
    tasks = InOrder(executor.submit, range(9), lambda: most[0], most_waiting=9)
    tasks.fill()
    most[0] = 4
    executor.end(0)
    assert sorted(executor.begun) == [0, 1, 2, 3, 4]


def test_closing_begins_no_other_task():
    executor = Executor()
    tasks = InOrder(executor.submit, range(9), lambda: 2, most_waiting=9)
    tasks.fill()
    executor.end(0)
    assert tasks.close() == [executor.begun[1], executor.begun[2]]
    executor.end(1, 2)
    assert sorted(executor.begun) == [0, 1, 2]
    assert tasks.close() == []


def test_a_broken_executor_is_told_to_who_takes_results():
    def submit(item: int) -> Future[int]:
        if item > 1:
            raise BrokenExecutor("a process was killed")
        return executor.submit(item)

    executor = Executor()
    tasks = InOrder(submit, range(9), lambda: 2, most_waiting=9)
    tasks.fill()
    executor.end(0)  # which would begin another
    with pytest.raises(BrokenExecutor):
        list(tasks)
