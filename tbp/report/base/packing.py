"""Data for scripts, packed: JSON, deflated, in base64. All data that grows with the runs is shipped so.

Takes plain values and numpy arrays, gives text that needs no escape in a script, in JSON or in HTML. A browser makes
the values again with its own ``DecompressionStream`` (``static/base/unpacking.js``). A chart of 200 runs costs 5 bytes
a run, where plotly's base64 of 32-bit floats costs 16 bytes, or 8 bytes deflated (measured with noise of 2 %).
"""

from __future__ import annotations

import base64
import math
import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

LEVEL = 6
"""The usual level of zlib: 9 takes twice as long for 1 % less."""

MOST_DECIMALS = 300
"""A power of ten with more digits is no number."""


def packed(value: object) -> str:
    """``value`` as text; numbers that are not finite become null."""
    text = msgspec.json.encode(value, enc_hook=_plain)
    return base64.b64encode(zlib.compress(text, LEVEL)).decode("ascii")


def decimals(numbers: NDArray[np.float64], digits: int) -> int | None:
    """Decimals that leave so many significant digits of the smallest number that is not zero.

    None where nothing is to be cut: where all are whole, or too small for a power of ten. Short numbers are most of
    what makes data small.
    """
    sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    if not len(sizes) or bool(np.all(sizes == np.trunc(sizes))):
        return None
    # What is a ten billionth of the largest is drawn at zero: it must not make all others long.
    smallest = max(float(sizes.min()), float(sizes.max()) * 1e-10)
    wanted = digits - 1 - math.floor(math.log10(smallest))
    return wanted if abs(wanted) < MOST_DECIMALS else None


def rounded(numbers: NDArray[np.float64], to: int | None) -> NDArray[np.float64]:
    """``numbers`` with ``to`` decimals; as they are where that is None."""
    return numbers if to is None else np.round(numbers, to)


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"{type(value)} cannot be packed")
