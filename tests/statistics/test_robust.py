"""Quantiles of literal numbers."""

import numpy as np
import pytest

from tbp.statistics.robust import quantile


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (0.2, 0.4), (0.5, 1), (0.6, 2.8), (0.9, 8.2), (1, 10)])
def test_a_quantile_lies_in_proportion_between_two_numbers(share: float, expected: float):
    assert quantile(np.array([0.0, 1.0, 10.0]), share) == pytest.approx(expected)
