"""Series and two of their commits → judgements."""

from collections.abc import Sequence
from math import inf, isnan, nan

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.comparison.judgements import StoredSeries, judgements, series_of_points
from tbp.history.circumstances import Circumstances
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.model.measured_with import MeasuredWith
from tbp.model.points import Points, columns
from tbp.model.series import Better, Outcome, Point, SeriesKey

from ..histories import numbered, points

STEADY = [1.00, 1.01] * 10
FAILED, SKIPPED = None, nan


def point(place: int, value: float | None) -> Point:
    if value is None:
        return Point(numbered(place), Outcome.FAILED)
    return Point(numbered(place), Outcome.SKIPPED if isnan(value) else Outcome.MEASURED, value)


def stored(
    values: Sequence[float | None], *, name: str = "b", counter: bool = False, better: Better = Better.LOWER,
    versions: Sequence[str] = (), start: int = 0, circumstances: Sequence[Circumstances] = (),
) -> StoredSeries:  # fmt: skip
    points = tuple(point(start + place, value) for place, value in enumerate(values))
    of = SeriesKey(name, (), "m", "e"), "calls" if counter else "seconds", better, counter
    return StoredSeries(*of, points, tuple(versions) or ("1",) * len(points), circumstances)


def sides(first: int, second: int) -> tuple[ComparedCommit, ComparedCommit]:
    return ComparedCommit("A", numbered(first).hash), ComparedCommit("B", numbered(second).hash)


def judge(series: StoredSeries, first: int, second: int) -> Judgement:
    (found,) = judgements([series], *sides(first, second))
    return found


def test_a_step_is_a_regression_with_its_interval():
    found = judge(stored([*STEADY, *(1.3 * value for value in STEADY)]), 19, 20)
    assert found.state is State.REGRESSION
    assert found.effect == pytest.approx(1.3 / 1.01 - 1)
    assert 0.2 < found.low < found.effect < found.high < 0.4
    assert found.p_value < 0.001
    assert (found.before, found.after, found.evidence) == (1.01, 1.3, 1)


def test_the_direction_says_what_is_better():
    step = [*STEADY, *(1.3 * value for value in STEADY)]
    assert judge(stored(step, better=Better.HIGHER), 19, 20).state is State.IMPROVEMENT
    assert judge(stored(step, better=Better.UNKNOWN), 19, 20).state is State.CHANGED
    assert judge(stored([24, 24, 24, 24, 48], counter=True, better=Better.UNKNOWN), 3, 4).state is State.CHANGED
    assert judge(stored(step), 20, 19).state is State.IMPROVEMENT


def test_noise_that_could_hide_a_change_is_undecided():
    noisy = [1.0, 1.1, 0.95, 1.05] * 5
    found = judge(stored(noisy), 9, 10)
    assert found.state is State.UNDECIDED
    assert found.reason.startswith("two runs of it differ by")


def test_one_stored_run_on_each_side_decides_nothing():
    found = judge(stored([1.0, 2.0]), 0, 1)
    assert found.state is State.UNDECIDED
    assert found.reason == (
        "one stored run on each side cannot tell a change from the noise between runs: 8 other runs would show the "
        "noise, and none are stored"
    )


def test_an_odd_run_is_undecided_and_says_why():
    found = judge(stored([*STEADY[:10], 1.5, *STEADY[11:]]), 9, 10)
    assert found.state is State.UNDECIDED
    assert "a single odd run" in found.reason


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([24, 24, 24, 24, 24], State.NO_CHANGE),
        ([24, 24, 24, 24, 48], State.REGRESSION),
        ([48, 48, 48, 48, 24], State.IMPROVEMENT),
        ([1000, 1000, 1000, 1000, 1001], State.NO_CHANGE),  # it did change, by less than matters
        ([0, 0, 0, 0, 3], State.REGRESSION),
        ([24, 48], State.UNDECIDED),
        ([24, 25, 23, 26, 48], State.UNDECIDED),
    ],
)
def test_a_counter_that_repeats_exactly_needs_no_statistics(values: list[float], state: State):
    found = judge(stored(values, counter=True), len(values) - 2, len(values) - 1)
    assert found.state is state
    assert isnan(found.low)


