import math

import pytest

from tbp.statistics.power_law import growth, numeric

NAN = math.nan


def test_a_square_has_exponent_two_for_sure():
    found = growth([1.0, 2.0, 4.0, 8.0], [3.0, 12.0, 48.0, 192.0])
    assert found.exponent == pytest.approx(2.0)
    assert (found.low, found.high) == (pytest.approx(2.0), pytest.approx(2.0))
    assert (found.sizes, found.smallest, found.largest, found.ratio) == (4, 1.0, pytest.approx(8.0), pytest.approx(64))


def test_noise_makes_an_interval_that_student_would_give():
    # ln y = (0, 1.1, 1.9, 3.1) over ln x = (0, 1, 2, 3): slope 1.01, s² = 0.0254/…, t(0.975, 2) = 4.303.
    found = growth([math.exp(i) for i in range(4)], [math.exp(one) for one in (0.0, 1.1, 1.9, 3.1)])
    assert found.exponent == pytest.approx(1.01)
    residuals = [y - (1.525 + 1.01 * (x - 1.5)) for x, y in enumerate((0.0, 1.1, 1.9, 3.1))]
    error = math.sqrt(sum(one**2 for one in residuals) / 2 / 5)
    assert found.high - found.exponent == pytest.approx(4.302653 * error)
    assert found.exponent - found.low == pytest.approx(4.302653 * error)


def test_three_sizes_have_a_wide_interval():
    # ln y = (0, 1.1, 1.9) over ln x = (0, 1, 2): slope 0.95, residuals −0.05, 0.1 and −0.05, t(0.975, 1) = 12.706.
    found = growth([math.exp(i) for i in range(3)], [math.exp(one) for one in (0.0, 1.1, 1.9)])
    assert found.exponent == pytest.approx(0.95)
    assert found.high - found.low == pytest.approx(2 * 12.7062 * math.sqrt(0.015 / 1 / 2), rel=1e-5)


def test_a_fixed_cost_makes_the_last_exponent_the_larger_one_and_no_power_law():
    sizes = [2.0**i for i in range(5, 13)]
    found = growth(sizes, [1000 + size**2 for size in sizes])
    assert found.last == pytest.approx(2.0, abs=0.01)
    assert found.exponent < 1.9
    assert not found.is_power_law
    assert found.before_largest == pytest.approx(2048)


def test_two_sizes_have_a_ratio_and_no_interval():
    found = growth([256.0, 1024.0], [1.0, 8.0])
    assert (found.ratio, found.exponent) == (pytest.approx(8.0), pytest.approx(1.5))
    assert math.isnan(found.low)
    assert not found.is_power_law


def test_several_values_of_a_size_are_one():
    found = growth([1.0, 2.0, 2.0], [1.0, 2.0, 8.0])
    assert (found.sizes, found.ratio) == (2, pytest.approx(4.0))


@pytest.mark.parametrize(
    ("sizes", "values"),
    [([], []), ([1.0], [1.0]), ([1.0, 1.0], [1.0, 2.0]), ([1.0, 2.0], [1.0, NAN]), ([0.0, 2.0], [1.0, 1.0])],
)
def test_less_than_two_usable_sizes_say_nothing(sizes, values):
    assert growth(sizes, values) is None


def test_a_value_of_zero_is_left_out():
    found = growth([1.0, 2.0, 4.0], [0.0, 1.0, 2.0])
    assert (found.sizes, found.exponent) == (2, pytest.approx(1.0))


def test_only_positive_numbers_are_sizes():
    assert numeric(["64", "1e3", "0.5"]) == {"64": 64.0, "1e3": 1000.0, "0.5": 0.5}
    assert numeric(["64", "sdpa"]) == {}
    assert numeric(["0", "1"]) == {}
    assert numeric(["-1", "1"]) == {}
    assert numeric(["nan", "1"]) == {}
    assert numeric(["inf", "1"]) == {}
