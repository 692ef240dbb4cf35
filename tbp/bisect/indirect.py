"""The effect of a commit on the one before it, where both were measured against others: GOOD, as a rule.

Takes trials and the noise of a pair, gives an effect with its interval and what it rests on. Two commits that were
measured against a third one differ by the difference of their effects (Bucher and others, "The results of direct and
indirect treatment comparisons", Journal of Clinical Epidemiology 50, 1997). Knows no processes and no clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp, expm1, inf, isnan, log1p
from typing import TypeAlias

from msgspec import Struct

from tbp.bisect.likeness import LEAST_PAIRS, NOISE_WEIGHT, standard_error
from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Parameters
from tbp.statistics.paired_ratios import Pair
from tbp.statistics.robust import median
from tbp.statistics.student_t import t_reach, two_sided_t, welch_freedom
from tbp.turns.evidence import WITNESS_SHARE, Limits, estimated

# Standard errors by which an effect may fall short of the change: with one, five of six do not.
MARGIN = 1.0


class Leg(Struct, frozen=True):
    """Pairs of two commits of the line, by their indexes."""

    base: int
    head: int
    pairs: Sequence[Pair]
    most: int = 0  # pairs that it may have where it goes on


SignedLeg: TypeAlias = tuple[float, Leg]
"""A leg with 1 where it is gone along, −1 against its direction."""


class IndirectEffect(Struct, frozen=True):
    """The effect of a commit on an earlier one, as a log: 0.1 is some 10 % slower."""

    effect: float
    low: float  # the interval is corrected for all comparisons of which this suspect may be the luckiest
    high: float
    p_value: float  # so is this
    cpu_effect: float | None  # None where CPU time is no witness
    after_s: float  # seconds per call of the later commit
    against: tuple[tuple[int, int], ...]  # index → the number of pairs against it

    @property
    def pairs(self) -> int:
        return sum(count for _, count in self.against)

    def confirms(self, change: float, limits: Limits) -> bool:
        """Returns whether it is a relevant step in the direction of ``change``, to which CPU time bears witness."""
        sign = 1.0 if change > 0 else -1.0
        nearest = self.low if change > 0 else -self.high
        is_witnessed = self.cpu_effect is None or sign * self.cpu_effect >= WITNESS_SHARE * abs(self.effect)
        return nearest > log1p(limits.relevant) and is_witnessed

    def judged(self, benchmark: str, parameters: Parameters) -> Judgement:
        """A judgement as the gate's; ``before`` is the time that the earlier commit takes beside the later one."""
        state = State.REGRESSION if self.effect > 0 else State.IMPROVEMENT
        return Judgement(
            benchmark, parameters, state, before=self.after_s * exp(-self.effect), after=self.after_s,
            effect=expm1(self.effect), low=expm1(self.low), high=expm1(self.high), p_value=self.p_value,
            evidence=self.pairs,
        )  # fmt: skip


def pairs_needed(change: float, usual_noise: float, limits: Limits, suspects: int, pairs: Sequence[int]) -> float:
    """The pairs of one more leg, so that it and legs of ``pairs`` confirm a step of ``change``; infinite if none do."""
    room = max(0.0, abs(change) - log1p(limits.relevant))
    freedom = (len(pairs) + 1) * (NOISE_WEIGHT + LEAST_PAIRS - 1)
    reach = t_reach(_confidence(suspects), freedom) + MARGIN
    left = (room / (reach * usual_noise)) ** 2 - sum(1 / count for count in pairs)
    return max(float(LEAST_PAIRS), 1 / left) if left > 0 else inf


def way(legs: Sequence[Leg], base: int, head: int) -> list[SignedLeg]:
    """The fewest legs that lead from one commit to another; empty where none do."""
    ways: dict[int, list[SignedLeg]] = {base: []}
    waiting = [base]
    for index in waiting:
        for leg in legs:
            for sign, start, end in ((1.0, leg.base, leg.head), (-1.0, leg.head, leg.base)):
                if start == index and end not in ways and len(leg.pairs) >= LEAST_PAIRS:
                    ways[end] = [*ways[index], (sign, leg)]
                    waiting.append(end)
    return ways.get(head, [])


def indirect(legs: Sequence[Leg], base: int, head: int, usual_noise: float, suspects: int) -> IndirectEffect | None:
    """The effect of ``head`` on ``base``; None where no pairs lead from one to the other.

    ``usual_noise`` is that of one pair, ``suspects`` the number of comparisons that might have led to another suspect
    (Bonferroni). The degrees of freedom are those of Welch and Satterthwaite.
    """
    signed = way(legs, base, head)
    if not signed:
        return None
    seen = [(sign, estimated(leg.pairs)) for sign, leg in signed]
    variances = [standard_error(estimate, usual_noise) ** 2 for _, estimate in seen]
    effect = sum(sign * estimate.effect for sign, estimate in seen)
    error = sum(variances) ** 0.5
    freedom = welch_freedom(variances, [NOISE_WEIGHT + estimate.pairs - 1 for _, estimate in seen])
    reach = error * t_reach(_confidence(suspects), freedom)
    last = signed[-1][1]
    counted = Counter[int]()
    for _, leg in reversed(signed):
        counted[leg.base] += len(leg.pairs)
    return IndirectEffect(
        effect=effect,
        low=effect - reach,
        high=effect + reach,
        p_value=min(1.0, suspects * two_sided_t(effect / error, freedom)),
        cpu_effect=_cpu_effect(signed),
        after_s=median([pair.head_s if last.head == head else pair.base_s for pair in last.pairs]),
        against=tuple(counted.items()),
    )


def _confidence(suspects: int) -> float:
    return 1 - (1 - CONFIDENCE) / suspects


def _cpu_effect(signed: Sequence[SignedLeg]) -> float | None:
    """The effect by CPU time; None where fewer than half of a leg's pairs have one."""
    total = 0.0
    for sign, leg in signed:
        seen = [pair.cpu_effect for pair in leg.pairs if not isnan(pair.cpu_effect)]
        if 2 * len(seen) < len(leg.pairs):
            return None
        total += sign * median(seen)
    return total
