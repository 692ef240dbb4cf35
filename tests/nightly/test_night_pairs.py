"""Which pairs a night measures: tasks from literal series; tests/commands/test_nightly_runs.py has whole nights."""

import math
from collections.abc import Sequence

import pytest

from tbp.asv.ratios import Ratio
from tbp.model.changes import Change
from tbp.model.series import SeriesKey
from tbp.nightly.night_pairs import NIGHT_PAIRS, Task, Tracked, fresh_tasks, new_tasks, ratio_of
from tbp.statistics.paired_ratios import Pair

from ..histories import numbered, points

QUIET = (-0.002, 0.001, 0.002, -0.001)


def key(name: str) -> SeriesKey:
    return SeriesKey(f"suite.time_{name}", (), "box", "env")


def commit(place: int) -> str:
    return numbered(place).hash


def tracked(
    name: str, runs: int = 10, changes: Sequence[Change] = (), ratios: Sequence[Ratio] = (), missing: Sequence[int] = ()
) -> Tracked:
    runs_of = points(math.nan if place in missing else 1.0 for place in range(runs))
    return Tracked(key(name), runs_of, changes, list(ratios))


def ratio(base: int, head: int, effect: float, pairs: int = 4, *, is_fresh: bool = False) -> Ratio:
    effects = tuple(math.log1p(effect) + QUIET[i % 4] for i in range(pairs))
    return Ratio(commit(base), commit(head), effects, is_fresh)


def test_a_new_commit_is_measured_against_the_first_of_the_level():
    one = tracked("a")
    assert new_tasks([one], [commit(9)]) == [Task(commit(0), commit(9), {one.key: NIGHT_PAIRS}, is_fresh=False)]


def test_the_newest_commit_comes_first():
    one = tracked("a")
    assert [task.head for task in new_tasks([one], [commit(8), commit(9)])] == [commit(9), commit(8)]


def test_series_of_other_levels_are_measured_apart_the_larger_group_first():
    stepped = tracked("a", changes=[Change(5, 1.0, 2.0, 0.0, confirmed=True)])
    others = [tracked("b"), tracked("c")]
    tasks = new_tasks([stepped, *others], [commit(9)])
    assert [(task.base, set(task.pairs)) for task in tasks] == [
        (commit(0), {key("b"), key("c")}),
        (commit(5), {key("a")}),
    ]


def test_what_has_no_value_there_or_no_level_before_is_left_out():
    assert new_tasks([tracked("a", missing=[9])], [commit(9)]) == []
    assert new_tasks([tracked("b", runs=1)], [commit(0)]) == []


def test_suspects_of_the_same_commits_are_measured_together_and_quiet_ones_not_at_all():
    suspects = [tracked(name, ratios=[ratio(0, 8, 0.0), ratio(0, 9, 0.1)]) for name in "ab"]
    quiet = tracked("c", ratios=[ratio(0, 9, 0.0)])
    (task,) = fresh_tasks([*suspects, quiet])
    assert task == Task(commit(8), commit(9), {key("a"): 6, key("b"): 6}, is_fresh=True)


def test_one_series_does_not_take_a_whole_night():
    noisy = tracked("a", ratios=[ratio(0, 9, 0.1)])
    for _ in range(16):
        noisy.add(ratio(0, 1, 0.0, 6, is_fresh=True))
    assert noisy.fresh_pairs == 96
    assert fresh_tasks([noisy]) == []


@pytest.mark.parametrize(
    ("wall", "cpu", "is_kept"),
    [
        (0.10, 0.10, True),
        (0.10, 0.0, False),  # contended: wall time alone moved
        (0.10, math.nan, True),  # a step that waits has no witness
        (0.001, -0.001, True),  # nothing moved, and that is worth knowing
    ],
)
def test_pairs_whose_cpu_time_does_not_move_with_them_are_no_ratio(wall: float, cpu: float, is_kept: bool):
    task = Task(commit(0), commit(9), {key("a"): 2}, is_fresh=True)
    ratio_made = ratio_of(task, [Pair(wall, cpu, 1.0, 1.0)] * 2)
    assert ratio_made == (Ratio(commit(0), commit(9), (wall, wall), is_fresh=True) if is_kept else None)


def test_one_pair_alone_is_no_ratio():
    assert ratio_of(Task(commit(0), commit(9), {}, is_fresh=False), [Pair(0.1, 0.1, 1.0, 1.0)]) is None
