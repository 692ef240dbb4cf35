"""A boundary between two segments: the tests of one step, apart from the search for it."""

import numpy as np
import pytest

from tbp.detection.boundaries import Boundary, NoiseModel
from tbp.detection.measured import measured
from tbp.detection.segmentation import huber_loss

WIDTH, SIGMA = 0.01, 0.1
NOISE = NoiseModel(WIDTH, SIGMA, huber_loss(WIDTH, SIGMA))


def boundary(before: float, after: float, runs: int = 10) -> Boundary:
    scaled = np.repeat([before, after], runs)
    return Boundary(measured(np.exp(scaled).tolist(), None), scaled, (0, runs, 2 * runs), NOISE)


@pytest.mark.parametrize("level", [-2.0, 0.0, 3.0])
def test_a_step_gains_the_same_at_every_level(level: float):
    assert boundary(level, level + 0.4).gain == pytest.approx(boundary(0.0, 0.4).gain)
    assert boundary(level, level).gain == 0


def test_a_larger_step_and_a_longer_segment_gain_more():
    assert boundary(0.0, 0.8).gain > boundary(0.0, 0.4).gain > 0
    assert boundary(0.0, 0.4, runs=20).gain == pytest.approx(2 * boundary(0.0, 0.4).gain)


def test_a_shift_in_sigmas_has_no_direction():
    assert boundary(0.0, 0.4).in_sigmas == pytest.approx(4)
    assert boundary(0.4, 0.0).in_sigmas == pytest.approx(4)
