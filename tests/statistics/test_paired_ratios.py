"""Blocks, rounds, pairs and what several pairs say together: literals in, literals out."""

import math

import pytest

from tbp.statistics.paired_ratios import Block, Pair, Round, estimate


def block(*wall_s: float, cpu_share: float = 1.0, switches: tuple[int, ...] = ()) -> Block:
    return Block(wall_s, tuple(cpu_share * value for value in wall_s), switches or (0,) * len(wall_s))


def test_an_interrupted_sample_is_set_aside():
    own = block(1.0, 9.0, 2.0, 3.0, switches=(0, 1, 0, 0))
    assert own.clean == (0, 2, 3)
    assert own.level_s == 2.0
    assert own.cpu_level_s == 2.0
    assert not own.is_contaminated


def test_half_of_the_samples_clean_is_enough():
    own = block(1.0, 9.0, switches=(0, 1))
    assert (own.clean, own.is_contaminated) == ((0,), False)


def test_where_most_are_interrupted_all_are_used():
    own = block(1.0, 9.0, 8.0, switches=(0, 1, 2))
    assert own.clean == (0, 1, 2)
    assert own.level_s == 8.0
    assert own.is_contaminated


def test_a_drift_that_is_linear_cancels_in_a_round():
    """In the order base, head, head, base each turn takes 10 % longer than the one before, and nothing else differs."""
    times_s = [1.1**turn for turn in range(4)]
    base, head = (block(times_s[0]), block(times_s[3])), (block(times_s[1]), block(times_s[2]))
    assert Round(base, head).effect() == pytest.approx(0.0, abs=1e-12)


def test_the_effect_of_a_round_is_a_logarithm():
    one = Round((block(1.0), block(4.0)), (block(1.1), block(4.4)))
    assert one.effect() == pytest.approx(math.log(1.1))
    assert one.cpu_effect() == pytest.approx(math.log(1.1))


def test_no_cpu_time_has_no_effect():
    assert math.isnan(Round((block(1.0), block(1.0)), (block(1.0), block(1.0, cpu_share=0.0))).cpu_effect())


def rounds(head_s: float, cpu_share: float = 1.0, count: int = 3) -> list[Round]:
    base = block(1.0, cpu_share=cpu_share)
    head = block(head_s, cpu_share=cpu_share)
    return [Round((base, base), (head, head))] * count


def test_a_pair_is_the_median_of_its_rounds():
    pair = Pair.of([*rounds(1.2), *rounds(9.0, count=2)])
    assert pair.effect == pytest.approx(math.log(1.2))
    assert pair.cpu_effect == pytest.approx(math.log(1.2))
    assert (pair.base_s, pair.head_s, pair.contaminated) == (1.0, 1.2, 0.0)


def test_cpu_time_is_no_witness_for_a_step_that_waits():
    assert math.isnan(Pair.of(rounds(1.2, cpu_share=0.5)).cpu_effect)
    assert math.isnan(Pair.of(rounds(1.2, cpu_share=0.0)).cpu_effect)


@pytest.mark.parametrize("step_s", [0.001, 1.0, 4.0])
def test_a_witness_computes_for_most_of_a_step_however_long_that_is(step_s: float):
    computing, waiting = (block(step_s, cpu_share=share) for share in (0.9, 0.5))
    assert Pair.of([Round((computing, computing), (computing, computing))]).cpu_effect == 0
    assert math.isnan(Pair.of([Round((waiting, waiting), (waiting, waiting))]).cpu_effect)


def test_two_threads_use_more_cpu_time_than_wall_time_and_bear_witness():
    assert Pair.of(rounds(1.2, cpu_share=2.0)).cpu_effect == pytest.approx(math.log(1.2))


def test_a_pair_knows_the_share_of_its_contaminated_blocks():
    clean, hit = block(1.0), block(1.0, switches=(1,))
    assert Pair.of([Round((clean, hit), (clean, clean))]).contaminated == 0.25


# Several pairs


def test_few_effects_are_averaged():
    seen = estimate([0.01, 0.02, 0.03, 0.06])
    assert (seen.pairs, seen.freedom) == (4, 3)
    assert seen.effect == pytest.approx(0.03)
    assert seen.error == pytest.approx(0.0216025 / 2, rel=1e-5)  # standard deviation ÷ √4


def test_from_seven_on_one_is_cut_from_each_end():
    seen = estimate([-9.0, 0.01, 0.02, 0.03, 0.04, 0.05, 9.0])
    assert seen.effect == pytest.approx(0.03)
    assert seen.freedom == 4


def test_one_wild_pair_of_twelve_moves_nothing_much():
    calm = [0.050, 0.052, 0.048, 0.051, 0.049, 0.050, 0.053, 0.047, 0.050, 0.051, 0.049]
    without, with_wild = estimate([*calm, 0.050]), estimate([*calm, 0.9])
    assert with_wild.effect == pytest.approx(without.effect, abs=0.0005)
    assert with_wild.error < 1.5 * without.error


def test_the_interval_is_students():
    """By hand: mean 0.03, error 0.0108012, t of 3 degrees at 99 % is 5.8409."""
    low, high = estimate([0.01, 0.02, 0.03, 0.06]).interval(0.99)
    assert low == pytest.approx(0.03 - 5.8409 * 0.0108012, abs=1e-5)
    assert high == pytest.approx(0.03 + 5.8409 * 0.0108012, abs=1e-5)


def test_the_p_value_is_two_sided_and_its_interval_ends_at_nothing():
    """An interval of confidence 1 − p has one end at an effect of 0, whichever the sign."""
    for effects in ([0.01, 0.02, 0.03, 0.06], [-0.01, -0.02, -0.03, -0.06]):
        seen = estimate(effects)
        assert seen.p_value == pytest.approx(0.0692, abs=1e-3)
        assert min(map(abs, seen.interval(1 - seen.p_value))) == pytest.approx(0.0, abs=1e-12)


def test_pairs_without_any_spread():
    assert estimate([0.0, 0.0]).p_value == 1.0
    assert estimate([0.1, 0.1]).p_value == 0.0
    assert estimate([0.1, 0.1]).interval(0.99) == (0.1, 0.1)


@pytest.mark.parametrize("effects", [[], [0.1]])
def test_one_pair_says_nothing_of_its_spread(effects: list[float]):
    with pytest.raises(ValueError, match=f"{len(effects)} pairs say nothing of their spread; measure at least two"):
        estimate(effects)
