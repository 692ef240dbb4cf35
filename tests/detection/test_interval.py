import math
import random
from datetime import UTC, datetime
from statistics import median

import pytest

from tbp.detection.interval import with_interval
from tbp.model.changes import Change
from tbp.model.series import Commit, Outcome, Point

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def points(values, sessions=None):
    own = sessions or [()] * len(values)
    return [
        Point(Commit(str(place), NOW), Outcome.MEASURED, value, sessions=tuple(medians))
        for place, (value, medians) in enumerate(zip(values, own, strict=True))
    ]


def interval(before, after, sessions=None, p_value=0.001):
    change = Change(len(before), median(before), median(after), p_value, True)
    found = with_interval(change, (0, len(before) + len(after)), points([*before, *after], sessions))
    return found.low, found.high


def test_five_runs_against_five_reach_from_the_extreme_differences() -> None:
    # 2 / C(10, 5) is 0.8 %: only the smallest and the largest of the 25 differences are as sure as 99 %.
    low, high = interval([100, 101, 102, 103, 104], [120, 121, 122, 123, 124])
    assert low == pytest.approx(120 / 104 - 1)
    assert high == pytest.approx(124 / 100 - 1)


def test_the_sixth_rank_of_eight_against_eight() -> None:
    # Mann-Whitney's lower critical value for 8 and 8 at 0.005 is 7 (Milton, JASA 59, 1964), so the bounds are the
    # eighth smallest and largest difference.
    before, after = [1.0 + 0.01 * place for place in range(8)], [2.0 + 0.013 * place for place in range(8)]
    ratios = sorted(b / a for a in before for b in after)
    assert interval(before, after) == pytest.approx((ratios[7] - 1, ratios[-8] - 1))


def test_the_179th_rank_of_25_against_25() -> None:
    # 625 / 2 − 2.5758 · √(625 · 51 / 12) is 179.7: so many differences are left out at both ends.
    before = [1.0 + 0.001 * ((place * 12) % 25) for place in range(25)]
    after = [1.2 + 0.0013 * ((place * 12) % 25) for place in range(25)]
    ratios = sorted(b / a for a in before for b in after)
    assert interval(before, after) == pytest.approx((ratios[178] - 1, ratios[-179] - 1), rel=1e-9)


def test_one_run_against_many_is_judged_by_the_spread_of_the_many() -> None:
    low, high = interval([1.0, 1.02, 0.98, 1.01, 0.99, 1.0], [1.3])
    assert 0.2 < low < 0.3 < high < 0.4


def test_processes_that_disagree_widen_it() -> None:
    before, after = [1.0, 1.001, 0.999, 1.0], [1.3]
    calm = interval(before, after, [[value] * 3 for value in (*before, *after)])
    wild = interval(before, after, [[value, value * 1.1, value * 0.9] for value in (*before, *after)])
    assert wild[0] < calm[0] < 0.3 < calm[1] < wild[1]


def test_processes_of_a_run_tell_its_error_where_the_runs_agree() -> None:
    # Medians of three processes of sigma 0.1: 1.25 · 0.1 / √3, and √(1/4 + 1) of that; t of 3 degrees at 99 % is 5.841.
    processes = [math.exp(-0.1), 1.0, math.exp(0.1)]
    low, high = interval(
        [1.0] * 4, [1.3], [[level * each for each in processes] for level in (1.0, 1.0, 1.0, 1.0, 1.3)]
    )
    reach = 5.8409 * 1.25 * 0.1 / math.sqrt(3) * math.sqrt(1.25)
    assert (low, high) == pytest.approx((1.3 * math.exp(-reach) - 1, 1.3 * math.exp(reach) - 1), abs=1e-4)


def test_a_counter_is_exact() -> None:
    assert interval([4, 4, 4], [5, 5], p_value=0.0) == (pytest.approx(0.25), pytest.approx(0.25))


def test_one_run_against_one_says_nothing_of_the_margin() -> None:
    assert all(math.isnan(bound) for bound in interval([1.0], [1.3]))


def test_from_zero_there_is_no_relative_effect() -> None:
    assert all(math.isnan(bound) for bound in interval([0.0, 0.0, 0.0], [3.0, 3.0, 3.0]))


def test_a_negative_level_keeps_the_direction() -> None:
    low, high = interval([-10.0, -10.1, -9.9, -10.05, -9.95], [-8.0, -8.1, -7.9, -8.05, -7.95])
    assert 0.1 < low < 0.2 < high < 0.3


def test_it_holds_the_effect_shown() -> None:
    chance = random.Random(4)
    for _ in range(50):
        before = [chance.choice((1.0, 1.5)) * chance.uniform(0.99, 1.01) for _ in range(9)]
        after = [chance.choice((1.0, 1.5)) * chance.uniform(0.99, 1.01) for _ in range(9)]
        low, high = interval(before, after)
        assert low <= median(after) / median(before) - 1 <= high


def test_runs_of_another_version_and_without_a_value_are_passed_over() -> None:
    plain = points([1.0, 1.01, 0.99, 1.0, 1.02, 1.3, 1.31, 1.29, 1.3, 1.32])
    other = Point(Commit("x", NOW), Outcome.MEASURED, 9.0, comparable=False)
    failed = Point(Commit("y", NOW), Outcome.FAILED)
    change = Change(5, 1.0, 1.3, 0.001, True)
    known = with_interval(change, (0, 10), plain)
    shifted = with_interval(Change(7, 1.0, 1.3, 0.001, True), (0, 12), [other, failed, *plain])
    assert (shifted.low, shifted.high) == (known.low, known.high)


@pytest.mark.parametrize(("runs", "sessions"), [((10, 10), 0), ((5, 2), 3)])
def test_it_holds_the_truth_as_often_as_it_says(runs, sessions) -> None:
    """300 series of 3 % noise and a step of 10 %; tools/interval_coverage.py has more, and other noise."""
    chance, held = random.Random(2), 0
    for _ in range(300):
        levels = [math.exp((0.1 if place >= runs[0] else 0) + chance.gauss(0, 0.03)) for place in range(sum(runs))]
        own = [[level * math.exp(chance.gauss(0, 0.03)) for _ in range(sessions)] for level in levels]
        values = [median(medians) if medians else level for medians, level in zip(own, levels, strict=True)]
        low, high = interval(values[: runs[0]], values[runs[0] :], own)
        held += low <= math.expm1(0.1) <= high
    assert held >= 0.97 * 300
