"""What pairs of processes of two commits say of a change in a series.

Takes ratios by place in the series, gives where a step explains them best and whether it is confirmed. Ratios of a
night compare a new commit with the one at which the level begins; those of many nights add up. Once they raise a
suspicion, *fresh* pairs decide: chance that raised it does not come twice. Reading ratios and measuring more is left
to others.

How often this finds a step and how often it is wrong: ``tests/perf/simulated_nights.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from math import copysign, expm1, log1p

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.ratios import Ratio
from tbp.history.points import levels
from tbp.history.series import CONFIDENCE, Change, Point
from tbp.paired.estimate import Estimate, estimate

# Smallest effect that pairs confirm unless the project asks for more: as the gate's.
RELEVANT = 0.02
# Ratios of nights raise a suspicion at this chance of them without a change. It costs fresh pairs, not an alarm.
SUSPECT_P = 0.1
# Fresh pairs confirm at this chance, half of which lies in the suspected direction. With nights that raise a suspicion
# in up to a third of unchanged series, that is one alarm in 30,000 nights of a series.
CONFIRM_P = 0.0002
# Fresh pairs at which they are looked at → the share of CONFIRM_P that the look may spend. As in the gate: what is
# clear ends early. Beyond 96 pairs, which is half the time of a night for one benchmark, the noise is too large.
FRESH_LOOKS = {6: 0.1, 12: 0.2, 24: 0.2, 48: 0.25, 96: 0.25}
# A change that the series shows may lie a few runs from where it is (tests/perf/false_alarms.py, MARGIN).
SETTLING_RUNS = 5
# Places are told apart where one explains the ratios better by more than this, twice a difference of log-likelihoods:
# a limit of about 95 %.
SURELY_WORSE = 4.0


class Verdict(Enum):
    """What fresh pairs say of a suspected change."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"  # a change of the suspected size is excluded
    UNDECIDED = "undecided"


class Crossing(Struct, frozen=True):
    """A ratio, by place in the series: what lies between tells on it."""

    base: int  # place of the commit compared with
    head: int  # place of the commit judged
    effects: tuple[float, ...]  # of each pair, a logarithm
    is_fresh: bool = False

    def spans(self, index: int) -> bool:
        """Whether a step at ``index`` tells on it."""
        return self.base < index <= self.head


class InTurns(Struct, frozen=True):
    """What pairs say of a step at one place."""

    index: int  # of the first run at the new level
    verdict: Verdict
    effect: float  # of the fresh pairs where there are some; 0.10: the new level takes 10 % longer
    low: float  # interval at CONFIDENCE, relative as ``effect``
    high: float
    p_value: float  # of the fresh pairs, corrected for the looks; 1 without any
    against: int  # place of the commit that was compared with
    earliest: int  # place at which the step may be as well
    wanted: int = 0  # further fresh pairs until the next look; 0 where nothing is suspected or all is said


def step(crossings: Sequence[Crossing], begin: int, end: int, relevant: float = RELEVANT) -> InTurns | None:
    """The step after ``begin`` and before ``end`` that explains ``crossings`` best; None where nothing is suspected.

    Where several places explain them equally, the newest: those before it were judged on their own nights.
    """
    own = [one for one in crossings if begin <= one.base and one.head < end]
    # Between two of these places nothing tells one step from another: each is the newest of its kind.
    places = sorted({place for one in own for place in (one.base, one.head) if place > begin})
    gains = [_gain([one for one in own if one.spans(index)]) for index in places]
    if not gains or max(gains) <= 0:
        return None
    best = max(gains)
    index = max(place for place, gain in zip(places, gains, strict=True) if gain >= best * (1 - 1e-12))
    raised = _raised(own, index)
    if raised is None or raised.p_value > SUSPECT_P or abs(raised.effect) < log1p(relevant):
        return None
    variance = raised.error**2 * raised.pairs
    earliest = next(p for p, gain in zip(places, gains, strict=True) if gain >= best - SURELY_WORSE * variance)
    # What is to be confirmed or excluded: chance raises the suspicion, and so enlarges it.
    suspected = max(log1p(relevant), (abs(raised.effect) - raised.error) / 2)
    return _decided(own, index, copysign(suspected, raised.effect), relevant, earliest)


