"""The merit of a change: worse, better, or neither.

Takes changes and the better direction of their benchmark; colours and words are given to it elsewhere.
"""

from __future__ import annotations

from tbp.model.changes import Change, ChangeKind
from tbp.model.series import Better

BETTER, NEUTRAL, WORSE = -1, 0, 1
"""Neutral is what is not the code's doing, or only came back."""

LESS_IS_BETTER = {Better.LOWER: 1, Better.HIGHER: -1, Better.UNKNOWN: 0}
"""The sign of a change for the worse, 0 where no direction is known as the better one."""


def merit(change: Change, better: Better) -> int:
    """WORSE or BETTER for a change of the code; NEUTRAL for every other, and where no direction is known as better."""
    if change.kind is not ChangeKind.CODE or change.is_recovery or better is Better.UNKNOWN:
        return NEUTRAL
    return WORSE if change.is_worse(better) else BETTER
