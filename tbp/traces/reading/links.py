"""Events that share an identifier, in the process that the identifier belongs to.

Takes a ``Trace``, gives for each wanted event the one it is linked to. Every process counts its identifiers on its own,
so in a file that several were merged into the same one stands for several things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

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
    3. could have launched most of what runs on the wanted event's device;
    4. stands nearest in the file.

    An event of another family is none where the wanted event's family has host events at all.
    """
    none = np.full(len(wanted), ABSENT, dtype=np.int64)
    if not len(known) or not len(wanted):
        return none
    process = trace.process_code[known].astype(np.int64)
    order = np.lexsort((process, known_id))  # stable: the first in the file stays the first
    ids, owners = known_id[order], process[order]
    is_first = np.append(True, (ids[1:] != ids[:-1]) | (owners[1:] != owners[:-1]))
    entries, ids, owners = known[order][is_first], ids[is_first], owners[is_first]
    low, high = (np.searchsorted(ids, wanted_id, side=side) for side in ("left", "right"))
    if not (process != process[0]).any():
        return np.where(low < high, entries[np.minimum(low, len(entries) - 1)], ABSENT)
    return _Candidates(trace, wanted, entries, owners, low, high).best


class _Candidates:
    """The events of several processes that each wanted event may be linked to: from ``low`` up to ``high``."""

    def __init__(
        self, trace: Trace, wanted: Indices, entries: Indices, owners: Indices, low: Indices, high: Indices
    ) -> None:
        self.trace = trace
        self.wanted = wanted
        self.entries = entries
        self.owners = owners
        self.low = low
        self.candidates = np.minimum(high - low, MOST_CANDIDATES)
        self.device = trace.process_code[wanted].astype(np.int64)
        self.family = _families(trace, np.unique(owners))

    @property
    def best(self) -> Indices:
        likely = self._likely_owners()
        best = np.full(len(self.wanted), ABSENT, dtype=np.int64)
        best_rank = np.full(len(self.wanted), -1, dtype=np.int64)
        nearest = np.full(len(self.wanted), len(self.trace), dtype=np.int64)
        for at, entry, owner in self._each():
            device = self.device[at]
            theirs = self.family[device]
            is_family = (theirs != ABSENT) & (theirs == self.family[owner])
            rank = 8 * (owner == device) + 4 * is_family + 2 * self._could_be(at, entry) + (likely[device] == owner)
            distance = np.abs(entry - self.wanted[at])
            better = (rank > best_rank[at]) | ((rank == best_rank[at]) & (distance < nearest[at]))
            better &= is_family | (owner == device) | (theirs == ABSENT)
            chosen = at[better]
            best[chosen], best_rank[chosen], nearest[chosen] = entry[better], rank[better], distance[better]
        return best

    def _each(self) -> Iterator[tuple[Indices, Indices, Indices]]:
        """(wanted events, the entry of each, its process), candidate by candidate."""
        for candidate in range(int(self.candidates.max(initial=0))):
            at = np.flatnonzero(self.candidates > candidate)
            entry = self.low[at] + candidate
            yield at, self.entries[entry], self.owners[entry]

    def _could_be(self, at: Indices, entry: Indices) -> NDArray[np.bool_]:
        """True where the entry began before the wanted event, as a launch does."""
        before: NDArray[np.bool_] = self.trace.start_ns[entry] <= self.trace.start_ns[self.wanted[at]]
        return before

    def _likely_owners(self) -> Indices:
        """For each process the one that could have launched most of what runs there; ABSENT where two are even."""
        processes = len(self.trace.processes)
        votes: Counter[int] = Counter()
        for at, entry, owner in self._each():
            could = self._could_be(at, entry)
            pairs, counts = np.unique(self.device[at[could]] * processes + owner[could], return_counts=True)
            votes.update(dict(zip(pairs.tolist(), counts.tolist(), strict=True)))
        likely = np.full(processes, ABSENT, dtype=np.int64)
        most = np.zeros(processes, dtype=np.int64)
        for pair, count in votes.items():
            device, launching = divmod(pair, processes)
            if count >= most[device]:
                likely[device] = launching if count > most[device] else ABSENT
                most[device] = count
        return likely


def _families(trace: Trace, owners: Indices) -> Indices:
    """A number for each process; ABSENT where its texts name no family, or not one of ``owners``."""
    texts = [process.family for process in trace.processes]
    number = {text: at for at, text in enumerate(dict.fromkeys(texts[owner] for owner in owners.tolist())) if text}
    return np.array([number.get(text, ABSENT) for text in texts], dtype=np.int64)
