import math

import numpy as np
import pytest

from tbp.report.base.packing import decimals, packed, rounded

from ...packed_data import unpacked


def test_values_come_back_and_what_is_no_number_is_null() -> None:
    value = {"text": "</script>&\u2028", "numbers": np.array([1.5, math.nan, -math.inf]), "place": np.int64(3)}
    assert unpacked(packed(value)) == {"text": "</script>&\u2028", "numbers": [1.5, None, None], "place": 3}


def test_packed_data_needs_no_escape_anywhere() -> None:
    text = packed(["\"'\\<>&~ \n\t"] * 3 + list(range(1000)))
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_the_same_values_are_the_same_bytes() -> None:
    assert packed({"a": [1, 2]}) == packed({"a": [1, 2]})


@pytest.mark.parametrize(
    ("numbers", "to"),
    [
        ([2.0134567e-3, 5.0], 7),
        ([123_456_789_012.0, 7.0], None),  # whole numbers are kept whole
        ([], None),
        ([0.0, 0.5], 5),
        ([1e-300, 2.5], 14),  # what is a ten billionth of the largest does not make all others long
        ([1e-320, 5e-324], None),
        ([math.nan, 1.23e6 + 0.5], -2),
    ],
)
def test_the_smallest_number_keeps_five_digits(numbers, to) -> None:
    assert decimals(np.array(numbers, np.float64), 5) == to


def test_numbers_are_short_once_rounded() -> None:
    values = np.array([2.0134567e-3, math.nan, 1e-9])
    assert packed(rounded(values, 7)) == packed([0.0020135, None, 0.0])
    assert rounded(values, None) is values
