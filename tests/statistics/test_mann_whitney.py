"""Mann-Whitney against scipy's, and what scipy does not do."""

import math

import numpy as np
import pytest
from scipy import stats

from tbp.statistics.mann_whitney import rank_p_value, rank_score, ranked, tails


@pytest.mark.parametrize("decimals", [1, 2, 8])  # with many ties, few and none
def test_the_score_is_that_of_scipy_s_asymptotic_test(decimals: int):
    rng = np.random.default_rng(1)
    before, after = rng.normal(0, 1, 40).round(decimals), rng.normal(0.5, 1, 70).round(decimals)
    expected = stats.mannwhitneyu(before, after, method="asymptotic").pvalue
    assert math.erfc(rank_score(before, after) / math.sqrt(2)) == pytest.approx(expected)


def test_equal_values_say_nothing():
    assert rank_p_value(np.ones(30), np.ones(30)) == 1.0


def test_samples_that_do_not_overlap_are_judged_exactly_whatever_their_ties():
    assert rank_p_value(np.array([1.0] * 35), np.array([2.0] * 4)) == pytest.approx(2 / math.comb(39, 4))
    assert rank_p_value(np.array([2.0]), np.array([1.0])) == 1.0


def test_it_is_never_certain():
    assert rank_p_value(np.zeros(3000), np.ones(3000)) > 0


def test_correlated_neighbours_make_it_less_sure():
    before, after = np.arange(20.0), np.arange(20.0) + 8
    for test in (ranked(before, after), ranked(before, after + 50)):
        assert test.p_value() < test.p_value(1.5) < test.p_value(3.0)


@pytest.mark.parametrize(("first", "second"), [(1, 9), (2, 2), (3, 5), (3, 60), (8, 8), (7, 200), (30, 6), (9, 40)])
@pytest.mark.parametrize("shift", [0.0, 0.7, 1.5])
def test_samples_are_judged_exactly_up_to_eight_values_and_by_the_normal_distribution_beyond(
    first: int, second: int, shift: float
):
    rng = np.random.default_rng(first * second)
    for _ in range(5):
        before, after = rng.normal(0, 1, first), rng.normal(shift, 1, second)
        assert rank_p_value(before, after) == pytest.approx(stats.mannwhitneyu(before, after).pvalue, rel=1e-9)


def test_small_samples_with_ties_are_judged_as_scipy_does():
    before, after = np.array([1.0, 2.0, 2.0, 3.0, 9.0]), np.array([2.0, 3.0, 4.0, 4.0, 5.0, 6.0])
    assert rank_p_value(before, after) == pytest.approx(stats.mannwhitneyu(before, after).pvalue)


@pytest.mark.parametrize("larger", [8, 9, 300, 1_056, 1_058, 2_000], ids=lambda larger: f"8 against {larger}")
def test_arrangements_are_counted_exactly_also_beyond_64_bits(larger: int):
    counted = tails(8, larger)
    assert counted[:6] == (1, 2, 4, 7, 12, 19)  # sums of the partitions of 0, 1, 2 …
    assert len(counted) == 4 * larger + 1
    assert counted[-1] + counted[-2] == math.comb(8 + larger, 8)  # both halves, with the middle once
