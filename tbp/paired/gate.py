"""The gate's policy: how many pairs a cell gets, and what is said of it in the end.

Two stages. Screening gives every cell at most eight pairs and ends early where nothing is to be seen. Confirmation
gives what was flagged twelve *fresh* pairs, which alone decide: chance that flagged a cell does not come twice, and
the size of the effect is not the luckiest of many. What stayed unclear gets them too, to be cleared if possible.

Takes cells and something that measures a pair, gives judgements; knows no processes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import copysign, expm1, isnan, log1p, nan
from statistics import median

from msgspec.structs import replace

from tbp.history.false_discovery import benjamini_hochberg
from tbp.history.series import State
from tbp.paired.estimate import Estimate, Pair, estimate
from tbp.paired.referee import SIDES, Cell, CellFailed, CellSkipped, Side
from tbp.verdict.judgement import CONFIDENCE, Judgement

# A signed-rank test at 99 % needs eight pairs; a real 5 % was found in 80–90 % of cases with 8 pairs, in 82–99.7 %
# with 12 (loaded two-core machine).
SCREEN_PAIRS = 8
CONFIRM_PAIRS = 12
# Looks at the evidence while screening: before four pairs an interval says nothing.
FIRST_LOOK = 4
# A cell is flagged for confirmation on weak evidence: it costs pairs, not a false alarm.
FLAG_P = 0.1
# … and screened no further once that is strong.
FLAG_EARLY_P = 0.01
# The witness: a CPU-bound step's CPU time must move at least this share of what its wall time did.
WITNESS_SHARE = 0.5


@dataclass(frozen=True)
class Limits:
    """What a user may want otherwise. Effects are relative: 0.02 is 2 %."""

    relevant: float = 0.02  # a smaller change is never claimed
    excluded: float = 0.05  # "no change" means that the interval excludes a change this large
    false_discovery_rate: float = 0.05  # expected share of false ones among the changes claimed


class Standing(Enum):
    """Where a cell stands while pairs are measured."""

    OPEN = "open"
    CLEAR = "clear"  # no change can be said
    FLAGGED = "flagged"  # a change is suspected
    OUT = "out"  # failed or skipped


@dataclass
class Evidence:
    """All that was measured of one cell."""

    cell: Cell
    screened: list[Pair] = field(default_factory=list)
    confirmed: list[Pair] = field(default_factory=list)
    standing: Standing = Standing.OPEN
    state: State | None = None  # FAILED or SKIPPED
    reason: str = ""

    @property
    def pairs(self) -> list[Pair]:
        return [*self.screened, *self.confirmed]


# Measures one pair of a stage: gives each cell's pair or error, in any order.
Measure = Callable[[Sequence[Cell], Side], Mapping[Cell, Pair | CellFailed | CellSkipped]]
Heard = Callable[[str, int, int, int], None]  # stage, pair, of how many, cells


def run_gate(cells: Sequence[Cell], measure: Measure, limits: Limits, heard: Heard) -> list[Evidence]:
    """Both stages over ``cells``."""
    evidence = [Evidence(cell) for cell in cells]
    for i in range(SCREEN_PAIRS):
        active = [one for one in evidence if one.standing is Standing.OPEN]
        if not active:
            break
        heard("screening", i, SCREEN_PAIRS, len(active))
        _measure_pair(active, measure, i, lambda one: one.screened)
        for one in active:
            if one.standing is Standing.OPEN and len(one.screened) >= FIRST_LOOK:
                one.standing = look(one.screened, limits, is_last=len(one.screened) == SCREEN_PAIRS)
    for i in range(CONFIRM_PAIRS):
        active = [one for one in evidence if one.standing in (Standing.OPEN, Standing.FLAGGED)]
        if not active:
            break
        heard("confirming", i, CONFIRM_PAIRS, len(active))
        _measure_pair(active, measure, SCREEN_PAIRS + i, lambda one: one.confirmed)
        for one in active:
            if one.standing is Standing.OPEN and is_excluded(estimate(_effects(one.pairs)), limits.excluded):
                one.standing = Standing.CLEAR
    return evidence


def _measure_pair(
    active: Sequence[Evidence], measure: Measure, number: int, kept: Callable[[Evidence], list[Pair]]
) -> None:
    """One more pair for each of ``active``, in an order and with a first side that change from pair to pair."""
    order = random.Random(number).sample(active, len(active))
    found = measure([one.cell for one in order], SIDES[number % 2])
    for one in order:
        match found[one.cell]:
            case Pair() as pair:
                kept(one).append(pair)
            case CellSkipped() as skipped:
                one.standing, one.state, one.reason = Standing.OUT, State.SKIPPED, str(skipped)
            case failed:
                one.standing, one.state, one.reason = Standing.OUT, State.FAILED, str(failed)


def look(pairs: Sequence[Pair], limits: Limits, is_last: bool) -> Standing:
    """Where a cell stands after these screening pairs."""
    seen = estimate(_effects(pairs))
    is_relevant = abs(seen.effect) >= log1p(limits.relevant)
    if is_relevant and seen.p_value <= (FLAG_P if is_last else FLAG_EARLY_P):
        return Standing.FLAGGED
    if is_excluded(seen, limits.excluded):
        return Standing.CLEAR
    return Standing.OPEN


def is_excluded(seen: Estimate, change: float) -> bool:
    """Whether the interval leaves no room for an effect of ``change`` in either direction."""
    low, high = seen.interval(CONFIDENCE)
    return -log1p(change) < low and high < log1p(change)


def judgements(evidence: Sequence[Evidence], limits: Limits) -> tuple[Judgement, ...]:
    """What is said of each cell; p-values are corrected for all cells that were measured."""
    measured = [one for one in evidence if one.state is None]
    # A cell that was not flagged claims nothing, but it was looked at, and counts as that.
    raw = [_estimate(one).p_value if one.standing is Standing.FLAGGED else 1.0 for one in measured]
    corrected = dict(zip((one.cell for one in measured), benjamini_hochberg(raw), strict=True))
    return tuple(_judgement(one, corrected.get(one.cell, nan), limits) for one in evidence)


def _estimate(one: Evidence) -> Estimate:
    """Fresh pairs alone where a change was suspected: those that raised the suspicion would enlarge it."""
    fresh = one.standing is Standing.FLAGGED and len(one.confirmed) >= 2
    return estimate(_effects(one.confirmed if fresh else one.pairs))


def _judgement(one: Evidence, p_value: float, limits: Limits) -> Judgement:
    cell = one.cell
    bare = Judgement(cell.benchmark, cell.parameters, one.state or State.UNDECIDED, reason=one.reason)
    if one.state is not None:
        return bare
    seen = _estimate(one)
    state, reason = _state(one, seen, p_value, limits)
    low, high = seen.interval(CONFIDENCE)
    return replace(
        bare,
        state=state,
        reason=reason,
        before=median(pair.base_s for pair in one.pairs),
        after=median(pair.head_s for pair in one.pairs),
        effect=expm1(seen.effect),
        low=expm1(low),
        high=expm1(high),
        p_value=p_value,
        evidence=seen.pairs,
    )


def _state(one: Evidence, seen: Estimate, p_value: float, limits: Limits) -> tuple[State, str]:
    is_significant = p_value <= limits.false_discovery_rate
    if one.standing is Standing.FLAGGED and is_significant and abs(seen.effect) >= log1p(limits.relevant):
        if not agrees(one.confirmed, seen.effect):
            return State.UNDECIDED, "contended: wall time moved and CPU time did not; measure on a quieter machine"
        return (State.REGRESSION if seen.effect > 0 else State.IMPROVEMENT), ""
    whole = estimate(_effects(one.pairs))
    if is_excluded(seen, limits.excluded) or is_excluded(whole, limits.excluded):
        return State.NO_CHANGE, ""
    low, high = whole.interval(CONFIDENCE)
    room = f"anything from {expm1(low):+.1%} to {expm1(high):+.1%} is possible after {whole.pairs} pairs"
    return State.UNDECIDED, f"{room}; measure on a quieter machine".replace("%", " %").replace("-", "−")


def agrees(pairs: Sequence[Pair], effect: float) -> bool:
    """Whether CPU time bears witness to an effect in wall time; yes where it cannot be asked."""
    seen = [pair.cpu_effect for pair in pairs if not isnan(pair.cpu_effect)]
    if len(seen) < len(pairs) / 2:
        return True
    return median(seen) * copysign(1.0, effect) >= WITNESS_SHARE * abs(effect)


def _effects(pairs: Sequence[Pair]) -> list[float]:
    return [pair.effect for pair in pairs]
