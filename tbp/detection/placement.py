"""The place of a step among the runs around it.

Takes the values of a series and where its steps were found, gives where they are. Where a run out of line stands close
to a step, likelihood and squares put the step at that run. Two runs that fit no level cost them no more than one that
is twice as far out. Here each run counts alike, however far out it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tbp.detection.selection import residuals_of, robust_sigma
from tbp.statistics.robust import median
from tbp.system.arrays import Floats

REACH = 5  # runs that a step is moved by at most
LEAST_RUNS = 3  # of each level, to be moved: of fewer a run out of line is the level
LEAST_STEP = 4.0  # noises: a smaller step is where the likelihood of all runs around it says
# A run speaks for the level that it is nearer to, but not where it is nearly halfway between them (in this share of the
# step); and twice as much within so many noises of it. So two runs out of line are no level.
UNDECIDED_SHARE, NOISES = 1 / 3, 3.0


def placed(scaled: Floats, indexes: Sequence[int]) -> list[int]:
    """The first run after each step, of which ``indexes`` has about the first, ascending."""
    edges = [0, *indexes, len(scaled)]
    sigma = robust_sigma(residuals_of(scaled, edges)) if indexes else 0.0
    for number in range(1, len(edges) - 1):
        edges[number] = _placed(scaled, edges[number - 1 : number + 2], sigma)
    return edges[1:-1]


def _placed(scaled: Floats, edges: Sequence[int], sigma: float) -> int:
    start, index, end = edges
    before, after = median(scaled[start:index]), median(scaled[index:end])
    shift = abs(after - before)
    if min(index - start, end - index) < LEAST_RUNS or shift < LEAST_STEP * sigma or shift == 0:
        return index
    first, last = max(start + 2, index - REACH), min(end - 2, index + REACH)
    of_old, of_new = (np.abs(scaled[first:last] - level) for level in (before, after))
    nearer = np.sign(of_old - of_new) * (np.abs(of_old - of_new) > UNDECIDED_SHARE * shift)
    for_new = nearer * (1 + (np.minimum(of_old, of_new) <= NOISES * sigma))
    # With the step at each run from ``first`` to ``last``: what speaks against it.
    against = np.concatenate([[0.0], np.cumsum(for_new)])
    best = int(against.argmin())
    return first + best if against[best] < against[index - first] else index