def of_change(crossings: Sequence[Crossing], index: int, begin: int, effect: float) -> InTurns | None:
    """What fresh pairs say of a change by ``effect`` that the series itself shows at ``index``; None without any.

    Pairs count that compare a commit at or after ``begin``, where the level before the change begins. How large it has
    to be was decided with the series.
    """
    own = [one for one in crossings if one.is_fresh and begin <= one.base]
    if len(_effects(own, index, fresh=True)) < min(FRESH_LOOKS):
        return None
    # Half of it would still be news.
    return _decided(own, index, log1p(effect) / 2, 0.0, max(begin + 1, index - SETTLING_RUNS))


def _raised(crossings: Sequence[Crossing], index: int) -> Estimate | None:
    """What ratios of nights say of a step at ``index``; None where they are too few.

    The spread is that of all pairs around the mean of their ratio: a night has few, and those before it the same noise.
    """
    effects = _effects(crossings, index, fresh=False)
    apart = [np.asarray(one.effects) - np.mean(one.effects) for one in crossings if len(one.effects) > 1]
    freedom = sum(len(one) - 1 for one in apart)
    if len(effects) < 2 or not freedom:
        return None
    spread = float(np.sqrt(sum(float(one @ one) for one in apart) / freedom))
    return Estimate(len(effects), estimate(effects).effect, spread / len(effects) ** 0.5, freedom)


def _gain(crossings: Sequence[Crossing]) -> float:
    """By how much a step explains them better than none: twice the log-likelihood, times a pair's variance."""
    pairs = sum(len(one.effects) for one in crossings)
    total = sum(len(one.effects) * float(np.median(one.effects)) for one in crossings)
    return total**2 / pairs if pairs else 0.0


def _effects(crossings: Iterable[Crossing], index: int, *, fresh: bool) -> list[float]:
    return [e for one in crossings if one.spans(index) and one.is_fresh is fresh for e in one.effects]


def _decided(crossings: Sequence[Crossing], index: int, suspected: float, relevant: float, earliest: int) -> InTurns:
    """``suspected`` is a logarithm: less than it is no change that was suspected."""
    fresh = _effects(crossings, index, fresh=True)
    looks = [look for look in FRESH_LOOKS if look <= len(fresh)]
    p_value = min([1.0, *(estimate(fresh[:look]).p_value / FRESH_LOOKS[look] for look in looks)])
    seen = estimate(fresh if len(fresh) >= 2 else _effects(crossings, index, fresh=False))
    low, high = seen.interval(CONFIDENCE)
    verdict = _verdict(seen, p_value, suspected, relevant) if looks else Verdict.UNDECIDED
    to_come = [look - len(fresh) for look in FRESH_LOOKS if look > len(fresh)]
    return InTurns(
        index=index,
        verdict=verdict,
        effect=expm1(seen.effect),
        low=expm1(low),
        high=expm1(high),
        p_value=p_value,
        against=max(one.base for one in crossings if one.spans(index) and (one.is_fresh or not fresh)),
        earliest=earliest,
        wanted=min(to_come, default=0) if verdict is Verdict.UNDECIDED else 0,
    )


def _verdict(seen: Estimate, p_value: float, suspected: float, relevant: float) -> Verdict:
    is_same_way = seen.effect * suspected > 0
    if p_value <= CONFIRM_P and is_same_way and abs(seen.effect) >= log1p(relevant):
        return Verdict.CONFIRMED
    low, high = seen.interval(CONFIDENCE)
    is_excluded = high < suspected if suspected > 0 else low > suspected
    return Verdict.REFUTED if is_excluded else Verdict.UNDECIDED


def crossings(points: Sequence[Point], ratios: Sequence[Ratio]) -> list[Crossing]:
    """The ratios whose commits both are in the series, by place."""
    if not ratios:
        return []
    places = {point.commit.hash: place for place, point in enumerate(points)}
    return [
        Crossing(places[one.base], places[one.head], one.effects, one.is_fresh)
        for one in ratios
        if one.base in places and one.head in places
    ]


def with_pairs(
    changes: Sequence[Change], points: Sequence[Point], ratios: Sequence[Ratio], relevant: float
) -> tuple[Change, ...]:
    """The changes of a series, with what pairs say of the newest of them, and a step that pairs alone have found."""
    own = crossings(points, ratios)
    if not own:
        return tuple(changes)
    found = list(changes)
    relevant = max(relevant, RELEVANT)
    # The newest first: where it is none, the level before it goes on, and what began that one is asked next.
    for place in reversed(range(len(found))):
        found[place] = _tested(found, place, own, points)
        if found[place].confirmed:
            break
    begin = level_begin(found, points)
    said = step(own, begin, len(points), relevant)
    if said is None:
        return tuple(found)
    near = [place for place, change in enumerate(found) if change.index > begin and _is_near(change, said.index)]
    kept = [change for place, change in enumerate(found) if place not in near]
    made = _change(said, begin, points)
    # What is only suspected stands where nothing else tells of it.
    if said.verdict is Verdict.CONFIRMED or not near:
        return tuple(sorted([*kept, made], key=lambda change: change.index))
    return tuple(found)


