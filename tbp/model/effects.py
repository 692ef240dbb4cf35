"""The size of a change, and how sure tbp is of what it claims. Imports nothing, as every verb needs it."""

from __future__ import annotations

import math

CONFIDENCE = 0.99
"""The confidence of every interval tbp shows. A gate is read once per commit and benchmark, a report has many rows:
at 95 %, one interval in twenty would miss the truth."""


def effect_size(before: float, after: float) -> float:
    """Change of a value relative to the size of the value before: 0.10 means that it became 10 % larger.

    A negative value keeps the direction: from −2 to −1 is +0.5. From 0 it is NaN, except to 0, which is 0.
    """
    if not before:
        return 0.0 if after == before else math.nan
    return (after - before) / abs(before)
