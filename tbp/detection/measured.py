"""The measured part of a series, on the scale it is judged on.

Takes values as they were measured, oldest first, gaps included; gives the values that every regime of the detector
reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.model.changes import Change
from tbp.statistics.robust import median
from tbp.system.arrays import Floats


class Measured(Struct, frozen=True, eq=False):
    """The runs of a series that have a value."""

    places: NDArray[np.intp]  # index of each run in the caller's values
    raw: Floats
    scaled: Floats  # logarithms where every value is positive, else the values themselves
    sessions: tuple[Floats, ...]  # per run, on the same scale; a run without sessions counts as one
    is_log: bool

    def relevant(self, relative: float, before: float) -> float:
        """``relative`` as a difference on the scale of ``scaled``, for a level ``before`` on the raw scale."""
        return float(np.log1p(relative)) if self.is_log else relative * abs(before)

    def change(self, start: int, index: int, end: int, p_value: float, confirmed: bool, doubt: str = "") -> Change:
        """The change at run ``index`` between the segments ``start:index`` and ``index:end``."""
        before, after = median(self.raw[start:index]), median(self.raw[index:end])
        return Change(int(self.places[index]), before, after, min(1.0, p_value), confirmed, doubt=doubt)

    def without_trend(self, slope: float) -> Floats:
        """``scaled`` less a trend of ``slope`` a run."""
        level: Floats = self.scaled - self._trend(slope)
        return level

    def detrended(self, slope: float) -> Measured:
        """These runs without a trend of ``slope`` a run, sessions too; ``raw`` stays as it was measured."""
        if slope == 0:
            return self
        sessions = tuple(values - lift for values, lift in zip(self.sessions, self._trend(slope), strict=True))
        return replace(self, scaled=self.without_trend(slope), sessions=sessions)

    def _trend(self, slope: float) -> Floats:
        trend: Floats = slope * (np.arange(len(self.raw), dtype=np.float64) - (len(self.raw) - 1) / 2)
        return trend


def measured(values: Sequence[float], sessions: Sequence[Sequence[float]] | None = None) -> Measured:
    """``values`` without NaN and infinities, and with each run's session medians where ``sessions`` has them."""
    all_values = np.asarray(values, dtype=np.float64)
    places = np.flatnonzero(np.isfinite(all_values))
    raw = all_values[places]
    if sessions is None:  # as for nearly every asv project: no work for each run
        is_log = bool(len(raw)) and float(raw.min()) > 0
        scaled = np.log(raw) if is_log else raw
        return Measured(places, raw, scaled, tuple(scaled[:, None]), is_log)
    units = tuple(_finite(sessions[index], all_values[index : index + 1]) for index in places.tolist())
    is_log = bool(len(raw)) and min(float(raw.min()), *(float(unit.min()) for unit in units)) > 0
    if is_log:
        return Measured(places, raw, np.log(raw), tuple(np.log(unit) for unit in units), is_log)
    return Measured(places, raw, raw, units, is_log)


def _finite(sessions: Sequence[float], otherwise: Floats) -> Floats:
    """The sessions of one run that have a value, or else the run's value."""
    values = np.asarray(sessions, dtype=np.float64)
    values = values[np.isfinite(values)]
    return values if len(values) else otherwise