@pytest.mark.parametrize("value", [1.0, 0.0, -3.0])
def test_what_is_equal_in_all_runs_did_not_change(value: float):
    assert judge(stored([value] * 3), 0, 2).state is State.NO_CHANGE
    assert judge(stored([value] * 4, versions=["1", "2", "2", "2"]), 1, 3).state is State.NO_CHANGE
    assert judge(stored([value] * 2), 0, 1).state is State.UNDECIDED
    assert judge(stored([value] * 3 + [value + 1]), 0, 2).state is State.UNDECIDED


def test_a_time_is_never_exact():
    assert judge(stored([1.0, 1.0, 1.0, 1.0, 2.0]), 3, 4).state is State.UNDECIDED


@pytest.mark.parametrize(
    ("values", "state", "reason"),
    [
        ([1.0, FAILED], State.FAILED, "it failed in B, after 1.00 s in A"),
        ([FAILED, 1.0], State.SKIPPED, "it failed in A"),
        ([FAILED, FAILED], State.SKIPPED, "it failed in A"),
        ([1.0, SKIPPED], State.SKIPPED, "it was skipped in B"),
        ([SKIPPED, FAILED], State.SKIPPED, "it was skipped in A"),
        ([inf, FAILED], State.SKIPPED, "it gave no finite value in A"),
        ([1.0], State.SKIPPED, "not in B"),
        ([-1.0, 1.0], State.UNDECIDED, "a value is zero or negative, so noise is no share of it"),
    ],
)
def test_what_cannot_be_compared_says_why(values: list[float | None], state: State, reason: str):
    found = judge(stored(values), 0, 1)
    assert (found.state, found.reason) == (state, reason)


def test_only_in_the_contender():
    found = judge(stored([1.0], start=1), 0, 1)
    assert (found.state, found.reason) == (State.SKIPPED, "not in A")


def test_a_series_with_neither_is_left_out():
    assert judgements([stored([1.0])], *sides(5, 6)) == ()


def test_another_version_of_the_benchmark_is_another_benchmark():
    values = [*STEADY, *(1.3 * value for value in STEADY)]
    found = judge(stored(values, versions=["1"] * 20 + ["2"] * 20), 19, 20)
    assert (found.state, found.reason) == (State.UNDECIDED, "the two commits have different versions of the benchmark")
    # Runs of another version say nothing of the noise either.
    found = judge(stored(values, versions=["1"] * 15 + ["2"] * 25), 19, 20)
    assert found.state is State.REGRESSION
    assert judge(stored(values[:24], versions=["1"] * 18 + ["2"] * 6), 19, 20).state is State.UNDECIDED


def test_p_values_are_corrected_for_how_many_are_judged():
    values = [*STEADY[:19], 1.12, *(1.12 * value for value in STEADY)]
    alone = judge(stored(values), 18, 19)
    others = [stored(STEADY * 2, name=f"o{i}") for i in range(49)]
    assert judgements([stored(values), *others], *sides(18, 19))[0].p_value > alone.p_value


def test_identical_commits_are_hardly_ever_told_apart():
    """The whole of it is tools/compare_error_rates.py; 3 % normal noise with spikes, 1,200 comparisons."""
    rng = np.random.default_rng(7)
    claimed = 0
    for _ in range(60):
        noise = rng.normal(0, 0.03, (20, 30)) + 0.3 * (rng.random((20, 30)) < 0.05)
        series = [stored(np.exp(own).tolist(), name=f"b{i:02}") for i, own in enumerate(noise)]
        found = judgements(series, *sides(14, 15))
        claimed += sum(one.state in (State.REGRESSION, State.IMPROVEMENT) for one in found)
    assert claimed <= 12


def test_values_beyond_any_ratio_are_judged_too():
    """Of 1e300 beside 1e-300 no exponential is left to be said."""
    wild = [1e300 if place % 2 else 1e-300 for place in range(30)]
    found = judge(stored(wild), 10, 20)
    assert "without any change" in found.reason


OLD, NEW = [{"driver": "550"}], [{"driver": "570"}]
STEP = [*STEADY, *(1.3 * value for value in STEADY)]


