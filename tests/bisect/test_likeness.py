"""A probe of few pairs: like the good end, like the bad end, or not yet known."""

from math import log1p

import pytest

from tbp.bisect.likeness import Likeness, likeness, noise, probe_error

TEN = log1p(0.10)
ERROR = 0.001


def of(*effects: float, bad: float = TEN, good: float = 0.0, usual_noise: float = 0.01, most: int = 24) -> Likeness:
    return likeness(effects, good, bad, usual_noise, ERROR, most)


LIKE_GOOD = (0.001, -0.004, 0.006, 0.0, -0.003, 0.002)
LIKE_BAD = (0.096, 0.101, 0.090, 0.095, 0.099, 0.093)


def test_six_pairs_at_a_level_are_enough_on_a_quiet_machine():
    assert of(*LIKE_GOOD) is Likeness.GOOD
    assert of(*LIKE_BAD) is Likeness.BAD


def test_five_pairs_decide_nothing():
    assert of(*[0.0] * 5) is Likeness.OPEN


def test_an_improvement_is_told_apart_as_a_slowdown_is():
    assert of(*[-effect for effect in LIKE_BAD], bad=-TEN) is Likeness.BAD
    assert of(*LIKE_GOOD, bad=-TEN) is Likeness.GOOD


def test_the_noise_of_the_search_makes_a_probe_wait_for_more_pairs():
    assert of(*LIKE_BAD, usual_noise=0.01) is Likeness.BAD
    assert of(*LIKE_BAD, usual_noise=0.09) is Likeness.OPEN
    assert of(*LIKE_BAD * 4, usual_noise=0.09) is Likeness.BAD


def test_two_wild_pairs_of_six_decide_nothing():
    assert of(0.0, 0.0, 0.0, 0.0, 0.15, 0.15) is Likeness.OPEN


def test_in_the_middle_of_the_ends_a_probe_stays_open_until_the_pairs_are_used_up():
    effects = [0.03, 0.065] * 5
    assert of(*effects) is Likeness.OPEN
    assert of(*effects, most=10) is Likeness.UNDECIDED


def test_a_level_between_the_ends_is_taken_for_the_nearer_one():
    """Two steps on the way: the larger one is on the other side."""
    assert of(*[0.035, 0.045] * 6, usual_noise=0.05) is Likeness.GOOD
    assert of(*[0.055, 0.065] * 6, usual_noise=0.05) is Likeness.BAD


def test_the_levels_of_a_bracket_may_both_be_others():
    assert of(*[0.051, 0.049, 0.050] * 2, good=0.05, bad=0.15) is Likeness.GOOD


def test_the_noise_is_that_within_comparisons_not_between_them():
    quiet = [[0.099, 0.101], [-0.001, 0.001], [0.049, 0.051]]
    assert noise(quiet) < 0.004
    assert noise([[0.05, 0.15], [-0.05, 0.05], [0.0, 0.1]]) > 0.04


def test_a_wild_pair_hardly_counts_in_the_noise():
    calm = [[-0.01, 0.0, 0.01, 0.005, -0.005]] * 4
    assert noise([*calm[:3], [-0.01, 0.0, 0.01, 0.005, 0.30]]) < 3 * noise(calm)


def test_the_error_is_shared_out_to_the_probes():
    assert probe_error(32) == pytest.approx(0.001)
    assert probe_error(1) == 0.005
