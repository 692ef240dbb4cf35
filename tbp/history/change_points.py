"""Where the level of a series shifts.

Takes the values of a series, oldest first, and where known each run's session medians; gives its change points.
Reading them, naming a direction (better, worse) and explaining them is left to others. Three regimes, because
what can be known differs:

- *counters*: values that repeat exactly change by decision, not by chance (``counters``);
- *short* series (fewer than ``LONG`` runs): every place is tried; sessions, not runs, are the evidence (``short``);
- *long* series: a likelihood proposes, tests between neighbouring segments dispose (``long``), and the newest run,
  too young for a segment of its own, is judged against the last segment.
"""

from __future__ import annotations

from collections.abc import Sequence

from tbp.history.counters import counter_changes
from tbp.history.long import long_changes, long_steps
from tbp.history.measured import measured
from tbp.history.series import Change
from tbp.history.short import newest_change, short_changes

# Below this many runs the rank tests of the long regime cannot become significant at its ends.
LONG = 20


def change_points(
    values: Sequence[float], sessions: Sequence[Sequence[float]] | None = None, *, counter: bool = True
) -> tuple[Change, ...]:
    """The change points of one series, oldest first.

    ``values`` has one value per run; NaN and infinities (failed, skipped) are passed over, but ``Change.index``
    counts them. ``sessions`` has each run's process medians, empty where unknown. ``counter`` says whether values
    that repeat exactly may be taken for a deterministic counter, whose every change is certain.
    """
    series = measured(values, sessions)
    if counter and (found := counter_changes(series)) is not None:
        return found
    if len(series.raw) < LONG:
        return short_changes(series, 0, len(series.raw))
    steps = long_steps(series)
    newest = newest_change(series.detrended(steps.slope), (0, *steps.boundaries)[-1])
    return (*long_changes(series, steps), *newest)
