"""Steps as stretches of time, of one process and of several."""

from collections.abc import Sequence

import numpy as np

from tbp.traces.calls.steps import OUTSIDE, StepWindows


def windows(*steps: tuple[int, int, int]) -> StepWindows:
    """Of (start, end, process)."""
    start_ns, end_ns, process = np.array(steps, dtype=np.int64).reshape(-1, 3).T
    return StepWindows.of(start_ns, end_ns, process.astype(np.int32))


def at(steps: StepWindows, times_ns: Sequence[int], process: Sequence[int] | int = 0) -> list[int]:
    codes = np.broadcast_to(np.array(process, dtype=np.int32), len(times_ns))
    numbers: list[int] = steps.at(np.array(times_ns, dtype=np.int64), codes).tolist()
    return numbers


def test_a_step_holds_its_start_and_not_its_end():
    steps = windows((20, 30, 0), (0, 10, 0), (10, 19, 0))
    assert (len(steps), steps.count, steps.are_of_several) == (3, 3, False)
    assert at(steps, [-1, 0, 9, 10, 18, 19, 20, 29, 30]) == [OUTSIDE, 0, 0, 1, 1, OUTSIDE, 2, 2, OUTSIDE]
    assert at(steps, [5], process=7) == [0]  # of one process they hold for all


def test_without_steps_every_time_is_outside():
    assert at(windows(), [0, 5]) == [OUTSIDE, OUTSIDE]
    assert (windows().count, windows().are_of_several) == (0, False)


BOTH = windows((0, 10, 1), (5, 15, 2), (20, 30, 1), (25, 35, 2), (40, 50, 1))


def test_each_process_has_its_steps_from_0():
    assert (BOTH.count, BOTH.are_of_several) == (3, True)
    assert at(BOTH, [4, 12, 27, 32, 45], process=1) == [0, OUTSIDE, 1, OUTSIDE, 2]
    assert at(BOTH, [4, 12, 27, 32, 45], process=2) == [OUTSIDE, 0, 1, 1, OUTSIDE]
    assert at(BOTH, [12, 12, 27], process=[1, 2, 1]) == [OUTSIDE, 0, 1]


def test_a_process_without_steps_has_those_of_any():
    assert at(BOTH, [4, 12, 45], process=9) == [0, 0, 2]


def behind(steps: StepWindows, code: Sequence[int], process: Sequence[int], size: int) -> list[int]:
    numbers: list[int] = steps.behind(np.array(code), np.array(process, dtype=np.int32), size).tolist()
    return numbers


def test_behind_a_name_are_the_steps_of_all_processes_that_have_it():
    assert behind(BOTH, [0, 0, 1, 2, 2], [1, 1, 2, 1, 2], 4) == [3, 2, 5, 3]  # a name of none: those of the longest
    assert behind(BOTH, [0, 1], [9, 1], 2) == [3, 3]  # a process without steps has none of its own


def test_of_one_process_all_its_steps_are_behind_every_name():
    assert behind(windows((0, 1, 0), (2, 3, 0)), [0], [5], 2) == [2, 2]
    assert behind(windows(), [0], [0], 2) == [1, 1]
