"""The evidence of pairs of processes on a change in a series.

Takes ratios by place in the series, gives where a step explains them best and whether it is confirmed. Ratios of a
night compare a new commit with the one at which the level begins; those of many nights add up. Once they raise a
suspicion, *fresh* pairs decide: chance that raised it does not come twice. Reading ratios and measuring more is left
to others.

How often this finds a step and how often it is wrong: ``tools/simulated_nights.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from math import copysign, expm1, log1p

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.ratios import Ratio
from tbp.model import relevance
from tbp.model.changes import CONFIDENCE, Change
from tbp.model.points import levels
from tbp.model.series import Point
from tbp.statistics.paired_ratios import Estimate, estimate

# Ratios of nights raise a suspicion at this chance of them without a change. It costs fresh pairs, not an alarm.
SUSPECT_P = 0.1
# … and is shown at this one: most suspicions are none, and fresh pairs end them the same night.
SHOWN_P = 0.01
# Fresh pairs confirm at this chance, half of which lies in the suspected direction. With nights that raise a suspicion
# in up to a third of unchanged series, that is one alarm in 30,000 nights of a series.
CONFIRM_P = 0.0002
# Fresh pairs at which they are looked at → the share of CONFIRM_P that the look may spend. As in the gate: what is
# clear ends early. Beyond 96 pairs, which is half the time of a night for one benchmark, the noise is too large.
FRESH_LOOKS = {6: 0.1, 12: 0.2, 24: 0.2, 48: 0.25, 96: 0.25}
# A change that the series shows may lie a few runs from where it is (tools/false_alarms.py, MARGIN).
SETTLING_RUNS = 5
# Places are told apart where one explains the ratios better by more than this, twice a difference of log-likelihoods:
# a limit of about 95 %.
SURELY_WORSE = 4.0


class Verdict(Enum):
    """The answer of fresh pairs to a suspected change."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"  # a change of the suspected size is excluded
    UNDECIDED = "undecided"


class Crossing(Struct, frozen=True):
    """A ratio, by place in the series: a step between the two commits shows in it."""

    base: int  # place of the commit compared with
    head: int  # place of the commit judged
    effects: tuple[float, ...]  # of each pair, a logarithm
    is_fresh: bool = False

    def spans(self, index: int) -> bool:
        """True where a step at ``index`` shows in it."""
        return self.base < index <= self.head


class InTurns(Struct, frozen=True):
    """The evidence of pairs on a step at one place."""

    index: int  # of the first run at the new level
    verdict: Verdict
    effect: float  # of the fresh pairs where there are some; 0.10: the new level takes 10 % longer
    low: float  # interval at CONFIDENCE, relative as ``effect``
    high: float
    p_value: float  # of the fresh pairs, corrected for the looks; 1 without any
    against: int  # place of the commit that was compared with
    earliest: int  # place at which the step may be as well
    suspicion: float = 0.0  # chance without a change of what raised the suspicion
    wanted: int = 0  # further fresh pairs until the next look; 0 where nothing is open


def step(
    crossings: Sequence[Crossing], begin: int, end: int, relevant: float = relevance.TWO_COMMITS
) -> InTurns | None:
    """The step after ``begin`` and before ``end`` that explains ``crossings`` best; None where nothing is suspected.

    Where several places explain them equally, the newest: those before it were judged on their own nights.
    """
    inside = [crossing for crossing in crossings if begin <= crossing.base and crossing.head < end]
    # Between two of these places no ratio parts one step from another: each is the newest of its kind.
    places = sorted({index for crossing in inside for index in (crossing.base, crossing.head) if index > begin})
    gains = [_gain([crossing for crossing in inside if crossing.spans(index)]) for index in places]
    best = max(gains, default=0.0)
    if best <= 0:
        return None
    index = max(index for index, gain in zip(places, gains, strict=True) if gain >= best * (1 - 1e-12))
    raised = _raised(inside, index)
    if raised is None or raised.p_value > SUSPECT_P or abs(raised.effect) < log1p(relevant):
        return None
    limit = best - SURELY_WORSE * raised.error**2 * raised.pairs
    earliest = next(index for index, gain in zip(places, gains, strict=True) if gain >= limit)
    # The least that counts as what was suspected: chance raises a suspicion, and so enlarges it.
    suspected = copysign(max(log1p(relevant), (abs(raised.effect) - raised.error) / 2), raised.effect)
    return replace(_decided(inside, index, suspected, relevant, earliest), suspicion=raised.p_value)


def of_change(crossings: Sequence[Crossing], index: int, begin: int, effect: float) -> InTurns | None:
    """The evidence of fresh pairs on a change by ``effect`` that the series shows at ``index``; None without any.

    Pairs count that compare a commit at or after ``begin``, where the level before the change begins. How large it has
    to be was decided with the series.
    """
    fresh = [crossing for crossing in crossings if crossing.is_fresh and begin <= crossing.base]
    if len(_effects(fresh, index, is_fresh=True)) < min(FRESH_LOOKS):
        return None
    # Half of it would still be news.
    return _decided(fresh, index, log1p(effect) / 2, 0.0, max(begin + 1, index - SETTLING_RUNS))


