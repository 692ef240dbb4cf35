"""Evidence → a judgement of each cell.

Takes what was measured and why it ended, gives judgements whose p-values are corrected for all cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import expm1, log1p, nan

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.model.effects import CONFIDENCE, effect_size
from tbp.statistics.benjamini_hochberg import benjamini_hochberg
from tbp.statistics.paired_ratios import Estimate
from tbp.statistics.robust import median
from tbp.turns.evidence import CellStanding, Evidence, Limits, agrees, estimated, is_excluded
from tbp.wording import words

LEAST_PAIRS = 2  # fewer say nothing of their spread
QUIETER = "measure on a quieter machine"
NOTICED = 0.005  # a reader who divides the two values of a row sees that the effect is another
OF_PAIRS = (
    "an effect is the mean of the pairs' ratios, each measured together; the values beside it are medians, "
    "whose ratio may be another"
)


def judgements(evidence: Sequence[Evidence], limits: Limits, ended: str = "") -> tuple[Judgement, ...]:
    """The judgement of each cell. ``ended`` says why measuring stopped before all was decided, as "interrupted"."""
    measured = [each for each in evidence if each.state is None and len(each.pairs) >= LEAST_PAIRS]
    # A cell that was not flagged claims nothing, but it was looked at, and counts as that.
    raw = [each.p_value for each in measured]
    corrected = dict(zip((each.cell for each in measured), benjamini_hochberg(raw), strict=True))
    return tuple(_judgement(each, corrected.get(each.cell, nan), limits, ended) for each in evidence)


def _judgement(evidence: Evidence, p_value: float, limits: Limits, ended: str) -> Judgement:
    cell = evidence.cell
    bare = Judgement(cell.benchmark, cell.parameters, evidence.state or State.UNDECIDED, reason=evidence.reason)
    if evidence.state is not None:
        return bare
    if len(evidence.pairs) < LEAST_PAIRS:
        return replace(bare, evidence=len(evidence.pairs), reason=_too_few(len(evidence.pairs), ended))
    seen = estimated(evidence.fresh)
    state, reason = _state(evidence, seen, p_value, limits, ended)
    low, high = seen.interval(CONFIDENCE)
    return replace(
        bare,
        state=state,
        reason=reason,
        before=median([pair.base_s for pair in evidence.fresh]),
        after=median([pair.head_s for pair in evidence.fresh]),
        effect=expm1(seen.effect),
        low=expm1(low),
        high=expm1(high),
        p_value=p_value,
        evidence=seen.pairs,
    )


def effect_notes(judged: Iterable[Judgement]) -> Iterator[str]:
    """OF_PAIRS where a row that is listed has two values whose ratio is noticeably not its effect."""
    listed = [each for each in judged if each.state is not State.NO_CHANGE and each.before > 0]
    if any(abs(effect_size(each.before, each.after) - each.effect) >= NOTICED for each in listed):
        yield OF_PAIRS


def _too_few(pairs: int, ended: str) -> str:
    return f"only {words.count(pairs, 'pair')} measured: {ended}" if pairs else f"not measured: {ended}"


def _state(evidence: Evidence, seen: Estimate, p_value: float, limits: Limits, ended: str) -> tuple[State, str]:
    is_relevant = abs(seen.effect) >= log1p(limits.relevant)
    if evidence.is_flagged and p_value <= limits.false_discovery_rate and is_relevant:
        if not agrees(evidence.confirmed, seen.effect):
            return State.UNDECIDED, f"contended: wall time moved and CPU time did not; {QUIETER}"
        return (State.REGRESSION if seen.effect > 0 else State.IMPROVEMENT), ""
    is_cut_off = bool(ended) and evidence.wants_pairs
    if evidence.standing is CellStanding.FLAGGED and is_cut_off:
        return State.UNDECIDED, f"suspected, and not confirmed by fresh pairs: {ended}"
    whole = estimated(evidence.pairs)
    if is_excluded(seen, limits.excluded) or is_excluded(whole, limits.excluded):
        return State.NO_CHANGE, ""
    shown, kind = (
        (seen, "fresh pair") if evidence.is_flagged else (whole, "pair")
    )  # fresh ones decide what is suspected
    low, high = (words.signed_percent(expm1(bound)) for bound in shown.interval(CONFIDENCE))
    room = f"anything from {low} to {high} is possible after {words.count(shown.pairs, kind)}"
    return State.UNDECIDED, f"{room}; {ended if is_cut_off else QUIETER}"
