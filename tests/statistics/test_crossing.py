import math

import pytest

from tbp.statistics.crossing import RatioAtSize, crossing


def exact(size: float, ratio: float) -> RatioAtSize:
    return RatioAtSize(size, ratio, ratio, ratio)


def noisy(size: float, ratio: float, spread: float) -> RatioAtSize:
    return RatioAtSize(size, ratio, ratio / spread, ratio * spread)


def test_the_crossing_of_a_power_law_is_met_from_any_two_sizes():
    # 100 ÷ size: 1 at 100.
    for sizes in ((32.0, 1024.0), (64.0, 128.0)):
        met = crossing([exact(size, 100 / size) for size in sizes])
        assert (met.size, met.smallest, met.largest) == (pytest.approx(100.0), *sizes)
        assert met.is_below_after


def test_a_limit_that_is_claimed_is_crossed_later():
    # Twice as fast is half of the time: 100 ÷ size is .5 at 200.
    met = crossing([exact(64.0, 100 / 64), exact(512.0, 100 / 512)], limit=0.5)
    assert met.size == pytest.approx(200.0)


def test_what_pays_at_small_sizes_only_is_above_after_the_crossing():
    met = crossing([exact(4.0, 2.0), exact(1.0, 0.5)])
    assert (met.size, met.is_below_after) == (pytest.approx(2.0), False)


def test_undecided_sizes_widen_the_bounds_and_not_the_estimate():
    ratios = [exact(64.0, 2.0), noisy(128.0, 1.1, 1.2), noisy(256.0, 0.95, 1.2), exact(512.0, 0.5)]
    met = crossing(ratios)
    assert (met.smallest, met.largest) == (64.0, 512.0)
    share = math.log(1.1) / math.log(1.1 / 0.95)
    assert met.size == pytest.approx(128 * 2**share)


def test_of_three_passages_within_the_noise_the_middle_one_counts():
    ratios = [exact(1.0, 2.0), noisy(4.0, 0.9, 1.5), noisy(16.0, 1 / 0.9, 1.5), exact(64.0, 0.5)]
    assert crossing(ratios).size == pytest.approx(8.0)


@pytest.mark.parametrize(
    "ratios",
    [
        [],
        [exact(64.0, 2.0)],
        [exact(64.0, 0.5), exact(128.0, 0.4)],  # pays everywhere
        [exact(64.0, 1.0), exact(128.0, 0.4)],  # just the limit is no side
        [exact(64.0, 2.0), exact(128.0, 0.5), exact(256.0, 2.0)],  # twice
        [noisy(64.0, 1.1, 1.2), exact(128.0, 0.5)],  # whether it costs at 64 is not known
        [RatioAtSize(64.0, 2.0, math.nan, math.nan), exact(128.0, 0.5)],  # of one process
        [exact(64.0, 2.0), exact(64.0, 0.5), exact(128.0, 2.0)],  # both at one size
        [exact(0.0, 2.0), exact(-1.0, 2.0), exact(math.inf, 0.5), exact(4.0, 0.5)],
    ],
)
def test_without_one_sure_crossing_there_is_none(ratios: list[RatioAtSize]):
    assert crossing(ratios) is None
