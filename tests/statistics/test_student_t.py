"""Student's t against published tables."""

import numpy as np
import pytest
from scipy import stats

from tbp.statistics.student_t import t_reach, two_sided_t, welch_freedom


@pytest.mark.parametrize(("confidence", "freedom", "reach"), [(0.99, 8, 3.3554), (0.95, 2, 4.3027)])
def test_the_reach_is_that_of_the_tables_and_its_p_value_is_what_is_left(
    confidence: float, freedom: float, reach: float
):
    assert t_reach(confidence, freedom) == pytest.approx(reach, abs=5e-5)
    assert two_sided_t(-reach, freedom) == pytest.approx(1 - confidence, rel=1e-4)


def test_a_score_of_nothing_is_chance_and_beyond_all_measure_is_certain():
    assert two_sided_t(0.0, 3) == 1.0
    assert two_sided_t(-1e200, 3) == 0.0


@pytest.mark.parametrize("scale", [1.0, 1e-90])
def test_the_freedom_of_two_samples_is_scipys(scale: float):
    dice = np.random.default_rng(3)
    samples = [dice.normal(0, scale, 4), dice.normal(0, 5 * scale, 7)]
    freedom = welch_freedom([each.var(ddof=1) / len(each) for each in samples], [3, 6])
    assert freedom == pytest.approx(stats.ttest_ind(*(each / scale for each in samples), equal_var=False).df)
