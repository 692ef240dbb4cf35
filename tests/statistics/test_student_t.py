"""Student's t against scipy's."""

from __future__ import annotations

import pytest
from scipy import special, stats

from tbp.statistics.student_t import t_reach, two_sided_t

FREEDOMS = [1, 2, 3, 4, 4.5, 7, 7.5, 10, 161, 998, 1e4]


@pytest.mark.parametrize("freedom", FREEDOMS)
@pytest.mark.parametrize("score", [0.0, 1e-9, 0.3, -2.5, 6.0, 1e6])
def test_the_p_value_is_scipy_s(score: float, freedom: float):
    assert two_sided_t(score, freedom) == pytest.approx(2 * stats.t.sf(abs(score), freedom), rel=1e-9, abs=1e-290)


@pytest.mark.parametrize("freedom", FREEDOMS)
@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.9, 0.95, 0.99, 0.999999])
def test_the_reach_is_scipy_s(confidence: float, freedom: float):
    assert t_reach(confidence, freedom) == pytest.approx(special.stdtrit(freedom, 0.5 + confidence / 2), rel=1e-8)


def test_a_score_beyond_all_measure_is_certain():
    assert two_sided_t(-1e200, 3) == 0.0
