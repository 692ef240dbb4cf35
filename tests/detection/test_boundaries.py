"""A boundary between two segments: the tests of one step, apart from the search for it."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from tbp.detection.boundaries import Boundary, NoiseModel
from tbp.detection.measured import measured
from tbp.detection.segmentation import huber_loss
from tbp.statistics.mann_whitney import two_sided
from tbp.system.arrays import Floats

WIDTH, SIGMA = 0.01, 0.1
NOISE = NoiseModel(WIDTH, SIGMA, huber_loss(WIDTH, SIGMA))


def boundary(before: float, after: float, runs: int = 10) -> Boundary:
    scaled = np.repeat([before, after], runs)
    return Boundary(measured(np.exp(scaled).tolist(), None), scaled, (0, runs, 2 * runs), NOISE)


@pytest.mark.parametrize("level", [-2.0, 0.0, 3.0])
def test_a_step_gains_the_same_at_every_level(level: float):
    assert boundary(level, level + 0.4).gain == pytest.approx(boundary(0.0, 0.4).gain)
    assert boundary(level, level).gain == 0


def test_no_step_is_not_relevant_however_little_would_be():
    assert not boundary(1.0, 1.0).is_relevant(0.0)
    assert boundary(1.0, 1.1).is_relevant(0.0)


def test_a_larger_step_and_a_longer_segment_gain_more():
    assert boundary(0.0, 0.8).gain > boundary(0.0, 0.4).gain > 0
    assert boundary(0.0, 0.4, runs=20).gain == pytest.approx(2 * boundary(0.0, 0.4).gain)


def test_a_shift_in_sigmas_has_no_direction():
    assert boundary(0.0, 0.4).in_sigmas == pytest.approx(4)
    assert boundary(0.4, 0.0).in_sigmas == pytest.approx(4)


FINE = NoiseModel(0.001, SIGMA, huber_loss(0.001, SIGMA))
WOBBLE = np.array([-0.04, 0.02, 0.01, -0.03, 0.05, 0.0, 0.03, -0.02, 0.04, -0.06])


def between(before: Sequence[float] | Floats, after: Sequence[float] | Floats) -> Boundary:
    scaled = np.array([*before, *after])
    series = measured(np.exp(scaled).tolist(), None)
    return Boundary(series, scaled, (0, len(before), len(scaled)), FINE)


@pytest.mark.parametrize(("runs", "inflation"), [(10, 1.0), (10, 1.5), (8, 1.0)])
def test_of_small_deviations_the_score_is_that_of_the_means(runs: int, inflation: float):
    """Of small deviations the loss is their square, so the score is the z test of means, which is surer than ranks."""
    before, after = WOBBLE[:runs], WOBBLE[:runs] + 0.06
    z = 0.06 / (np.concatenate([before, after]).var() * 2 / runs) ** 0.5
    chance = between(before, after).p_value(inflation, np.tile(before, 2))
    assert chance == pytest.approx(2 * two_sided(z / inflation), rel=0.01)


def test_of_seven_runs_a_side_there_is_no_score():
    """By means they would be sure to 0.016; the ranks, of which 41 of 49 pairs are in order, are not."""
    assert between(WOBBLE[:7], WOBBLE[:7] + 0.06).p_value(1.0, np.tile(WOBBLE[:7], 2)) > 0.02


def test_a_ramp_is_a_line_and_a_step_is_none():
    wobble = np.tile([0.003, -0.003], 10)
    ramp = 0.01 * np.arange(20) + wobble
    assert between(ramp[:10], ramp[10:]).is_line
    assert not between(wobble[:10], 0.1 + wobble[10:]).is_line


@pytest.mark.parametrize(("size", "is_line"), [(0.040, True), (0.045, False)])
def test_a_line_must_explain_more_than_a_step_by_two_nats(size: float, is_line: bool):
    """In this noise the ramp's likelihood gains 4.6 and 3.3, twice the logarithm; 4 is asked."""
    ramp = 0.01 * np.arange(20) + np.tile([size, -size], 10)
    assert between(ramp[:10], ramp[10:]).is_line is is_line


@pytest.mark.parametrize(("outliers", "is_line"), [(1, True), (2, False)])
def test_one_run_of_fifty_at_either_end_of_the_values_does_not_bend_a_ramp(outliers: int, is_line: bool):
    ramp = 0.01 * np.arange(60) + np.tile([0.03, -0.03], 30)
    ramp[[5, 12][:outliers]] += 2
    ramp[[54, 47][:outliers]] -= 2
    assert between(ramp[:30], ramp[30:]).is_line is is_line


# 122 runs, of which most are 0.1 away from their level.
POOL = np.concatenate([np.tile([-0.1, 0.1], 8), np.zeros(6), np.repeat([-0.1, 0.0], [60, 40])])


def test_a_shift_within_the_doubt_of_its_neighbour_s_level_is_no_evidence():
    # Two standard errors of a median of 16 runs with this spread: 2 · 1.25 · 1.4826 · 0.1 / √16 = 0.093.
    level = np.tile([-0.1, 0.1], 8)
    assert between(level, [0.092] * 6).p_value(1.0, POOL) > 1
    # Six draws beyond 116 of the pool, and 0.4 − 0.0927 is 3.07 times as far out: twice, for the two tests that count,
    # times two directions, two ends and three shares of the six.
    chance = 2 * 12 / math.comb(122, 6) / 3.0734**2
    assert between(level, [0.4] * 6).p_value(1.0, POOL) == pytest.approx(chance, rel=1e-3)


def test_a_run_out_of_line_hides_no_step():
    level, step = np.tile([-0.1, 0.1], 8), [0.4, 0.4, 0.4, 0.4, 0.4, -0.05]
    assert between(level, step).p_value(1.0, POOL) < 1e-6