def _raised(crossings: Sequence[Crossing], index: int) -> Estimate | None:
    """The estimate of a step at ``index`` by ratios of nights; None where they are too few.

    The spread is that of all pairs around the mean of their ratio: a night has few, and those before it the same noise.
    """
    effects = _effects(crossings, index, is_fresh=False)
    deviations = [np.asarray(crossing.effects) - np.mean(crossing.effects) for crossing in crossings]
    freedom = sum(len(deviation) - 1 for deviation in deviations if len(deviation) > 1)
    if len(effects) < 2 or not freedom:
        return None
    spread = float(np.sqrt(sum(float(deviation @ deviation) for deviation in deviations) / freedom))
    return Estimate(len(effects), estimate(effects).effect, spread / len(effects) ** 0.5, freedom)


def _gain(crossings: Sequence[Crossing]) -> float:
    """By how much a step explains them better than none: twice the log-likelihood, times a pair's variance."""
    pairs = sum(len(crossing.effects) for crossing in crossings)
    total = sum(len(crossing.effects) * float(np.median(crossing.effects)) for crossing in crossings)
    return total**2 / pairs if pairs else 0.0


def _effects(crossings: Iterable[Crossing], index: int, *, is_fresh: bool) -> list[float]:
    """The effects of all pairs, fresh or not, in which a step at ``index`` shows."""
    spanning = (crossing for crossing in crossings if crossing.spans(index) and crossing.is_fresh is is_fresh)
    return [effect for crossing in spanning for effect in crossing.effects]


def _decided(crossings: Sequence[Crossing], index: int, suspected: float, relevant: float, earliest: int) -> InTurns:
    """The evidence on a step at ``index``; ``suspected`` is a logarithm, and less than it is not what was suspected."""
    fresh = _effects(crossings, index, is_fresh=True)
    looks = [look for look in FRESH_LOOKS if look <= len(fresh)]
    p_value = min([1.0, *(estimate(fresh[:look]).p_value / FRESH_LOOKS[look] for look in looks)])
    estimated = estimate(fresh if len(fresh) >= 2 else _effects(crossings, index, is_fresh=False))
    low, high = estimated.interval(CONFIDENCE)
    verdict = _verdict(estimated, p_value, suspected, relevant) if looks else Verdict.UNDECIDED
    spanning = (crossing for crossing in crossings if crossing.spans(index))
    return InTurns(
        index=index,
        verdict=verdict,
        effect=expm1(estimated.effect),
        low=expm1(low),
        high=expm1(high),
        p_value=p_value,
        against=max(crossing.base for crossing in spanning if crossing.is_fresh or not fresh),
        earliest=earliest,
        wanted=_to_next_look(len(fresh)) if verdict is Verdict.UNDECIDED else 0,
    )


def _to_next_look(pairs: int) -> int:
    """Fresh pairs until the next look; 0 after the last one."""
    return min((look - pairs for look in FRESH_LOOKS if look > pairs), default=0)


def _verdict(estimated: Estimate, p_value: float, suspected: float, relevant: float) -> Verdict:
    is_same_direction = estimated.effect * suspected > 0
    if p_value <= CONFIRM_P and is_same_direction and abs(estimated.effect) >= log1p(relevant):
        return Verdict.CONFIRMED
    low, high = estimated.interval(CONFIDENCE)
    is_excluded = high < suspected if suspected > 0 else low > suspected
    return Verdict.REFUTED if is_excluded else Verdict.UNDECIDED


def by_place(points: Sequence[Point], ratios: Sequence[Ratio]) -> list[Crossing]:
    """The ratios whose commits both are in the series."""
    if not ratios:
        return []
    places = {point.commit.hash: index for index, point in enumerate(points)}
    return [
        Crossing(places[ratio.base], places[ratio.head], ratio.effects, ratio.is_fresh)
        for ratio in ratios
        if ratio.base in places and ratio.head in places
    ]


def with_pairs(
    changes: Sequence[Change], points: Sequence[Point], ratios: Sequence[Ratio], relevant: float
) -> tuple[Change, ...]:
    """The changes of a series, the newest as pairs confirm or refute them, and with a step that pairs alone show."""
    crossings = by_place(points, ratios)
    if not crossings:
        return tuple(changes)
    judged = _tested(changes, crossings, points)
    begin = level_begin(judged, points)
    evidence = step(crossings, begin, len(points), max(relevant, relevance.TWO_COMMITS))
    if evidence is None or evidence.verdict is Verdict.REFUTED:
        return tuple(judged)
    distant = [change for change in judged if change.index <= begin or not _is_near(change, evidence.index)]
    is_confirmed = evidence.verdict is Verdict.CONFIRMED
    # A suspicion is shown where nothing else shows it.
    if is_confirmed or (len(distant) == len(judged) and evidence.suspicion <= SHOWN_P):
        return tuple(sorted([*distant, _change(evidence, begin, points)], key=lambda change: change.index))
    return tuple(judged)


