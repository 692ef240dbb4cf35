"""The rows of a difference by the time that they lost, and the sums of it.

Takes ``difference.ROW_COLUMNS``, whose own order is by the size of the change. What a difference means is left to
``difference``.
"""

from __future__ import annotations

import pandas as pd
from msgspec import Struct


class TimeMoved(Struct, frozen=True):
    """Time per step that operators lost and gained, on the clock that is judged: both are sums of differences."""

    lost_us: float  # of those that take longer after; at least 0
    gained_us: float  # of those that take less time after; at most 0
    lost: int  # their number
    gained: int


def by_time_lost(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with the operator first that lost most, and last the one that gained most; without those unchanged."""
    moved = rows[rows["delta_us"] != 0]
    return moved.sort_values(["delta_us", "operator"], ascending=[False, True], kind="stable", ignore_index=True)


def time_moved(rows: pd.DataFrame) -> TimeMoved:
    """The sums over all rows."""
    delta_us = rows["delta_us"]
    lost, gained = delta_us[delta_us > 0], delta_us[delta_us < 0]
    return TimeMoved(float(lost.sum()), float(gained.sum()), len(lost), len(gained))
