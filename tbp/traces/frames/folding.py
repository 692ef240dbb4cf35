"""The frames of a tree that stay, and the rest put together.

Takes parents and how much each frame matters, gives new rows: those that stay in their order, then a row for each that
lost frames below it. Knows nothing of names and times; adding up is left to ``frames``.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.nesting import NO_PARENT, depths, first_ancestors, looked_up

NO_BOUND = 1 << 62


class Folded(Struct, frozen=True, eq=False):
    """``row`` has for each old row the new row that it is part of; ``parent`` has an entry per new row."""

    row: Indices
    stays: NDArray[np.bool_]  # of the old rows; the others were put together
    parent: Indices


def folded(
    parent: Indices, share: NDArray[np.float64], collective: NDArray[np.bool_], least_share: float, most: int
) -> Folded:
    """Keeps the ``most`` largest rows of at least ``least_share``, and all rows around them.

    ``collective`` marks rows that are put together already, which are put together anew. A parent stands in an
    earlier row than what is below it, before and after. Rows that collect come on top of ``most``.
    """
    share = _bounded_by_parents(parent, np.where(collective, -1.0, share))  # what is below a collective joins it
    largest = np.argsort(-share, kind="stable")[:most]  # stable: of equal ones the parent, which stands first
    stays = np.zeros(len(parent), dtype=bool)
    stays[largest] = share[largest] >= max(least_share, 0.0)
    home = first_ancestors(parent, ~stays)
    # A row alone costs no more under its own name.
    gone = np.flatnonzero(~stays)
    _, collector, number = np.unique(home[gone], return_inverse=True, return_counts=True)
    stays[gone[(number[collector] == 1) & ~collective[gone]]] = True
    new = np.cumsum(stays) - 1
    homes, collector = np.unique(home[~stays], return_inverse=True)
    row = np.where(stays, new, NO_PARENT)
    row[~stays] = stays.sum() + collector
    old = np.concatenate([parent[stays], homes])
    return Folded(row, stays, looked_up(new, old))


def _bounded_by_parents(parent: Indices, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares no larger than those around them: overlapping events can seem longer than the event that holds them."""
    bounded = share.copy()
    depth = depths(parent)
    order = np.argsort(depth, kind="stable")
    order = order[np.count_nonzero(depth == 0) :]
    for level in np.split(order, np.flatnonzero(np.diff(depth[order])) + 1):
        bounded[level] = np.minimum(bounded[level], bounded[parent[level]])
    return bounded
