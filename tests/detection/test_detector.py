"""Literal series, literal answers; then the rates that the thresholds promise."""

import numpy as np
import pytest

import tbp
from tbp.detection.detector import Values, change_points, change_points_of
from tbp.model.changes import Change

NAN = float("nan")
# 8 runs, 3 sessions each, about 5 % noise.
QUIET_S = [
    [1.02, 0.97, 1.00], [0.96, 1.03, 1.05], [1.01, 0.99, 0.94], [1.04, 0.98, 1.02],
    [0.95, 1.00, 1.03], [1.03, 1.06, 0.99], [0.98, 0.96, 1.01], [1.00, 1.02, 0.97],
]  # fmt: skip


def stepped(at: int, factor: float = 1.3) -> list[list[float]]:
    return [[s * factor for s in run] if i >= at else run for i, run in enumerate(QUIET_S)]


def judged(sessions_s: list[list[float]]) -> tuple[Change, ...]:
    return change_points([float(np.median(run)) for run in sessions_s], sessions_s)


def test_the_detector_has_a_stable_name():
    values = [1.0, 1.1, 0.9, 1.0, 1.1, 2.0, 2.1, 1.9, 2.0, 2.1]
    assert tbp.change_points(values) == change_points(values) != ()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tbp.nothing  # noqa: B018


def test_noise_alone_is_no_change():
    assert judged(QUIET_S) == ()


@pytest.mark.parametrize("at", range(1, 8))
def test_a_step_is_confirmed_wherever_it_is(at: int):
    (change,) = judged(stepped(at))
    assert (change.index, change.confirmed) == (at, True)
    assert change.effect == pytest.approx(0.3, abs=0.05)
    assert change.p_value < 0.05


def test_a_step_down_is_found_as_one_up_is():
    (change,) = judged(stepped(4, 0.7))
    assert (change.index, change.confirmed) == (4, True)
    assert change.effect < 0


def test_a_step_and_its_recovery_are_two_changes():
    sessions_s = [[s * 1.5 for s in run] if 3 <= i < 6 else run for i, run in enumerate(QUIET_S)]
    assert [(c.index, c.confirmed) for c in judged(sessions_s)] == [(3, True), (6, True)]


def test_one_spike_is_no_step():
    assert judged([[s * 1.5 for s in run] if i == 3 else run for i, run in enumerate(QUIET_S)]) == ()


def test_a_small_step_is_irrelevant():
    assert judged(stepped(4, 1.03)) == ()


def test_one_value_a_run_and_a_spike_in_the_middle_is_nothing():
    assert change_points([1.0, 1.01, 0.99, 1.4, 1.02, 0.98, 1.0, 1.01]) == ()


def test_indexes_count_what_was_not_measured():
    sessions_s = stepped(4)
    values = [float(np.median(run)) for run in sessions_s]
    values[1:1] = [NAN, NAN]
    sessions_s[1:1] = [[], []]
    assert [c.index for c in change_points(values, sessions_s)] == [6]


@pytest.mark.parametrize("values", [[], [1.0], [NAN, NAN], [1.0, 2.0], [float("inf")] * 4, [0.0] * 9, [0.0] * 40])
def test_too_little_to_judge_is_no_change(values: list[float]):
    assert change_points(values) == ()


def test_values_that_are_not_positive_have_no_logarithm():
    series = [0.0, 0.1, -0.1, 0.05, 0.0, -0.05] * 2 + [5.0, 5.1, 4.9, 5.05, 5.0, 4.95] * 2
    assert [(c.index, c.confirmed) for c in change_points(series)] == [(12, True)]


def test_negative_values_move_too():
    series = [-5.0, -5.1, -4.9, -5.05, -5.0, -4.95] * 3 + [-3.0, -3.1, -2.9, -3.05, -3.0, -2.95] * 3
    (change,) = change_points(series)
    assert (change.index, change.confirmed) == (18, True)
    assert (change.before, change.after) == (-5.0, -3.0)


def test_a_long_series_of_equal_values_with_a_gap_has_no_change():
    assert change_points([1.0] * 20 + [NAN] * 10 + [1.0] * 20, counter=False) == ()


def test_values_that_repeat_but_for_noise_of_a_clock_have_a_step():
    series = [1.0, 1.0, 1.0, 1.0001] * 10 + [1.05, 1.05, 1.0501, 1.05] * 10
    assert [c.index for c in change_points(series, counter=False)] == [40]


def test_a_step_from_zero_does_not_depend_on_the_unit():
    steps = [0.0, 0.0, 0.0, 1.0] * 5 + [40.0, 40.0, 40.0, 41.0] * 5
    for unit in (1.0, 1e-12, 1e12):
        (change,) = change_points([step * unit for step in steps], counter=False)
        assert (change.index, change.confirmed) == (20, True)


def test_a_step_of_thirty_times_hides_none_of_two_percent():
    wobble = np.tile([0.002, -0.002, 0.001, -0.001, 0.0], 12)
    series_s = np.exp(wobble) * np.repeat([1.0, 1.02, 30.0], 20)
    assert [(c.index, c.confirmed) for c in change_points(series_s.tolist())] == [(20, True), (40, True)]


def test_a_long_series_has_its_step():
    noise = np.random.default_rng(3).normal(0, 0.02, 120)
    series_s = np.exp(noise + np.where(np.arange(120) >= 70, 0.10, 0))
    (change,) = change_points(series_s.tolist())
    assert abs(change.index - 70) <= 1
    assert change.confirmed


def test_drift_is_no_step():
    noise = np.random.default_rng(3).normal(0, 0.01, 150)
    assert change_points(np.exp(noise + np.arange(150) / 1000).tolist()) == ()


