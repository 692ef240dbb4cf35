"""The size from which on something pays: where a ratio over a numeric parameter crosses a limit.

Takes ratios with their intervals by size, gives a ``LimitCrossing``; what is compared with what is left to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct


class RatioAtSize(Struct, frozen=True):
    """A ratio at one size with its interval: ``low`` and ``high`` are the ratio where it has no noise, NaN unknown."""

    size: float
    ratio: float
    low: float
    high: float


class LimitCrossing(Struct, frozen=True):
    """The size at which a ratio passes a limit, once.

    ``smallest`` and ``largest`` are the sizes next to it at which the interval of the ratio is wholly on one side: the
    crossing is between them whatever the curve does there. ``size`` is an estimate within these bounds.
    """

    size: float
    smallest: float
    largest: float
    is_below_after: bool  # the ratio is below the limit at sizes above the crossing, else at those under it


def crossing(ratios: Sequence[RatioAtSize], limit: float = 1.0) -> LimitCrossing | None:
    """The one crossing of ``limit``; None where the ratios do not surely cross it, or cross it several times.

    Ratios whose interval holds the limit are of neither side. They widen the bounds, and take part in the estimate: a
    straight line between neighbouring sizes, both axes logarithmic, on which any power law is straight. Of several
    passages among them the middle one counts.
    """
    known = sorted((ratio for ratio in ratios if _is_usable(ratio)), key=lambda ratio: ratio.size)
    sure = [(at, _side(ratio, limit)) for at, ratio in enumerate(known) if _side(ratio, limit)]
    changes = [(before, after) for (before, side), (after, other) in pairwise(sure) if side != other]
    if len(changes) != 1:
        return None
    ((before, after),) = changes
    return LimitCrossing(
        size=_passage(known[before : after + 1], limit),
        smallest=known[before].size,
        largest=known[after].size,
        is_below_after=_side(known[after], limit) < 0,
    )


def _is_usable(ratio: RatioAtSize) -> bool:
    return 0 < ratio.size < math.inf and 0 < ratio.ratio < math.inf


def _side(ratio: RatioAtSize, limit: float) -> int:
    """−1 surely below the limit, 1 surely above, 0 neither: also where an end of the interval is NaN."""
    return int(ratio.low > limit) - int(ratio.high < limit)


def _passage(ratios: Sequence[RatioAtSize], limit: float) -> float:
    """The middle passage of the line through ``ratios``, whose first and last are on different sides."""
    points = [(math.log(ratio.size), math.log(ratio.ratio / limit)) for ratio in ratios]
    passages = [
        x + (next_x - x) * y / (y - next_y) for (x, y), (next_x, next_y) in pairwise(points) if (y < 0) != (next_y < 0)
    ]
    return math.exp(passages[len(passages) // 2])
