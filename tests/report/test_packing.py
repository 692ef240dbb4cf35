import math
import random

import numpy as np
import pytest

from tbp.report.parts.packing import BASE, LETTERS, MOST, packed, packed_series, ranges

from .unpacking import places, sums, unpacked


def test_numbers_come_back_whatever_their_size_and_sign() -> None:
    chance = random.Random(3)
    numbers = [0, 1, -1, 21, -21, 22, 924, -925, MOST, -MOST, 2 * MOST]
    numbers += [chance.choice((-1, 1)) * int(10 ** chance.uniform(0, 15)) for _ in range(200)]
    assert unpacked(packed(numbers)) == numbers
    assert packed([]) == ""


def test_neighbours_cost_a_letter_and_noise_two() -> None:
    assert len(packed([20, -20, 0])) == 3
    assert len(packed([22, -923])) == 4


@pytest.mark.parametrize(
    "values", [[], [math.nan], [5, math.nan, math.nan, 7, 7], [math.nan, 1, math.nan], [math.nan] * 400]
)
def test_a_series_comes_back_with_its_gaps_and_a_long_gap_is_short(values) -> None:
    text = packed_series(np.array(values, dtype=np.float64))
    found = [math.nan if number is None else number for number in sums(unpacked(text))]
    np.testing.assert_array_equal(found, values)
    assert len(text) <= 12


def test_places_are_told_by_what_is_left_out_and_what_follows() -> None:
    assert ranges([]) == []
    assert ranges([0, 1, 2, 3]) == [0, 4]
    assert ranges([2, 3, 7, 9, 10]) == [2, 2, 3, 1, 1, 2]
    assert places(packed(ranges([2, 3, 7, 9, 10]))) == [2, 3, 7, 9, 10]


def test_no_letter_needs_an_escape_anywhere() -> None:
    assert len(set(LETTERS)) == len(LETTERS) == 2 * BASE + 1
    assert not set(LETTERS) & set("\"'\\<>&~ \n\t")
    assert LETTERS.isascii()