def _is_near(change: Change, index: int) -> bool:
    return abs(change.index - index) <= SETTLING_RUNS


def level_begin(changes: Sequence[Change], points: Sequence[Point]) -> int:
    """Place of the first run of the level that the series is confirmed to be on."""
    confirmed = [change.index for change in changes if change.confirmed]
    first = next((place for place, point in enumerate(points) if point.has_level), 0)
    return max([first, *confirmed])


def _tested(changes: Sequence[Change], last: int, own: Sequence[Crossing], points: Sequence[Point]) -> Change:
    """A change, with what fresh pairs say of it where it is confirmed."""
    change = changes[last]
    if not change.is_verdict or not change.before:
        return change
    said = of_change(own, change.index, level_begin(changes[:last], points), change.effect)
    if said is None:
        return change
    against = points[said.against].commit.hash
    if said.verdict is Verdict.CONFIRMED:
        after = change.before * (1 + said.effect)
        return replace(change, low=said.low, high=said.high, after=after, p_value=said.p_value, in_turns=against)
    return replace(change, confirmed=False, doubt=_doubt(said, points))


def _change(said: InTurns, begin: int, points: Sequence[Point]) -> Change:
    """A step that pairs have found."""
    before = float(np.nanmedian(levels(points)[begin : said.index]))
    is_confirmed = said.verdict is Verdict.CONFIRMED
    return Change(
        index=said.index,
        before=before,
        after=before * (1 + said.effect),
        p_value=said.p_value,
        confirmed=is_confirmed,
        doubt="" if is_confirmed else _doubt(said, points),
        low=said.low,
        high=said.high,
        in_turns=points[said.against].commit.hash,
    )


def _doubt(said: InTurns, points: Sequence[Point]) -> str:
    against = points[said.against].commit.short
    if said.verdict is Verdict.REFUTED:
        effect, low, high = (_percent(value) for value in (said.effect, said.low, said.high))
        return f"measured in turns against {against} it is {effect} % ({low} to {high} %)"
    return f"measured in turns against {against}, and not confirmed by fresh pairs yet"


def _percent(value: float) -> str:
    """``+1.2``, ``−0.3``, ``0.0``."""
    rounded = round(100 * value, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


class Wanted(Struct, frozen=True):
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
) -> Wanted | None:
    """Which fresh pairs would decide most; None where nothing is suspected.

    ``changes`` are those that the series shows by itself; ``is_news`` says which of them nobody was told of.

    A step is looked at between the last commit that is surely before it and the newest one.
    """
    own = crossings(points, ratios)
    known = np.flatnonzero(np.isfinite(levels(points))).tolist()
    for place in reversed(range(len(changes))):
        change, begin = changes[place], level_begin(changes[:place], points)
        if not (change.is_verdict and change.before and is_news(change)):
            continue
        said = of_change(own, change.index, begin, change.effect)
        fresh = len(_effects([one for one in own if begin <= one.base], change.index, fresh=True))
        if (pairs := min(FRESH_LOOKS) - fresh if said is None else said.wanted) > 0:
            return _between(known, max(begin + 1, change.index - SETTLING_RUNS), pairs)
        if said is not None and said.verdict is Verdict.CONFIRMED:
            break
    found = with_pairs(changes, points, ratios, relevant)
    begin = level_begin(found, points)
    suspected = step(own, begin, len(points), max(relevant, RELEVANT))
    if suspected is None or not suspected.wanted:
        return None
    # Where fresh pairs have not found it close by, it may be anywhere on this level.
    is_asked_again = any(one.is_fresh and begin <= one.base for one in own)
    return _between(known, begin + 1 if is_asked_again else suspected.earliest, suspected.wanted)


def _between(known: Sequence[int], earliest: int, pairs: int) -> Wanted | None:
    """Pairs of the last run with a value before ``earliest`` and the newest one."""
    base = max((place for place in known if place < earliest), default=None)
    return Wanted(base, known[-1], pairs) if base is not None else None