def _is_near(change: Change, index: int) -> bool:
    return abs(change.index - index) <= SETTLING_RUNS


def level_begin(changes: Sequence[Change], points: Sequence[Point]) -> int:
    """Place of the first run of the level that the series is confirmed to be on."""
    confirmed = [change.index for change in changes if change.confirmed]
    first = next((index for index, point in enumerate(points) if point.has_level), 0)
    return max([first, *confirmed])


def _tested(changes: Sequence[Change], crossings: Sequence[Crossing], points: Sequence[Point]) -> list[Change]:
    """The changes, those that the series confirms as fresh pairs confirm or refute them.

    The oldest first: where it is none, the level before it goes on, and the next one is a change of that level.
    """
    tested: list[Change] = []
    for change in changes:
        evidence = _fresh_evidence(change, level_begin(tested, points), crossings)
        tested.append(change if evidence is None else _with_evidence(change, evidence, points))
    return tested


def _fresh_evidence(change: Change, begin: int, crossings: Sequence[Crossing]) -> InTurns | None:
    """The evidence of fresh pairs on a change that the series confirms; None without any."""
    if not change.is_verdict or not change.before:
        return None
    return of_change(crossings, change.index, begin, change.effect)


def _with_evidence(change: Change, evidence: InTurns, points: Sequence[Point]) -> Change:
    if evidence.verdict is not Verdict.CONFIRMED:
        return replace(change, confirmed=False, doubt=_doubt(evidence, points))
    return replace(
        change,
        low=evidence.low,
        high=evidence.high,
        after=change.before * (1 + evidence.effect),
        p_value=evidence.p_value,
        in_turns=points[evidence.against].commit.hash,
    )


def _change(evidence: InTurns, begin: int, points: Sequence[Point]) -> Change:
    """A step that pairs alone show."""
    before = float(np.nanmedian(levels(points)[begin : evidence.index]))
    is_confirmed = evidence.verdict is Verdict.CONFIRMED
    return Change(
        index=evidence.index,
        before=before,
        after=before * (1 + evidence.effect),
        p_value=evidence.p_value,
        confirmed=is_confirmed,
        doubt="" if is_confirmed else _doubt(evidence, points),
        low=evidence.low,
        high=evidence.high,
        in_turns=points[evidence.against].commit.hash,
    )


def _doubt(evidence: InTurns, points: Sequence[Point]) -> str:
    against = points[evidence.against].commit.short
    if evidence.verdict is Verdict.REFUTED:
        effect, low, high = (_percent(value) for value in (evidence.effect, evidence.low, evidence.high))
        return f"measured in turns against {against} it is {effect} % ({low} to {high} %)"
    return f"measured in turns against {against}, and not confirmed by fresh pairs yet"


def _percent(value: float) -> str:
    """``+1.2``, ``−0.3``, ``0.0``."""
    rounded = round(100 * value, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


class FreshPairs(Struct, frozen=True):
    """Fresh pairs to measure next for one series."""

    base: int  # place of the commit to compare with
    head: int
    pairs: int


def wanted(
    changes: Sequence[Change],
    points: Sequence[Point],
    ratios: Sequence[Ratio],
    relevant: float,
    is_news: Callable[[Change], bool],
) -> FreshPairs | None:
    """The fresh pairs that would decide most; None where nothing is suspected.

    ``changes`` are those that the series shows by itself; ``is_news`` is true of those that were not reported yet.
    """
    measured = np.flatnonzero(np.isfinite(levels(points))).tolist()
    crossings = by_place(points, ratios)
    tested = _tested(changes, crossings, points)
    for index, change in enumerate(changes):
        if change.is_verdict and change.before and is_news(change):
            begin = level_begin(tested[:index], points)
            evidence = _fresh_evidence(change, begin, crossings)
            fresh = [crossing for crossing in crossings if begin <= crossing.base]
            pairs = _to_next_look(len(_effects(fresh, change.index, is_fresh=True)))
            if pairs and (evidence is None or evidence.verdict is Verdict.UNDECIDED):
                # The series may show it a few runs from where it is.
                return _between(measured, max(begin + 1, change.index - SETTLING_RUNS), pairs)
    begin = level_begin(with_pairs(changes, points, ratios, relevant), points)
    suspected = step(crossings, begin, len(points), max(relevant, relevance.TWO_COMMITS))
    if suspected is None or not suspected.wanted:
        return None
    # Where fresh pairs have not found it close by, it may be anywhere on this level.
    is_asked_again = any(crossing.is_fresh and begin <= crossing.base for crossing in crossings)
    return _between(measured, begin + 1 if is_asked_again else suspected.earliest, suspected.wanted)


def _between(measured: Sequence[int], earliest: int, pairs: int) -> FreshPairs | None:
    """Pairs of the last run with a value that is surely before a step, and the newest one."""
    base = max((index for index in measured if index < earliest), default=None)
    return FreshPairs(base, measured[-1], pairs) if base is not None else None
