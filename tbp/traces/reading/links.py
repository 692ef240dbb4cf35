"""Events that share an identifier, in the process that the identifier belongs to.

Takes a ``Trace``, gives for each wanted event the one it is linked to. Every process counts its identifiers on its own,
so in a file that several were merged into the same one stands for several things.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tbp.system.arrays import Indices
from tbp.traces.reading.categories import Category
from tbp.traces.reading.trace import ABSENT, Trace

# Processes with one identifier in common that are looked at. Files were merged of up to 64 ranks.
MOST_CANDIDATES = 64


def launches(trace: Trace, work: Indices) -> Indices:
    """The runtime call that launched each of these events on a device; ABSENT where none is recorded."""
    calls = np.flatnonzero((trace.category == Category.RUNTIME) & (trace.correlation != ABSENT))
    return linked(trace, work, trace.correlation[work], calls, trace.correlation[calls])


def linked(trace: Trace, wanted: Indices, wanted_id: Indices, known: Indices, known_id: Indices) -> Indices:
    """The first of the ``known`` events with the id of each ``wanted`` one; ABSENT where none has it.

    Where several processes have the id, the event is of the process that

    1. is the wanted event's, or of one family with it;
    2. had the event before the wanted one began;
    3. has it nearest in the file: merged files stand one behind the other, or are in order of time.

    An event of another family is none where the wanted event's family has a host.
    """
    if not len(known) or not len(wanted):
        return np.full(len(wanted), ABSENT, dtype=np.int64)
    hosts = _hosts(trace)
    process = trace.process_code[known] if len(hosts) > 1 else np.zeros(len(known), dtype=np.int32)
    order = np.lexsort((process, known_id))  # stable: the first in the file stays the first
    ids, owners = known_id[order], process[order]
    is_first = np.append(True, (ids[1:] != ids[:-1]) | (owners[1:] != owners[:-1]))
    entries, ids = known[order][is_first], ids[is_first]
    low, high = (np.searchsorted(ids, wanted_id, side=side) for side in ("left", "right"))
    if len(hosts) <= 1:
        return np.where(low < high, entries[np.minimum(low, len(entries) - 1)], ABSENT)
    return _best(trace, wanted, _candidates(entries, low, high), _families(trace, hosts))


def _candidates(entries: Indices, low: Indices, high: Indices) -> Iterator[tuple[Indices, Indices]]:
    """(positions in the wanted events, an entry for each), until each had all of its entries."""
    number = np.minimum(high - low, MOST_CANDIDATES)
    for candidate in range(int(number.max(initial=0))):
        at = np.flatnonzero(number > candidate)
        yield at, entries[low[at] + candidate]


def _best(trace: Trace, wanted: Indices, candidates: Iterator[tuple[Indices, Indices]], families: Indices) -> Indices:
    best = np.full(len(wanted), ABSENT, dtype=np.int64)
    best_rank = np.full(len(wanted), -1, dtype=np.int64)
    nearest = np.full(len(wanted), len(trace), dtype=np.int64)
    process = trace.process_code
    for at, entry in candidates:
        event = wanted[at]
        family = families[process[event]]
        is_family = (process[entry] == process[event]) | ((family != ABSENT) & (family == families[process[entry]]))
        rank = 2 * is_family + (trace.start_ns[entry] <= trace.start_ns[event])
        distance = np.abs(entry - event)
        better = (rank > best_rank[at]) | ((rank == best_rank[at]) & (distance < nearest[at]))
        better &= is_family | (family == ABSENT)
        chosen = at[better]
        best[chosen], best_rank[chosen], nearest[chosen] = entry[better], rank[better], distance[better]
    return best


def _hosts(trace: Trace) -> Indices:
    """The processes that have calls."""
    is_call = np.isin(trace.category, (Category.OPERATOR, Category.ANNOTATION, Category.RUNTIME))
    return np.flatnonzero(np.bincount(trace.process_code[is_call]))


def _families(trace: Trace, hosts: Indices) -> Indices:
    """A number for each process; ABSENT where its texts name no family, or one without a host."""
    texts = [process.family for process in trace.processes]
    number = {text: at for at, text in enumerate(dict.fromkeys(texts[host] for host in hosts.tolist())) if text}
    return np.array([number.get(text, ABSENT) for text in texts], dtype=np.int64)
