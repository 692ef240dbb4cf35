"""The change points of a series: where its level shifts.

Takes the values of a series, oldest first, and where known each run's session medians; gives its change points.
Reading them, naming a direction (better, worse) and explaining them is left to others. Three regimes, because
what can be known differs:

- *counters*: values that repeat exactly change by decision, not by chance (``counters``); - *short* series (fewer than
``LONG`` runs): every place is tried; sessions, not runs, are the evidence (``short_series``); - *long* series: a
likelihood proposes (``long_series``), tests of every boundary dispose (``selection``), and the newest and
  the oldest runs, too few for a segment of their own, are judged against the segments beside them (``ends``).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.detection.counters import counter_changes
from tbp.detection.ends import with_ends
from tbp.detection.long_series import long_steps
from tbp.detection.measured import Measured, measured
from tbp.detection.placement import placed
from tbp.detection.selection import LevelStep
from tbp.detection.short_series import short_changes
from tbp.model.changes import Change
from tbp.system.arrays import Floats

# Below this many runs the rank tests of the long regime cannot become significant at its ends.
LONG = 20


class Values(Struct, frozen=True):
    """One series to search, with an entry for each run."""

    values: Sequence[float]  # NaN and infinities (failed, skipped) are passed over; ``Change.index`` counts them
    sessions: Sequence[Sequence[float]] | None = None  # each run's process medians, empty where unknown
    # True: values that repeat exactly may be taken for a deterministic counter, whose every change is certain.
    counter: bool = True


def change_points(
    values: Sequence[float], sessions: Sequence[Sequence[float]] | None = None, *, counter: bool = True
) -> tuple[Change, ...]:
    """The change points of one series, oldest first: ``tbp.change_points``.

    ``values`` has an entry for each run, oldest first. NaN and infinities (failed, skipped) are passed over, and still
    count in ``Change.index``. ``sessions`` has the medians of each run's processes, where known. Without ``counter``,
    values that repeat exactly are not taken for a deterministic counter.
    """
    return change_points_of([Values(values, sessions, counter)])[0]


def change_points_of(several: Sequence[Values]) -> list[tuple[Change, ...]]:
    """The change points of each series, oldest first."""
    changes_of: dict[int, tuple[Change, ...]] = {}
    long: dict[int, Measured] = {}
    for number, values in enumerate(several):
        series = measured(values.values, values.sessions)
        if values.counter and (changes := counter_changes(series)) is not None:
            changes_of[number] = changes
        elif len(series.raw) < LONG:
            changes_of[number] = short_changes(series, 0, len(series.raw))
        else:
            long[number] = series
    for (number, series), steps in zip(long.items(), long_steps(list(long.values())), strict=True):
        level = series.detrended(steps.slope)
        changes_of[number] = _changes(series, level.scaled, with_ends(level, steps.selection))
    return [changes_of[number] for number in range(len(several))]


def _changes(series: Measured, level: Floats, steps: Sequence[LevelStep]) -> tuple[Change, ...]:
    """The changes at ``steps``, which are placed in ``level``, the series less its trend.

    The levels on both sides are those of the runs between two steps, as measured, with the trend in it.
    """
    edges = (0, *placed(level, [step.index for step in steps]), len(series.raw))
    return tuple(
        series.change(start, index, end, step.p_value, step.confirmed, step.doubt)
        for start, index, end, step in zip(edges, edges[1:], edges[2:], steps, strict=False)
    )
