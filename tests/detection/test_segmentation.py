"""The costs of deviations, and the cheapest segmentation against all others of a short series."""

import math
from itertools import chain, combinations, pairwise

import numpy as np
import pytest

from tbp.detection.segmentation import SegmentationTask, density_loss, huber_loss, segmentations


def test_huber_s_loss_is_a_square_up_to_1_345_sigmas_and_a_line_beyond():
    cost = huber_loss(0.1, 0.5)(20)  # a fifth of a sigma a bin
    assert cost[20] == 0
    assert cost[20 + 6] == pytest.approx(1.2**2 / 2)
    assert cost[20 + 10] == cost[20 - 10] == pytest.approx(1.345 * 2 - 1.345**2 / 2)
    assert cost[-1] - cost[-2] == pytest.approx(1.345 / 5)


RESIDUALS = np.linspace(-1, 1, 21)  # half of them lie within 1.0, as of normal noise of 0.7413
SIGMA = 1.0 / 1.349


def test_a_density_has_the_sum_of_one():
    cost = density_loss(RESIDUALS, 0.05, 0.01)(4000)
    assert float(np.exp(-cost).sum()) == pytest.approx(1, abs=0.001)  # 0.05 · 2/π · 3σ/200 is beyond


def test_a_deviation_never_seen_costs_what_a_wide_cauchy_distribution_says():
    cost = density_loss(RESIDUALS, 0.05, 0.01)(2000)
    away = 100 / (3 * SIGMA)
    density = 0.05 * 0.05 / (math.pi * 3 * SIGMA) / (1 + away**2)
    assert cost[0] == cost[-1] == pytest.approx(-math.log(density))


def test_values_that_repeat_have_the_least_noise_that_is_asked_for():
    """Twenty deviations of 0: the density is the kernel itself, normal with a sigma of 1.38 / 20^0.2 of the least."""
    cost, kernel_sigma = density_loss(np.zeros(20), 0.01, 0.5)(0), 1.38 * 0.5 / 20**0.2
    density = 0.95 * 0.01 / (kernel_sigma * math.sqrt(2 * math.pi)) + 0.05 * 0.01 / (math.pi * 1.5)
    assert cost[0] == pytest.approx(-math.log(density), abs=1e-3)


def test_a_second_mode_does_not_blur_the_first():
    """The scale is that of the denser half, so nine values beside twelve leave the kernel as narrow."""
    one_mode = np.linspace(-0.1, 0.1, 12)
    cost = density_loss(np.concatenate([one_mode, one_mode[:9] + 5]), 0.01, 0.001)(600)
    between, near = cost[600 + 250], cost[600]
    assert between - near > 5


def test_the_cheapest_segmentation_is_the_cheapest_of_all():
    values = np.array([0.0, 1.0, 0.0, 0.0, 4.0, 5.0, 4.0, 4.0, 1.0, 1.0])
    loss, penalty = huber_loss(1.0, 1.0), 1.5

    def cost(edges: tuple[int, ...]) -> float:
        segments = [values[a:b] for a, b in pairwise((0, *edges, len(values)))]
        levels = [min(float(loss(9)[(part - level).astype(int) + 9].sum()) for level in values) for part in segments]
        return sum(levels) + penalty * len(edges)

    every = chain.from_iterable(combinations(range(1, len(values)), count) for count in range(len(values)))
    best = min(every, key=cost)
    (found,) = segmentations([SegmentationTask(values, 1.0, loss, penalty)])
    assert (found.boundaries, found.cost) == (best, pytest.approx(cost(best)))
    assert best == (4, 8)
