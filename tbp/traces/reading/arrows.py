"""Arrows from a host's event to the work that it launched, of recorders that number neither.

Takes the ends of arrows ("s" and "f" events), gives both events one external id. kineto's arrows say nothing that its
correlation ids do not, and are passed over.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.categories import ON_DEVICE, Category

STARTS, FINISHES = "s", "f"
NUMBERED = frozenset({"ac2g", "fwdbwd", "async", "async_gpu", "forward_backward"})  # kineto's
MOST_ARROWS = 200_000  # of other recorders; more are passed over, and what they launched is without a launch
LONGEST_ID = 100


class ArrowEnds(Struct, frozen=True, eq=False):
    """An entry for each end of an arrow: ``arrow`` is one number for both, the thread and time are its event's."""

    arrow: Indices
    is_start: NDArray[np.bool_]
    thread_code: Indices
    time_ns: Indices


def numbered(columns: dict[str, NDArray[np.generic]], ends: ArrowEnds, absent: int) -> Indices:
    """The external ids of events (``trace.COLUMNS``), with one for both ends of an arrow; ``absent`` is none.

    The event at an end begins there; on a host the innermost of those that do.
    """
    external_id: Indices = columns["external_id"].astype(np.int64)
    category = columns["category"]
    is_host = np.isin(category, (Category.OPERATOR, Category.ANNOTATION, Category.RUNTIME))
    is_work = np.isin(category, ON_DEVICE) & (columns["correlation"] == absent) & (external_id == absent)
    starts, finishes = np.flatnonzero(ends.is_start), np.flatnonzero(~ends.is_start)
    host = _beginning(columns, ends, starts, is_host)
    work = _beginning(columns, ends, finishes, is_work)
    starts, host = starts[host != absent], host[host != absent]
    finishes, work = finishes[work != absent], work[work != absent]
    if not len(starts) or not len(finishes):
        return external_id
    order = np.argsort(ends.arrow[starts], kind="stable")
    arrows = ends.arrow[starts][order]
    position = np.minimum(np.searchsorted(arrows, ends.arrow[finishes]), len(arrows) - 1)
    is_pair = arrows[position] == ends.arrow[finishes]
    launching, launched = host[order][position[is_pair]], work[is_pair]
    nameless = np.unique(launching[external_id[launching] == absent])
    external_id[nameless] = external_id.max() + 1 + np.arange(len(nameless))
    external_id[launched] = external_id[launching]
    return external_id


def _beginning(
    columns: dict[str, NDArray[np.generic]], ends: ArrowEnds, wanted: Indices, usable: NDArray[np.bool_]
) -> Indices:
    """The shortest usable event that begins on the thread and at the time of each wanted end; -1 where none does."""
    events = np.flatnonzero(usable)
    thread, start_ns = columns["thread_code"][events].astype(np.int64), columns["start_ns"][events].astype(np.int64)
    order = np.lexsort((columns["duration_ns"][events], start_ns, thread))
    keys = np.concatenate([np.stack([thread, start_ns])[:, order], _at(ends, wanted)], axis=1)
    _, number = np.unique(keys, axis=1, return_inverse=True)
    known, asked_for = np.split(number.reshape(-1), [len(order)])
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    position = np.minimum(np.searchsorted(known, asked_for), len(known) - 1)
    return np.where(known[position] == asked_for, events[order][position], -1)


def _at(ends: ArrowEnds, wanted: Indices) -> Indices:
    return np.stack([ends.thread_code[wanted], ends.time_ns[wanted]])
