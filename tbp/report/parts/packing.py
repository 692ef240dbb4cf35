"""Whole numbers as letters: a tenth of what a chart costs as JSON, and still text that needs no escape.

Takes numbers, gives strings for ``base/unpacking.js``, which makes numbers of them again. The letters themselves are
handed to it once for the whole site, so that they are defined here only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Each as it is in JSON, in a script, in an HTML attribute and in ASCII.
LETTERS = "".join(chr(code) for code in range(33, 127) if chr(code) not in "\"\\<>&'~")

BASE = len(LETTERS) // 2
"""Of the digits. The letter of the last digit of a number is one of the first ones, that of any other one of the next
ones, so that a number ends where it ends: up to 20 takes one letter, up to 923 two, with either sign."""

GAP = "~"
"""Before a number that tells how many are missing."""

MOST = 2**51
"""Sizes below this come back exactly: with its sign, a difference of two of them is a whole number in JavaScript."""

_CODES = np.frombuffer(LETTERS.encode(), np.uint8)


def packed(numbers: Sequence[int] | NDArray[np.int64]) -> str:
    """``numbers`` one after the other, the lowest digit first; the sign is the lowest bit."""
    return "".join(map(_word, numbers.tolist() if isinstance(numbers, np.ndarray) else numbers))


def packed_series(numbers: NDArray[np.float64]) -> str:
    """Whole numbers, each less the known one before it: short where neighbours are alike. NaN is a gap."""
    known = np.isfinite(numbers)
    starts = np.flatnonzero(~known & np.append(True, known[:-1])[: len(known)])  # of each gap
    ends = np.flatnonzero(~known & np.append(known[1:], True)[: len(known)])
    tokens = np.zeros(len(numbers), np.int64)
    tokens[known] = np.diff(numbers[known].astype(np.int64), prepend=0)
    tokens[starts] = ends - starts + 1
    kept = known.copy()
    kept[starts] = True
    return _written(tokens[kept], ~known[kept])


def ranges(places: Sequence[int] | NDArray[np.int64]) -> list[int]:
    """Ascending places as pairs: how many are left out, how many follow each other."""
    found: list[int] = []
    own = np.asarray(places, dtype=np.int64)
    if not len(own):
        return found
    first = np.flatnonzero(np.append(True, np.diff(own) != 1))
    counts = np.diff(np.append(first, len(own)))
    free = 0
    for start, count in zip(own[first].tolist(), counts.tolist(), strict=True):
        found += [start - free, count]
        free = start + count
    return found


@lru_cache(4096)  # most numbers are small ones
def _word(number: int) -> str:
    """The letters of one number."""
    rest, digit = divmod(abs(number) << 1 | (number < 0), BASE)
    word = ""
    while rest:
        word += LETTERS[digit + BASE]
        rest, digit = divmod(rest, BASE)
    return word + LETTERS[digit]


def _written(numbers: NDArray[np.int64], is_gap: NDArray[np.bool_]) -> str:
    """Digits in columns, a row for each number; what a row does not need stays 0 and is left out."""
    left = (np.abs(numbers) << 1) | (numbers < 0)
    columns = [np.where(is_gap, ord(GAP), 0).astype(np.uint8)]
    while True:
        rest = left // BASE
        digit = left - rest * BASE
        codes = _CODES[digit + BASE * (rest > 0)]
        columns.append(np.where(left >= 0, codes, 0).astype(np.uint8))
        if not (rest > 0).any():
            break
        left = np.where(rest > 0, rest, -1)
    rows = np.stack(columns, axis=1)
    return rows[rows > 0].tobytes().decode("ascii")
