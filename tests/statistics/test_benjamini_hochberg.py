"""Benjamini and Hochberg's correction against literals and scipy's."""

import pytest
from scipy import stats

from tbp.statistics.benjamini_hochberg import benjamini_hochberg


def test_the_correction_is_scipy_s():
    p_values = [0.01, 0.5, 0.01, 1.0, 1e-300, 0.2, 0.04]
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values).tolist())


def test_p_values_are_corrected_for_how_many_were_looked_at():
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert benjamini_hochberg([0.02]) == [0.02]
    assert benjamini_hochberg([]) == []
