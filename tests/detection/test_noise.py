import math
from datetime import UTC, datetime

import numpy as np
import pytest

from tbp.detection.noise import noise_between, noise_within
from tbp.model.series import Commit, Outcome, Point
from tbp.statistics.robust import median

COMMIT = Commit("a" * 40, datetime(2026, 1, 1, tzinfo=UTC))


def points(*values_s: float, half_iqr: float = 0.01) -> list[Point]:
    return [Point(COMMIT, Outcome.MEASURED, v, v - half_iqr, v + half_iqr) for v in values_s]


def test_noise_within_is_iqr_over_median():
    assert noise_within(points(1.0, 2.0, 1.0)) == pytest.approx(0.02)


def test_noise_within_is_a_share_of_the_value():
    assert noise_within(points(4.0, 4.0, 4.0)) == pytest.approx(0.005)
    assert noise_within(points(-4.0)) == pytest.approx(0.005)


def test_noise_between_leaves_steps_out():
    # The deviations are 0, 2 and 2 % on both sides.
    assert noise_between(points(0.98, 1.0, 1.02, 1.96, 2.0, 2.04), [3]) == pytest.approx(1.4826 * 0.02)


def test_three_runs_are_enough_for_a_spread_the_first_of_them_too():
    assert noise_between(points(0.9, 1.0, 1.1), []) == pytest.approx(1.4826 * 0.1)


def test_what_was_not_measured_has_no_noise():
    failed = [Point(COMMIT, Outcome.FAILED)] * 4
    assert math.isnan(noise_within(failed))
    assert math.isnan(noise_between(failed, []))
    assert math.isnan(noise_between(points(1.0, 1.1), []))


@pytest.mark.parametrize("count", [1, 2, 3, 8, 99, 1000])
def test_the_median_is_numpy_s_to_the_last_digit(count: int):
    values = np.random.default_rng(count).lognormal(size=count)
    assert median(values) == float(np.median(values))
