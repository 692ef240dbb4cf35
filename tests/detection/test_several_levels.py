"""Series of several levels: every step that anybody sees, with the size that anybody reads off the chart."""

from itertools import pairwise

import numpy as np
import pytest

from tbp.detection import interval, segmentation
from tbp.detection.boundaries import draws
from tbp.detection.detector import change_points
from tbp.detection.segmentation import SegmentationTask, huber_loss, segmentations
from tbp.detection.selection import _without_short
from tbp.model.changes import Change


def series_s(*segments: tuple[int, float], sigma: float = 0.02, seed: int = 1) -> list[float]:
    """Runs of (how many, level) segments with normal noise."""
    level = np.concatenate([np.full(runs, height) for runs, height in segments])
    return (level * np.exp(np.random.default_rng(seed).normal(0, sigma, len(level)))).tolist()


def places(changes: tuple[Change, ...]) -> list[tuple[int, bool]]:
    return [(change.index, change.confirmed) for change in changes]


@pytest.mark.parametrize(
    ("levels", "lengths", "edges"),
    [
        pytest.param((1.0, 1.1, 2.0), (10, 1, 10), [0, 11, 21], id="the second one to its left"),
        pytest.param((1.0, 1.9, 2.0), (10, 1, 10), [0, 10, 21], id="the second one to its right"),
        pytest.param((1.0, 1.5, 2.0), (10, 1, 10), [0, 11, 21], id="midway, to its left"),
        pytest.param((1.0, 2.0), (2, 10), [0, 12], id="the first one"),
        pytest.param((1.0, 2.0), (10, 2), [0, 12], id="the last one"),
        pytest.param((1.0, 2.0, 2.1, 5.0), (10, 10, 1, 10), [0, 10, 21, 31], id="the third one"),
        pytest.param((1.0, 2.0, 3.0), (3, 3, 3), [0, 3, 6, 9], id="three are enough"),
    ],
)
def test_a_segment_too_short_joins_the_nearer_level(
    levels: tuple[float, ...], lengths: tuple[int, ...], edges: list[int]
):
    scaled = np.repeat(levels, lengths)
    assert _without_short(scaled, [0, *np.cumsum(lengths).tolist()]) == edges


def test_six_runs_against_nine_are_sure_by_the_noise_of_the_others():
    # Their own ranks cannot be: 2 / C(15, 6) is 4e-4, of which 1e-4 is asked.
    changes = change_points(series_s((30, 1.0), (9, 1.4), (6, 1.9), (40, 1.0)))
    assert places(changes) == [(30, True), (39, True), (45, True)]


def test_a_step_of_fifteen_times_over_98_runs_is_told_whatever_else_moves():
    changes = change_points(series_s((5, 1.0), (7, 1.3), (6, 1.0), (98, 15.0), (5, 14.0), (5, 1.0)))
    assert (18, True) in places(changes)
    assert {change.index for change in changes} >= {5, 12, 18, 121}


def test_a_level_is_that_of_the_runs_between_two_steps():
    # "+1,528 %" was told of such a place, of the levels before and after everything that moved beside it.
    changes = change_points(series_s((40, 0.07), (12, 1.14), (20, 1.31), sigma=0.01))
    assert places(changes) == [(40, True), (52, True)]
    assert changes[1].effect == pytest.approx(1.31 / 1.14 - 1, abs=0.01)
    assert changes[1].before == changes[0].after


def test_a_step_is_told_at_its_first_run():
    changes = change_points(series_s((25, 1.0), (25, 1.2), (25, 0.9), (25, 1.1), sigma=0.01))
    assert places(changes) == [(25, True), (50, True), (75, True)]


def test_steps_at_regular_intervals_do_not_hide_each_other():
    segments = [(8, 1.0 + 0.5 * (k % 2)) for k in range(12)]
    assert places(change_points(series_s(*segments))) == [(8 * k, True) for k in range(1, 12)]


def test_what_is_large_and_not_certain_is_suspect_and_says_why():
    # Five runs a third slower, among runs of which one in fifteen is as far out.
    values = np.array(series_s((60, 1.0), sigma=0.01, seed=2))
    values[[4, 17, 33, 51]] *= 1.3
    values[40:45] *= 1.3
    found = change_points(values.tolist())
    assert places(found) == [(40, False), (45, False)]
    assert found[0].doubt == "the 5 runs after it are too few to be sure in this noise"
    assert [change.p_value for change in found] == pytest.approx([0.022, 0.015], abs=0.001)


def test_runs_of_a_mode_that_happen_to_be_neighbours_are_no_steps():
    rng = np.random.default_rng(8)
    for _ in range(40):
        modes = np.where(rng.random(80) < 0.25, 0.3, 0.0)
        values = np.exp(rng.normal(0, 0.005, 80) + modes)
        assert not any(change.confirmed for change in change_points(values.tolist()))


