"""The evidence of pairs of processes on a change in a series.

Takes ratios by place in the series, gives where a step explains them best and whether it is confirmed. Ratios of a
night compare a new commit with the one at which the level begins; those of many nights add up. Once they raise a
suspicion, *fresh* pairs decide: chance that raised it does not come twice. Applying the evidence to the changes of a
series is left to ``paired_changes``.

How often this finds a step and how often it is wrong: ``tools/simulated_nights.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from math import copysign, expm1, log1p

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.ratios import Ratio
from tbp.model import relevance
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Point
from tbp.statistics.paired_ratios import Estimate, estimate

# Ratios of nights raise a suspicion at this chance of them without a change. It costs fresh pairs, not an alarm.
SUSPECT_P = 0.1
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


def pairs_to_next_look(crossings: Sequence[Crossing], index: int) -> int:
    """How many more fresh pairs across ``index`` are needed until they are looked at again; 0 after the last look."""
    return _to_next_look(len(_effects(crossings, index, is_fresh=True)))


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
