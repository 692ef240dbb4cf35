"""Times as text → exact int64 nanoseconds, many at once.

A float cannot hold 1712195495519689.047 µs, so times stay text until here. Takes JSON numbers, gives nanoseconds and
which of them are times at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np
from numpy.typing import NDArray

from tbp.traces.reading.trace import Nanoseconds

# int64 ends at 9.2e18: below this a start plus a duration cannot overflow. As a date it is the year 2096.
LARGEST_NS = 4 * 10**18

NO_TIME = np.iinfo(np.int64).min

_DECIMALS = 3  # ns in a µs; kineto writes none or three
_LONGEST = 18  # digits that int64 holds whatever they are
_POWERS = 10 ** np.arange(_LONGEST + 1, dtype=np.int64)
_NEWLINE, _DOT, _ZERO = b"\n.0"


def nanoseconds(text: bytes) -> int | None:
    """Exact nanoseconds of a JSON number in µs (also of one in quotes); None where the text is no finite number.

    More than three decimals are rounded half to even, as kineto never writes them.
    """
    try:
        exact = Decimal(text.strip(b'"').decode("ascii")) * 1000
        return int(exact.to_integral_value()) if abs(exact) < LARGEST_NS else None
    except (ArithmeticError, UnicodeDecodeError):  # decimal's errors: no number, NaN, an absurd exponent
        return None


def all_nanoseconds(texts: Sequence[msgspec.Raw]) -> Nanoseconds:
    """``nanoseconds`` of each; NO_TIME where that is None."""
    if not texts:
        return np.zeros(0, dtype=np.int64)
    text = np.frombuffer(b"\n".join(texts) + b"\n", dtype=np.uint8)
    end = np.flatnonzero(text == _NEWLINE)
    if len(end) != len(texts):  # a value of several lines: no number
        return np.array([_or_none(each) for each in texts], dtype=np.int64)
    result, plain = _plain(text, end)
    for odd in np.flatnonzero(~plain).tolist():
        result[odd] = _or_none(texts[odd])
    return result


def _or_none(text: msgspec.Raw) -> int:
    time_ns = nanoseconds(bytes(text))
    return NO_TIME if time_ns is None else time_ns


def _plain(text: NDArray[np.uint8], end: NDArray[np.intp]) -> tuple[Nanoseconds, NDArray[np.bool_]]:
    """(nanoseconds, whether they hold): of unsigned numbers with at most three decimals, each ended by a newline."""
    start = np.concatenate(([0], end[:-1] + 1))
    is_dot = text == _DOT
    digit = text - _ZERO  # uint8: whatever sorts before "0" wraps to a large value
    is_digit = digit < 10
    at_dot = np.flatnonzero(is_dot)
    owner = np.searchsorted(end, at_dot)
    dot = end.copy()
    dot[owner] = at_dot
    digits = np.add.reduceat(is_digit, start, dtype=np.int32)
    dots = np.bincount(owner, minlength=len(end))
    decimals = np.maximum(end - dot - 1, 0)
    plain = (digits + dots == end - start) & (dots <= 1) & (decimals <= _DECIMALS) & (dot > start)
    plain &= dot - start <= _LONGEST + 1 - _DECIMALS  # 16 nines overflow to what is no time either
    # A digit k places before the dot is worth 10**(k + 2) ns, one k places behind it 10**(3 - k).
    places = np.repeat(dot + _DECIMALS, end - start + 1)
    places -= np.arange(len(text))
    places -= places >= _DECIMALS  # before the dot; the dot itself counts nothing
    worth = _POWERS[np.clip(places, 0, _LONGEST)] * np.where(is_digit, digit, 0)
    return np.add.reduceat(worth, start), plain
