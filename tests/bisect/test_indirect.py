"""The effect of a commit on the one before it, by pairs of both against others."""

from collections.abc import Sequence
from math import exp, inf, nan

import pytest

from tbp.bisect.indirect import IndirectEffect, Leg, indirect, pairs_needed, way
from tbp.model.changes import State
from tbp.statistics.paired_ratios import Pair
from tbp.turns.evidence import Limits

TEN = 0.10  # as a log


def leg(base: int, head: int, effects: Sequence[float], cpu: float | None = None) -> Leg:
    return Leg(base, head, [Pair(e, nan if cpu is None else cpu, 1.0, exp(e)) for e in effects])


PARENT = leg(0, 7, [-0.01, 0.0, 0.01] * 2)
CULPRIT = leg(0, 8, [0.09, 0.10, 0.11] * 2)


def of(*legs: Leg, base: int = 7, head: int = 8, noise: float = 0.01, suspects: int = 5) -> IndirectEffect:
    seen = indirect(legs, base, head, noise, suspects)
    assert seen is not None
    return seen


def test_two_effects_against_good_give_their_difference():
    seen = of(PARENT, CULPRIT)
    assert seen.effect == pytest.approx(TEN)
    # Of a pair (6 · 0.01² + 5 · 8e-5) / 11; √(2/6) of that for 22 degrees of freedom at 99.8 %: 0.00550 · 3.505.
    assert (seen.low, seen.high) == pytest.approx((0.0807, 0.1193), abs=1e-4)
    assert seen.against == ((0, 12),)
    assert seen.confirms(TEN, Limits())


def test_a_parent_that_is_known_by_the_commit_before_it_takes_three_effects():
    legs = [leg(0, 6, [0.01, 0.0, -0.01] * 2), leg(6, 7, [0.0, 0.01, -0.01] * 2), CULPRIT]
    seen = of(*legs)
    assert seen.effect == pytest.approx(TEN)
    assert dict(seen.against) == {0: 12, 6: 6}
    assert seen.high - seen.effect > of(PARENT, CULPRIT).high - TEN


def test_a_leg_may_be_gone_against_its_direction():
    assert [sign for sign, _ in way([leg(6, 8, [0.1] * 6), leg(7, 8, [0.0] * 6)], 6, 7)] == [1.0, -1.0]
    assert of(leg(6, 8, [0.1] * 6), leg(7, 8, [0.02] * 6), base=6, head=7).effect == pytest.approx(0.08)


def test_commits_that_no_pairs_connect_have_no_effect():
    assert indirect([PARENT], 7, 8, 0.01, 5) is None
    assert indirect([PARENT, leg(0, 8, [0.1] * 5)], 7, 8, 0.01, 5) is None


def test_the_noise_of_the_search_and_the_number_of_suspects_widen_the_interval():
    assert not of(PARENT, CULPRIT, noise=0.06).confirms(TEN, Limits())
    assert of(PARENT, CULPRIT, suspects=1).low > of(PARENT, CULPRIT, suspects=10).low


def test_a_step_in_the_other_direction_confirms_nothing():
    assert not of(PARENT, CULPRIT).confirms(-TEN, Limits())
    faster = leg(0, 8, [-0.09, -0.10, -0.11] * 2)
    assert of(PARENT, faster).confirms(-TEN, Limits())


@pytest.mark.parametrize(("cpu", "is_confirmed"), [(0.10, True), (0.06, True), (0.0, False), (-0.1, False)])
def test_cpu_time_must_bear_witness(cpu: float, is_confirmed: bool):
    legs = (leg(0, 7, [-0.01, 0.0, 0.01] * 2, cpu=0.0), leg(0, 8, [0.09, 0.10, 0.11] * 2, cpu=cpu))
    assert of(*legs).confirms(TEN, Limits()) is is_confirmed


def test_a_judgement_has_the_time_of_the_parent_beside_the_culprit():
    judgement = of(PARENT, CULPRIT).judged("time_x", ())
    assert (judgement.state, judgement.evidence) == (State.REGRESSION, 12)
    assert judgement.after / judgement.before == pytest.approx(exp(TEN))


def test_pairs_that_one_more_leg_needs():
    assert pairs_needed(TEN, 0.01, Limits(), 5, [6]) == 6
    assert 6 < pairs_needed(TEN, 0.035, Limits(), 5, [6]) < 24
    assert pairs_needed(TEN, 0.05, Limits(), 5, [6]) == inf
    assert 6 < pairs_needed(TEN, 0.05, Limits(), 5, [24]) < 24
    assert pairs_needed(0.01, 0.01, Limits(), 5, []) == inf