def test_the_newest_run_is_judged_by_all_runs_and_not_only_by_the_last_level():
    # The last level's five runs happen to agree; the series has often been as far from its level as the newest run is.
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.standard_t(2, 60) * 0.03, [0.5, 0.5001, 0.4999, 0.5002, 0.5, 0.58]])
    assert [change.index for change in change_points(np.exp(values).tolist())] == [60]


def test_the_newest_runs_are_suspect_though_a_few_before_were_as_far_out():
    values = series_s((44, 1.0), sigma=0.02)
    for at in (3, 35, 40, 41, 42, 43):
        values[at] *= 1.4
    assert places(change_points(values)) == [(40, False)]


def test_the_oldest_run_before_a_young_level_is_suspect():
    changes = change_points([0.3, *series_s((6, 1.0), (40, 1.5))])
    assert places(changes) == [(1, False), (7, True)]


def test_single_values_of_a_short_series_are_sure_by_all_its_runs():
    assert places(change_points(series_s((5, 1.0), (5, 3.0), (5, 1.0)))) == [(5, True), (10, True)]


def test_most_obvious_steps_are_confirmed_and_their_sizes_are_right():
    rng = np.random.default_rng(11)
    steps = confirmed = 0
    errors = []
    for _ in range(40):
        lengths = rng.integers(5, 40, 6)
        heights = np.cumsum(rng.choice((-1.0, 1.0), 6) * rng.uniform(0.2, 2.0, 6))
        logs = np.repeat(heights, lengths) + rng.normal(0, 0.03, lengths.sum())
        found = {change.index: change for change in change_points(np.exp(logs).tolist()) if change.confirmed}
        for cut, (before, after) in zip(np.cumsum(lengths)[:-1].tolist(), pairwise(heights), strict=True):
            steps += 1
            near = [found[index] for index in found if abs(index - cut) <= 2]
            confirmed += bool(near)
            errors += [abs(np.log(change.after / change.before) - (after - before)) for change in near]
    assert confirmed / steps >= 0.97
    assert np.median(errors) < 0.02


@pytest.mark.parametrize(
    ("deviations", "count", "chance"),
    [
        ([5.0, 5.0], 2, 1 / 10 / 25),  # the two largest of five: 1 in C(5, 2); five times as far out as any other
        ([0.9, 0.9], 2, 3 / 10),  # one of the others is further out: two of the three largest
        ([5.0, 0.1], 1, 2 / 5 / 25),  # one of the two is the largest of all
        ([-1.0, 5.0], 2, 1.0),
    ],
)
def test_the_chance_of_draws_is_counted(deviations: list[float], count: int, chance: float):
    pool = np.array([-1.0, 0.0, 1.0])
    assert draws(np.array(deviations), pool, count).p_value == pytest.approx(chance)


# What is done otherwise for very long series


def test_differences_of_long_sides_are_counted_to_the_same_bounds(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(2)
    sides = [(rng.normal(0, 1, n), rng.normal(1, 1, m).round(1)) for n, m in ((5, 5), (30, 7), (7, 80))]
    ranks = [[1, 2, len(before) * len(after) // 3, len(before) * len(after)] for before, after in sides]
    made = [[interval._difference(*side, rank) for rank in own] for side, own in zip(sides, ranks, strict=True)]
    monkeypatch.setattr(interval, "MOST_DIFFERENCES", 0)
    counted = [[interval._difference(*side, rank) for rank in own] for side, own in zip(sides, ranks, strict=True)]
    assert np.concatenate(counted) == pytest.approx(np.concatenate(made), abs=1e-12)


def test_a_segmentation_in_stretches_is_the_same(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(1)
    lengths = (25, 60, 400, 60)
    series = [rng.normal(0, 0.02, runs) + 0.1 * np.cumsum(rng.random(runs) < 0.02) for runs in lengths]
    questions = [SegmentationTask(values, 0.005, huber_loss(0.005, 0.02), 7.0) for values in series]
    whole = segmentations(questions)
    assert sum(len(own.boundaries) for own in whole) >= 6
    monkeypatch.setattr(segmentation, "MOST_CELLS", 3_000)
    assert segmentations(questions) == whole


def test_twenty_thousand_runs_with_four_steps():
    values = series_s((5000, 1.0), (5000, 1.5), (3000, 4.0), (7000, 1.2), sigma=0.03)
    assert places(change_points(values)) == [(5000, True), (10000, True), (13000, True)]


def test_the_newest_run_is_suspect_and_says_why_it_is_no_more():
    young = change_points([*series_s((40, 1.0), (6, 1.5)), 2.4])
    assert places(young) == [(40, True), (46, False)]
    assert [change.doubt for change in young] == ["", "1 run since cannot tell yet"]
    few = change_points([1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.4])
    assert (places(few), few[0].doubt) == ([(7, False)], "too few runs to tell")
