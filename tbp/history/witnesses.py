"""Witnesses of a shift: how the machine's yardstick and the A/A twin of a series moved where its level shifts.

Takes the points of the series, those of the others and the sessions; gives ``Witnesses`` for ``agreement``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tbp.asv.sessions import Sessions
from tbp.history.agreement import Witnesses
from tbp.history.twins import twins
from tbp.history.two_sides import RUNS_PER_SIDE
from tbp.model.points import Points, commits, levels
from tbp.model.series import SeriesKey
from tbp.statistics.robust import median


def gathered(
    key: SeriesKey, points: Points, edges: tuple[int, int, int], sessions: Sessions, known: Mapping[SeriesKey, Points]
) -> Witnesses:
    """The witnesses of a change. ``edges`` are where its two sides begin, and where the second ends."""
    start, index, end = edges
    before, after = _measured(points, start, index)[-RUNS_PER_SIDE:], _measured(points, index, end)[:RUNS_PER_SIDE]
    twin = next((known[name] for name in twins(key) if name in known), None)
    return Witnesses(
        yardstick=_ratio(*([sessions.yardstick_s(key, commit) for commit in side] for side in (before, after))),
        twin=_ratio(*(_of(twin, side) for side in (before, after))) if twin is not None else float("nan"),
    )


def _measured(points: Points, start: int, end: int) -> list[str]:
    """The hashes of the commits from ``start`` to ``end`` at which the series has a level."""
    in_order = commits(points)
    return [in_order[start + offset].hash for offset in np.flatnonzero(np.isfinite(levels(points)[start:end])).tolist()]


def _of(points: Points, hashes: Sequence[str]) -> list[float]:
    """The values of another series at the same commits, NaN where it has none."""
    level = dict(zip((commit.hash for commit in commits(points)), levels(points).tolist(), strict=True))
    return [level.get(name, float("nan")) for name in hashes]


def _ratio(before: Sequence[float], after: Sequence[float]) -> float:
    """Median after ÷ median before of what is known; NaN where a side has nothing."""
    old, new = (np.array([value for value in side if value > 0]) for side in (before, after))
    return median(new) / median(old) if len(old) and len(new) else float("nan")
