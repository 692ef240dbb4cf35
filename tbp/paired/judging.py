"""Evidence → what is said of each cell.

Takes what was measured and why it ended, gives judgements whose p-values are corrected for all cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import expm1, log1p, nan
from statistics import median

from msgspec.structs import replace

from tbp.history.false_discovery import benjamini_hochberg
from tbp.history.series import State
from tbp.paired.estimate import Estimate
from tbp.paired.evidence import Evidence, Limits, Standing, agrees, estimated, is_excluded
from tbp.report import words
from tbp.verdict.judgement import CONFIDENCE, Judgement

LEAST_PAIRS = 2  # fewer say nothing of their spread
QUIETER = "measure on a quieter machine"


def judgements(evidence: Sequence[Evidence], limits: Limits, ended: str = "") -> tuple[Judgement, ...]:
    """What is said of each cell. ``ended`` says why measuring stopped before all was decided, as "interrupted"."""
    measured = [one for one in evidence if one.state is None and len(one.pairs) >= LEAST_PAIRS]
    # A cell that was not flagged claims nothing, but it was looked at, and counts as that.
    raw = [one.p_value for one in measured]
    corrected = dict(zip((one.cell for one in measured), benjamini_hochberg(raw), strict=True))
    return tuple(_judgement(one, corrected.get(one.cell, nan), limits, ended) for one in evidence)


def _judgement(one: Evidence, p_value: float, limits: Limits, ended: str) -> Judgement:
    cell = one.cell
    bare = Judgement(cell.benchmark, cell.parameters, one.state or State.UNDECIDED, reason=one.reason)
    if one.state is not None:
        return bare
    if len(one.pairs) < LEAST_PAIRS:
        return replace(bare, evidence=len(one.pairs), reason=_too_few(len(one.pairs), ended))
    seen = estimated(one.fresh)
    state, reason = _state(one, seen, p_value, limits, ended)
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


def _too_few(pairs: int, ended: str) -> str:
    return f"only {words.count(pairs, 'pair')} measured: {ended}" if pairs else f"not measured: {ended}"


def _state(one: Evidence, seen: Estimate, p_value: float, limits: Limits, ended: str) -> tuple[State, str]:
    is_relevant = abs(seen.effect) >= log1p(limits.relevant)
    if one.is_flagged and p_value <= limits.false_discovery_rate and is_relevant:
        if not agrees(one.confirmed, seen.effect):
            return State.UNDECIDED, f"contended: wall time moved and CPU time did not; {QUIETER}"
        return (State.REGRESSION if seen.effect > 0 else State.IMPROVEMENT), ""
    is_cut_off = bool(ended) and one.wants_pairs
    if one.standing is Standing.FLAGGED and is_cut_off:
        return State.UNDECIDED, f"suspected, and not confirmed by fresh pairs: {ended}"
    whole = estimated(one.pairs)
    if is_excluded(seen, limits.excluded) or is_excluded(whole, limits.excluded):
        return State.NO_CHANGE, ""
    low, high = (words.signed_percent(expm1(bound)) for bound in whole.interval(CONFIDENCE))
    room = f"anything from {low} to {high} is possible after {whole.pairs} pairs"
    return State.UNDECIDED, f"{room}; {ended if is_cut_off else QUIETER}"
