"""The use of the time that is left: which cell may have another pair.

Takes what pairs have cost so far and what is still to be said of each cell, gives whether a pair may begin. The order
of need: what is begun gets its first look, then every other cell does, then what is flagged its next one, and last
what is open one more pair. A cell waits where its pairs would take the time of those before it. What has no pair yet
leaves a part of the time to confirming; nothing begins that cannot be looked at in time.

Knows no clock: it is told what is left and what was spent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from statistics import fmean, median_low

from tbp.turns.cells import Cell
from tbp.turns.evidence import FIRST_LOOK, CellStanding, Evidence

# Of what is left, kept from cells that have no pair yet: a change that is only suspected decides nothing. Screening
# takes 4 pairs of every cell and confirming mostly 6 of few: half of screening's time is enough for one cell in three.
CONFIRMING_SHARE = 1 / 3
# Of the budget, kept for traces once a cell is flagged: naming an operator takes about as long as two more pairs.
TRACING_SHARE = 0.1
# Before the first pair nothing is known: about what a step of some milliseconds takes.
FIRST_PAIR_S = 2.0


class Budget:
    """The wall time of a gate; without an end everything has room."""

    def __init__(self, left_s: Callable[[], float] = lambda: inf, total_s: float = inf, start_s: float = 0.0) -> None:
        self._left_s = left_s
        self._total_s = total_s
        self._starts_s = [start_s]  # that workers took to be ready; the first one is the caller's guess
        self._pairs_s: dict[Cell, list[float]] = {}
        self._usual_s = FIRST_PAIR_S

    def workers_began(self, seconds: float) -> None:
        """New workers took so long until they could measure."""
        self._starts_s.append(seconds)

    def pair_ended(self, cell: Cell, seconds: float) -> None:
        """One more pair of ``cell`` took so long."""
        self._pairs_s.setdefault(cell, []).append(seconds)
        if len(self._pairs_s[cell]) == 1:  # the lower median, so that one slow benchmark does not stand for all
            self._usual_s = median_low([FIRST_PAIR_S, *(pairs_s[0] for pairs_s in self._pairs_s.values())])

    def pair_s(self, cell: Cell) -> float:
        """The expected duration of a pair of ``cell``: by its own so far, or else the usual one."""
        if pairs_s := self._pairs_s.get(cell):
            return max(pairs_s[-1], fmean(pairs_s))
        return self._usual_s

    def has_room(self, index: int, everything: Sequence[Evidence], *, starting: bool = False) -> bool:
        """Returns whether a pair of the cell at ``index`` can begin; ``starting``: with its workers."""
        evidence = everything[index]
        left_s = self._left_s()
        if left_s == inf:
            return True
        if any(other.is_flagged for other in everything):
            left_s -= TRACING_SHARE * self._total_s
        start_s = max(self._starts_s[-1], fmean(self._starts_s))
        rank = _rank(index, evidence)
        turns, owed_s = evidence.pairs_to_look - 1, evidence.pairs_to_look * self.pair_s(evidence.cell)
        if owed_s + (turns + starting) * start_s > left_s:
            return False
        if not evidence.screened:
            left_s *= 1 - CONFIRMING_SHARE
        for other_index, other in enumerate(everything):
            theirs_s = other.pairs_to_look * self.pair_s(other.cell)
            # What cannot be looked at in time anyway holds up nobody.
            is_hopeless = theirs_s + other.pairs_to_look * start_s > left_s
            if _rank(other_index, other) < rank and not is_hopeless:
                turns, owed_s = max(turns, other.pairs_to_look), owed_s + theirs_s
        return owed_s + (turns + starting) * start_s <= left_s


def _rank(index: int, evidence: Evidence) -> tuple[int, int, int]:
    """Who is served first; of equals the first of the suite, so that some are decided rather than none."""
    return need(evidence), evidence.pairs_to_look, index


def need(evidence: Evidence) -> int:
    """The order in which cells get pairs, the first 0."""
    if not evidence.wants_pairs:
        return 4
    if evidence.standing is CellStanding.FLAGGED:
        return 2
    if len(evidence.screened) >= FIRST_LOOK:
        return 3
    return 0 if evidence.screened else 1
