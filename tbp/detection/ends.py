"""The newest and the oldest runs of a long series, which are too few for a segment of their own.

Takes a measured series and the steps inside it, gives one more step at either end. Only the newest runs can confirm
one, by their sessions; the oldest never can.
"""

from __future__ import annotations

import numpy as np

from tbp.detection.boundaries import draws
from tbp.detection.measured import Measured
from tbp.detection.selection import LevelStep, Selection, robust_sigma
from tbp.detection.short_series import are_confirmed, is_relevant, run_sigma, short_p_value
from tbp.model import relevance
from tbp.statistics.robust import median
from tbp.system.arrays import Floats

MOST_NEWEST = 4  # with more, the tests of a long series can tell, even where it has only 20 runs
MIN_EARLIER = 3  # runs in the segment before them: fewer say nothing of its level
MIN_SESSIONS = 3  # sessions in each new run, or such runs, to be confirmed: two cannot pass SHORT_ALPHA
# Further than this from that segment is suspect, one run or each of several …
SIGMAS_OF_ONE = 5.0
SIGMAS_OF_SEVERAL = 3.0
# … where the chance that they are so far out is at most this. Heavy-tailed real noise of 60 runs
# has 0.02 false suspects at its end per 1,000 runs; 0.05 where being outside all earlier runs is enough.
CHANCE_OF_ONE = 2e-3
CHANCE_OF_SEVERAL = 3e-4
# The oldest runs of a long series against what follows: suspect and never more.
MOST_OLDEST = 2
OLDEST_REACH = 2.0  # times as far out as any later run: a series with outliers may begin with one
MIN_LATER = 3  # runs in the segment after them


def with_ends(series: Measured, selection: Selection) -> tuple[LevelStep, ...]:
    """The steps of ``selection`` and those at both ends of ``series``, which is without its trend."""
    count = len(series.raw)
    inside = [step for step in selection.steps if step.confirmed or step.index < count - MOST_NEWEST]
    indexes = [0, *(step.index for step in inside), count]
    newest = _newest_step(series, indexes[-2], selection.residuals)
    steps = [*inside, newest] if newest is not None else list(selection.steps)
    oldest = _oldest_step(series, min([*indexes[1:-1], count - MOST_NEWEST]), selection.residuals)
    return tuple([oldest, *steps] if oldest is not None else steps)


def _newest_step(series: Measured, start: int, residuals: Floats) -> LevelStep | None:
    """The newest few runs against the rest of the last segment, which begins at ``start``.

    Confirmed where they are outside all of it and their sessions say so too, or three runs of one value each. Suspect
    where as few of all runs' deviations from their levels, ``residuals``, are as large.
    """
    end = len(series.raw)
    for index in range(max(start + MIN_EARLIER, end - MOST_NEWEST), end):
        edges = (start, index, end)
        earlier, newest = series.scaled[start:index], series.scaled[index:]
        deviations = newest - median(earlier)
        if deviations.min() <= 0 <= deviations.max():
            continue
        is_outside = newest.min() > earlier.max() or newest.max() < earlier.min()
        sessions = min(len(run) for run in series.sessions[index:])
        if is_outside and max(sessions, end - index) >= MIN_SESSIONS and are_confirmed(series, edges):
            return LevelStep(index, short_p_value(series, edges, 1), confirmed=True)
        # Of several runs the chance alone tells whether they are further out than outliers among the earlier ones.
        sigma = run_sigma(series, edges) if len(newest) == 1 else robust_sigma(residuals[:index])
        if is_relevant(series, edges, 1, sigma) and _is_far_out(deviations, residuals[:index]):
            doubt = f"{len(newest)} run{'s' if len(newest) > 1 else ''} since cannot tell yet"
            return LevelStep(index, short_p_value(series, edges, 1), confirmed=False, doubt=doubt)
    return None


def _is_far_out(deviations: Floats, pool: Floats) -> bool:
    """True where ``deviations``, all of one sign, are further out than chance alone would take draws from ``pool``."""
    sizes, pool_sizes = (deviations, pool) if deviations[0] > 0 else (-deviations, -pool)
    is_one = len(sizes) == 1
    if float(sizes.min()) <= (SIGMAS_OF_ONE if is_one else SIGMAS_OF_SEVERAL) * robust_sigma(pool):
        return False
    return draws(sizes, pool_sizes, len(sizes)).p_value <= (CHANCE_OF_ONE if is_one else CHANCE_OF_SEVERAL)


def _oldest_step(series: Measured, end: int, residuals: Floats) -> LevelStep | None:
    """Suspect: the oldest one or two runs against the rest of the first segment, which ends at ``end``.

    They are too few to tell a change of level from a run out of line; "no change" would hide what a reader sees.
    """
    for index in range(MOST_OLDEST, 0, -1):
        edges = (0, index, end)
        oldest, later = series.scaled[:index], series.scaled[index:end]
        if len(later) < MIN_LATER:
            continue
        deviations = np.abs(np.concatenate([later - median(later), residuals[end:]]))
        nearest = float(np.abs(oldest - median(later)).min())
        least = max(SIGMAS_OF_ONE * robust_sigma(deviations), OLDEST_REACH * float(deviations.max()))
        if nearest > least and nearest >= series.relevant(relevance.OLDEST_RUNS, median(series.raw[:index])):
            doubt = f"{index} run{'s' if index > 1 else ''} before it cannot tell"
            return LevelStep(index, short_p_value(series, edges, 1), confirmed=False, doubt=doubt)
    return None
