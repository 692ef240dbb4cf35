"""Nesting against a plain walk with a stack, on literal and on random intervals."""

import random

import numpy as np
import pytest

from tbp.traces.calls.nesting import (
    NO_PARENT,
    _encloses,
    _nested,
    _walked,
    absorbed,
    added_up,
    depths,
    first_ancestors,
    parents,
)


def nested(*intervals: tuple[int, int]) -> list[int]:
    start, end = (np.array(side, dtype=np.int64) for side in zip(*intervals, strict=True))
    parent: list[int] = parents(np.zeros(len(start), dtype=np.int32), start, end).tolist()
    return parent


@pytest.mark.parametrize(
    ("intervals", "parent"),
    [
        pytest.param([(0, 10), (1, 5), (2, 3), (6, 9)], [-1, 0, 1, 0], id="children and grandchildren"),
        pytest.param([(2, 3), (6, 9), (0, 10), (1, 5)], [3, 2, -1, 2], id="the order in the file does not matter"),
        pytest.param([(0, 5), (5, 9), (5, 5)], [-1, -1, 1], id="what starts at an end is outside"),
        pytest.param([(0, 5), (0, 5), (0, 5)], [-1, 0, 1], id="equal intervals nest in file order"),
        pytest.param([(0, 10), (0, 0), (0, 0), (4, 4), (10, 10)], [-1, 0, 0, 0, -1], id="events without duration"),
        pytest.param([(0, 10), (5, 15), (6, 9)], [-1, -1, 1], id="a partial overlap is no nesting"),
    ],
)
def test_an_interval_lies_in_the_smallest_around_it(intervals: list[tuple[int, int]], parent: list[int]) -> None:
    assert nested(*intervals) == parent


def test_threads_do_not_nest_in_each_other() -> None:
    thread = np.array([0, 1, 0], dtype=np.int32)
    start, end = np.array([0, 1, 2]), np.array([9, 3, 3])
    assert parents(thread, start, end).tolist() == [-1, -1, 0]


def test_no_events() -> None:
    empty = np.array([], dtype=np.int64)
    assert parents(empty.astype(np.int32), empty, empty).tolist() == []
    assert absorbed(empty, empty.astype(np.int32)).tolist() == []


@pytest.mark.parametrize("seed", range(200))
def test_vectors_equal_the_walk_wherever_they_are_trusted(seed: int) -> None:
    chance = random.Random(seed)
    intervals: list[tuple[int, int]] = []

    def grow(low: int, high: int, depth: int) -> None:
        intervals.append((low, high))
        at = low
        while depth and at <= high and chance.random() < 0.8:
            end = chance.randint(at, high)
            grow(at, end, depth - 1)
            at = chance.randint(end, high)

    for root in range(4):
        grow(root * 30, root * 30 + chance.randint(0, 30), 4)
    if seed % 2:  # disturb one: then the vectors are right or distrusted
        at = chance.randrange(len(intervals))
        intervals[at] = (intervals[at][0], intervals[at][1] + chance.randint(0, 4))
    intervals.sort(key=lambda interval: (interval[0], -interval[1]))
    start, end = (np.array(side, dtype=np.int64) for side in zip(*intervals, strict=True))
    vectors, walk = _nested(start, end), _walked(start, end)
    if _encloses(vectors, end):
        assert vectors.tolist() == walk.tolist()
    else:
        assert seed % 2


def test_an_only_child_of_the_same_name_is_counted_with_its_parent() -> None:
    parent = np.array([-1, 0, 1, 2, 2, -1, 5, 5])
    name = np.array([7, 7, 7, 7, 7, 3, 3, 4], dtype=np.int32)
    # 0 ⊃ 1 ⊃ 2 are one; 3 and 4 are two children of it; 6 has a sibling.
    assert absorbed(parent, name).tolist() == [0, 0, 0, 3, 4, 5, 6, 7]


def test_depths_sums_and_ancestors() -> None:
    parent = np.array([NO_PARENT, 0, 1, 2, 0, NO_PARENT], dtype=np.int64)
    assert depths(parent).tolist() == [0, 1, 2, 3, 1, 0]
    sums = added_up(parent, np.array([1, 10, 100, 1000, 5, 7], dtype=np.int64))
    assert sums.tolist() == [1116, 1110, 1100, 1000, 5, 7]
    skipped = np.array([False, True, True, False, True, True])
    assert first_ancestors(parent, skipped).tolist() == [0, 0, 0, 3, 0, NO_PARENT]