@pytest.mark.parametrize("better", Better)
def test_what_came_with_another_driver_is_undecided(better: Better):
    found = judge(stored(STEP, better=better, circumstances=OLD * 20 + NEW * 20), 19, 20)
    assert found.state is State.UNDECIDED
    assert found.reason == "measured with driver 550 → 570: not the code's doing alone"
    assert found.effect == pytest.approx(1.3 / 1.01 - 1)
    assert [isnan(number) for number in (found.low, found.high, found.p_value)] == [True] * 3
    back = judge(stored(STEP, circumstances=OLD * 20 + NEW * 20), 20, 19)
    assert back.reason == "measured with driver 570 → 550: not the code's doing alone"


def test_a_counter_is_put_down_to_another_driver_too():
    counts = stored([24, 24, 24, 24, 48], counter=True, circumstances=OLD * 4 + NEW)
    assert judge(counts, 3, 4).state is State.UNDECIDED


def test_a_driver_that_other_runs_show_to_change_nothing_leaves_the_verdict():
    flips = (OLD + NEW) * 20  # run 19 has the new driver, run 20 the old one, like the processor of hosted runners
    assert judge(stored(STEP, circumstances=flips), 19, 20).state is State.REGRESSION
    assert judge(stored(STEP, circumstances=flips), 20, 19).state is State.IMPROVEMENT
    # Older commits that were measured with the new driver are as slow: the level goes with the driver.
    late = [*STEADY[:17], 1.3, 1.31, 1.0, *STEP[20:]]
    drivers = [*OLD * 17, *NEW * 2, *OLD, *NEW * 20]
    assert judge(stored(late, circumstances=drivers), 19, 20).reason.startswith("measured with driver 550 → 570")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"torch": "2.12"}, {"torch": "2.13"}),
        ({"python": "3.11"}, {"python": "3.12"}),
        ({"driver": "550"}, {"driver": "550"}),
        ({}, {"driver": "570"}),
    ],
)
def test_a_dependency_or_what_one_side_does_not_say_keeps_the_verdict(old: Circumstances, new: Circumstances):
    assert judge(stored(STEP, circumstances=[old] * 20 + [new] * 20), 19, 20).state is State.REGRESSION


@pytest.mark.parametrize("circumstances", [[], OLD * 10 + NEW * 10])
def test_a_steady_series_has_no_change_with_another_driver_or_the_same(circumstances: list[Circumstances]):
    assert judge(stored([1.000, 1.002] * 10, circumstances=circumstances), 9, 10).state is State.NO_CHANGE


def test_another_version_is_told_before_another_driver():
    found = judge(stored(STEP, versions=["1"] * 20 + ["2"] * 20, circumstances=OLD * 20 + NEW * 20), 19, 20)
    assert found.reason == "the two commits have different versions of the benchmark"


def test_a_report_s_series_are_put_down_to_circumstances_too():
    """The driver of each run is an index into a table, the number of calls a few places where it changes."""
    of, runs = (SeriesKey("m.time_b", (), "m", "e"), "seconds", Better.LOWER), columns(points(STEP))
    for index, numbers, reason in (
        ([0] * 20 + [1] * 20, (), "measured with driver 550 → 570: not the code's doing alone"),
        ([1] * 40, ((0, "9"), (20, "1")), "measured with calls per sample 9 → 1: not the code's doing alone"),
        ([1] * 40, ((0, "9"), (5, "1")), ""),
        ([0] * 20 + [2] * 20, (), ""),
    ):
        known = MeasuredWith(({"driver": "550"}, {"driver": "570"}, {}), np.array(index, np.uint8), numbers)
        series = series_of_points(*of, Points(replace(runs, measured_with=known)))
        assert judge(series, 19, 20).reason == reason
        assert (judge(series, 19, 20).state is State.UNDECIDED) is bool(reason)


def test_runs_that_are_not_comparable_are_of_no_version_that_another_has():
    """A report knows of a run only whether it is of the present version of its benchmark."""
    points = [replace(point(place, value), comparable=place not in (18, 19)) for place, value in enumerate(STEP)]
    series = series_of_points(SeriesKey("m.time_b", (), "m", "e"), "seconds", Better.LOWER, points)
    differs = "the two commits have different versions of the benchmark"
    assert [judge(series, first, second).reason for first, second in ((17, 19), (19, 20), (18, 19))] == [differs] * 3
    assert judge(series, 17, 20).state is State.REGRESSION
    assert not series.is_counter
