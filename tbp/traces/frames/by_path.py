"""Events in each other → rows of frames: events with the same names around them are one.

Takes parents and name codes, gives rows, level by level. Sums over them are left to ``frames``.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.nesting import NO_PARENT, depths, first_ancestors, looked_up


class Paths(Struct, frozen=True, eq=False):
    """``row_of`` is the row of each event, NO_PARENT of those that have none; the rest has an entry per row."""

    row_of: Indices
    parent: Indices
    code: Indices
    first: Indices  # event of the row


def by_path(
    inside: NDArray[np.bool_], above: Indices, depth: Indices, code: Indices, codes: int, top: Indices, size: int
) -> Paths:
    """The rows of the events ``inside``, of which each has its nearest one of them ``above`` it.

    ``code`` is below ``codes``. The first ``size`` rows are known already: ``top`` is that around each event without
    one above it. A parent stands in an earlier row than those below it.
    """
    row_of = np.full(len(above), NO_PARENT, dtype=np.int64)
    empty = np.zeros(0, dtype=np.int64)
    parents, row_codes, firsts = [empty], [empty], [empty]
    events = np.flatnonzero(inside)
    events = events[np.argsort(depth[events], kind="stable")]
    for level in np.split(events, np.flatnonzero(np.diff(depth[events])) + 1):
        around = np.where(above[level] == NO_PARENT, top[level], looked_up(row_of, above[level]))
        keys, first, row = np.unique((around + 1) * codes + code[level], return_index=True, return_inverse=True)
        row_of[level] = size + row
        parents.append(keys // codes - 1)
        row_codes.append(keys % codes)
        firsts.append(level[first])
        size += len(keys)
    return Paths(row_of, np.concatenate(parents), np.concatenate(row_codes), np.concatenate(firsts))


def nearest(parent: Indices, inside: NDArray[np.bool_], most_depth: int) -> tuple[Indices, Indices]:
    """(the nearest event ``inside`` above each event, how many are above it).

    Where that is more than ``most_depth``, the one at that depth stands for the nearest.
    """
    above = looked_up(first_ancestors(parent, ~inside), parent)
    depth = depths(above)
    if len(depth) and depth.max() > most_depth:
        limit = first_ancestors(above, depth >= most_depth)
        above = np.where(depth >= most_depth, limit, above)
    return above, depth
