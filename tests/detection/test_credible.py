"""The runs at which a step may be, in literal series; ``tools/sure_places.py`` counts over thousands."""

import numpy as np
import pytest

from tbp.detection.credible import credible_runs

OLD, NEW = [1.0, 1.02, 0.98, 1.01, 0.99, 1.0], [1.04, 1.06, 1.02, 1.05, 1.03, 1.04]
"""Levels three noises apart."""


def test_a_small_step_may_be_at_its_neighbours():
    first, last = credible_runs(np.array([*OLD, 1.02, *NEW]), 7)
    assert (first, last) == (5, 7), "the run halfway between the levels may be of either"


@pytest.mark.parametrize("factor", [1.2, 0.8])
def test_a_large_step_is_at_its_run(factor: float):
    values = np.array([*OLD, *(factor * run for run in OLD)])
    assert credible_runs(values, 6) == (6, 6)
    assert credible_runs(-values, 6) == (6, 6), "values that have no logarithm, too"


def test_a_run_out_of_line_says_nothing_of_the_place():
    calm = credible_runs(np.array([*OLD, *OLD, *NEW, *NEW]), 12)
    spike = credible_runs(np.array([*OLD, 9.0, *OLD, *NEW, *NEW]), 13)
    assert spike[0] >= calm[0], "nor does it make every place possible"


def test_without_noise_or_with_two_runs_there_is_one_place():
    assert credible_runs(np.array([1.0, 1.0, 2.0, 2.0]), 2) == (2, 2)
    assert credible_runs(np.array([1.0, 2.0]), 1) == (1, 1)


def test_where_all_runs_are_noise_every_place_is_possible():
    first, last = credible_runs(np.array([1.0, 1.01] * 8), 8)
    assert last - first > 10
