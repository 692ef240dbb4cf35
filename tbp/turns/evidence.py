"""The evidence of a cell: its pairs, and when they are enough.

Screening gives a cell at most eight pairs and ends early where nothing is to be seen. What is flagged gets up to twelve
*fresh* pairs, which alone decide: chance that flagged a cell does not come twice, and the size of the effect is not
the luckiest of many. They are looked at three times, and each look may spend its part of the error alone. What
screening leaves open gets as many pairs as a flagged cell would, to be cleared if possible.

Takes pairs, gives where a cell stands; knows no processes and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import copysign, isnan, log1p

from msgspec import Struct, field

from tbp.model import relevance
from tbp.model.changes import State
from tbp.model.effects import CONFIDENCE
from tbp.statistics.paired_ratios import Estimate, Pair, estimate
from tbp.statistics.robust import median
from tbp.turns.cells import Cell, CellSkipped

# A signed-rank test at 99 % needs eight pairs; a real 5 % was found in 80–90 % of cases with 8 pairs, in 82–99.7 %
# with 12 (loaded two-core machine).
SCREEN_PAIRS = 8
CONFIRM_PAIRS = 12
# Fresh pairs at which a flagged cell is looked at → the share of the error that the look may spend (Lan and DeMets,
# "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983; the parts are added up, which is cautious).
# Little is spent early, so that the last look loses little: only what is clear ends there. Six pairs are the fewest
# that two modes of a process do not fool: they agree by chance in at most 2 · 4⁻⁶, one in 2,000.
CONFIRM_LOOKS = {6: 0.05, 9: 0.1, CONFIRM_PAIRS: 0.85}
# Looks at the evidence while screening: before four pairs an interval says nothing.
FIRST_LOOK = 4
# A cell is flagged for confirmation on weak evidence: it costs pairs, not a false alarm.
FLAG_P = 0.1
# … and screened no further once that is strong.
FLAG_EARLY_P = 0.01
# The witness: a CPU-bound step's CPU time must move at least this share of what its wall time did.
WITNESS_SHARE = 0.5


class Limits(Struct, frozen=True):
    """The limits that a user may want otherwise. Effects are relative: 0.02 is 2 %."""

    relevant: float = relevance.TWO_COMMITS  # a smaller change is never claimed
    excluded: float = relevance.EXCLUDED  # "no change" means that the interval excludes a change this large
    false_discovery_rate: float = 0.05  # expected share of false ones among the changes claimed


class CellStanding(Enum):
    """The standing of a cell while pairs are measured."""

    OPEN = "open"
    CLEAR = "clear"  # no change can be said
    FLAGGED = "flagged"  # a change is suspected
    SETTLED = "settled"  # … and fresh pairs have decided
    OUT = "out"  # failed or skipped


class Evidence(Struct):
    """All that was measured of one cell."""

    cell: Cell
    screened: list[Pair] = field(default_factory=list)
    confirmed: list[Pair] = field(default_factory=list)
    standing: CellStanding = CellStanding.OPEN
    state: State | None = None  # FAILED or SKIPPED
    reason: str = ""

    @property
    def pairs(self) -> list[Pair]:
        return [*self.screened, *self.confirmed]

    @property
    def is_flagged(self) -> bool:
        return self.standing in (CellStanding.FLAGGED, CellStanding.SETTLED)

    @property
    def wants_pairs(self) -> bool:
        """Returns whether more pairs could decide something."""
        is_undecided = self.standing in (CellStanding.OPEN, CellStanding.FLAGGED)
        return is_undecided and self.pairs_to_come > 0

    @property
    def pairs_to_come(self) -> int:
        """At most, until nothing more is asked of it."""
        if self.standing is CellStanding.FLAGGED:
            return CONFIRM_PAIRS - len(self.confirmed)
        return SCREEN_PAIRS + CONFIRM_PAIRS - len(self.pairs)

    @property
    def pairs_to_look(self) -> int:
        """Until the next look that may decide."""
        if self.standing is CellStanding.FLAGGED:
            return min(look - len(self.confirmed) for look in CONFIRM_LOOKS if look > len(self.confirmed))
        return max(1, FIRST_LOOK - len(self.screened))

    @property
    def fresh(self) -> list[Pair]:
        """The pairs that decide: those after the cell was flagged, once there are enough for a look; else all."""
        return self.confirmed if self.is_flagged and len(self.confirmed) >= min(CONFIRM_LOOKS) else self.pairs

    @property
    def p_value(self) -> float:
        """Chance of what the fresh pairs say without a change, corrected for the looks; 1 where there was none."""
        looks = [look for look in CONFIRM_LOOKS if self.is_flagged and look <= len(self.confirmed)]
        return min([1.0, *(estimated(self.confirmed[:look]).p_value / CONFIRM_LOOKS[look] for look in looks)])

    def add(self, answer: Pair | Exception, limits: Limits, cells: int) -> None:
        """One more pair, or why there is none; ``cells`` is how many are measured, for whom p-values are corrected."""
        if isinstance(answer, CellSkipped):
            self.standing, self.state, self.reason = CellStanding.OUT, State.SKIPPED, str(answer)
        elif isinstance(answer, Exception):
            self.standing, self.state, self.reason = CellStanding.OUT, State.FAILED, str(answer)
        elif self.standing is CellStanding.FLAGGED:
            self.confirmed.append(answer)
            if len(self.confirmed) in CONFIRM_LOOKS and self._is_settled(limits, cells):
                self.standing = CellStanding.SETTLED
        else:
            self.screened.append(answer)
            if len(self.screened) >= FIRST_LOOK:
                self.standing = screening_look(self.screened, limits)

    def _is_settled(self, limits: Limits, cells: int) -> bool:
        """Returns whether more fresh pairs change nothing: the change is sure among ``cells``, or there is none."""
        if len(self.confirmed) == CONFIRM_PAIRS:
            return True
        seen = estimated(self.confirmed)
        if abs(seen.effect) < log1p(limits.relevant):
            return is_excluded(seen, limits.excluded)
        # As if none of the others had changed: what passes so passes Benjamini and Hochberg whatever they say.
        return self.p_value * cells <= limits.false_discovery_rate and agrees(self.confirmed, seen.effect)


def screening_look(pairs: Sequence[Pair], limits: Limits) -> CellStanding:
    """The standing of a cell that is not flagged after these pairs; beyond SCREEN_PAIRS it can only be cleared."""
    seen = estimated(pairs)
    is_relevant = abs(seen.effect) >= log1p(limits.relevant)
    needed_p = FLAG_P if len(pairs) == SCREEN_PAIRS else FLAG_EARLY_P
    if len(pairs) <= SCREEN_PAIRS and is_relevant and seen.p_value <= needed_p:
        return CellStanding.FLAGGED
    return CellStanding.CLEAR if is_excluded(seen, limits.excluded) else CellStanding.OPEN


def is_excluded(seen: Estimate, change: float) -> bool:
    """Returns whether the interval leaves no room for an effect of ``change`` in either direction."""
    low, high = seen.interval(CONFIDENCE)
    return -log1p(change) < low and high < log1p(change)


def agrees(pairs: Sequence[Pair], effect: float) -> bool:
    """Returns whether CPU time bears witness to an effect in wall time; yes where it cannot be asked."""
    seen = [pair.cpu_effect for pair in pairs if not isnan(pair.cpu_effect)]
    if len(seen) < len(pairs) / 2:
        return True
    return median(seen) * copysign(1.0, effect) >= WITNESS_SHARE * abs(effect)


def estimated(pairs: Sequence[Pair]) -> Estimate:
    return estimate([pair.effect for pair in pairs])