def test_a_step_on_a_drift_is_found_where_it_is():
    noise = np.random.default_rng(3).normal(0, 0.01, 200)
    series_s = np.exp(noise + np.arange(200) / 2000 + np.where(np.arange(200) >= 120, 0.08, 0))
    (change,) = change_points(series_s.tolist())
    assert abs(change.index - 120) <= 1


def test_two_modes_are_noise_and_their_shift_is_a_step():
    rng = np.random.default_rng(5)
    modes = rng.normal(0, 0.01, 200) + np.where(rng.random(200) < 0.3, 0.06, 0)
    assert change_points(np.exp(modes).tolist()) == ()
    (change,) = change_points(np.exp(modes + np.where(np.arange(200) >= 90, 0.03, 0)).tolist())
    assert abs(change.index - 90) <= 2


def test_spikes_in_a_long_series_are_no_steps():
    rng = np.random.default_rng(6)
    series_s = np.exp(rng.normal(0, 0.02, 150))
    series_s[[20, 21, 70, 110]] *= 1.8
    assert change_points(series_s.tolist()) == ()


@pytest.mark.parametrize("newest", [1, 2])
def test_the_newest_runs_of_a_long_series_are_suspect_and_with_sessions_confirmed(newest: int):
    rng = np.random.default_rng(4)
    runs_s = np.exp(rng.normal(0, 0.02, (60, 3)))
    runs_s[-newest:] *= 1.3
    values = np.median(runs_s, axis=1).tolist()
    assert [(c.index, c.confirmed) for c in change_points(values)] == [(60 - newest, False)]
    assert [(c.index, c.confirmed) for c in change_points(values, runs_s.tolist())] == [(60 - newest, True)]


def test_three_newest_runs_far_outside_are_confirmed_without_sessions():
    values = np.exp(np.random.default_rng(4).normal(0, 0.02, 40))
    values[-3:] *= 2.5
    assert [(c.index, c.confirmed) for c in change_points(values.tolist())] == [(37, True)]


@pytest.mark.parametrize("oldest", [1, 2])
def test_the_oldest_runs_of_a_long_series_far_outside_are_suspect(oldest: int):
    values = np.exp(np.random.default_rng(4).normal(0, 0.02, 40))
    values[:oldest] /= 3
    (change,) = change_points(values.tolist())
    assert (change.index, change.confirmed) == (oldest, False)
    assert change.doubt == ("1 run before it cannot tell" if oldest == 1 else "2 runs before it cannot tell")


@pytest.mark.parametrize("share", [0.9, 1.3])  # as far as noise goes, or as a new machine is often off at first
def test_an_oldest_run_a_little_off_is_nothing(share: float):
    values = np.exp(np.random.default_rng(4).normal(0, 0.02, 40))
    values[0] *= share
    assert change_points(values.tolist()) == ()


# Counters


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([12.0, 12.0, 13.0, 13.0], [2]),
        ([12.0, 12.0, 12.0, 13.0], [3]),
        ([4.0, 4.0, 4.0, 8.0, 8.0, 8.0, 4.0, 4.0], [3, 6]),
        ([4.0] * 4 + [8.0] * 4 + [4.0] * 4 + [8.0], [4, 8, 12]),
        ([4.0] * 3 + [8.0] * 3 + [4.0] * 3 + [8.0] * 3, [3, 6, 9]),
        ([4.0, 4.0, NAN, 4.0, NAN, 5.0], [5]),
        ([0.0, 0.0, 0.0, 1.0, 1.0], [3]),
    ],
)
def test_an_exact_change_is_certain(values: list[float], places: list[int]):
    found = change_points(values)
    assert [c.index for c in found] == places
    assert all(c.confirmed and c.p_value == 0 for c in found)


@pytest.mark.parametrize(
    "values",
    [
        [12.0, 12.0, 13.0],
        [5.0, 5.0, 5.0, 9.0, 5.0, 5.0, 5.0],
        [1.0, 2.0] * 5,
        [4.0] * 6 + [8.0] * 2 + [4.0] * 2 + [8.0] * 6,
        [1.0] * 9 + [5.0] * 2 + [1.0] * 9 + [5.0] * 2 + [1.0] * 9,
        [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0],  # a new value every other run: more than one in three runs
    ],
)
def test_a_spike_and_two_values_of_noise_are_no_exact_change(values: list[float]):
    assert not any(c.confirmed for c in change_points(values))


def test_values_of_a_timer_are_no_counter():
    assert not any(c.confirmed for c in change_points([1.0, 1.0, 1.0, 1.01], counter=False))


# Rates


def confirmed_share(step: float, at: int, series: int) -> float:
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(series):
        runs_s = np.exp(rng.normal(0, 0.05, (8, 3)) + rng.normal(0, 0.02, (8, 1)))
        runs_s[at:] *= 1 + step
        places = [c.index for c in judged(runs_s.tolist()) if c.confirmed]
        found += at in places if step else bool(places)
    return found / series


def test_at_most_one_series_in_a_hundred_has_a_false_change():
    assert confirmed_share(0.0, 0, 400) <= 0.01


def test_thirty_percent_at_the_newest_run_is_nearly_always_confirmed():
    assert confirmed_share(0.3, 7, 100) >= 0.9


def test_series_looked_at_together_are_as_looked_at_alone():
    rng = np.random.default_rng(5)
    several = [
        Values(np.exp(rng.normal(0, 0.03, count) + 0.2 * (np.arange(count) > count // 2)).tolist())
        for count in (25, 400, 3, 60, 61, 1500, 8, 25)
    ]
    several += [Values([1.0] * 40), Values([]), Values([float("nan")] * 30)]
    assert change_points_of(several) == [change_points(own.values) for own in several]
    assert [len(changes) for changes in change_points_of(several)[:2]] == [1, 1]
