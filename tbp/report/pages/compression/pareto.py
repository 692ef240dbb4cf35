"""Which of several choices are worth choosing: none other is as good in everything and better in something.

Pure arithmetic on costs, of which less is always better.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct


class Cost(Struct, frozen=True):
    """One quantity of a choice; a relative difference up to ``tolerance`` is none, or undecided where it is unsure."""

    value: float
    tolerance: float
    is_sure: bool = True

    def is_better_than(self, other: Cost) -> bool:
        return self.value < other.value and other.value - self.value > self._slack(other)

    def is_undecided_against(self, other: Cost) -> bool:
        """True where either may be the better one."""
        is_known = self.is_sure and other.is_sure
        return not (is_known or self.is_better_than(other) or other.is_better_than(self))

    def _slack(self, other: Cost) -> float:
        return max(self.tolerance, other.tolerance) * max(abs(self.value), abs(other.value))


def dominates(choice: Sequence[Cost], other: Sequence[Cost]) -> bool:
    """True where ``choice`` is better somewhere and ``other`` surely nowhere; both have the same quantities."""
    pairs = list(zip(choice, other, strict=True))
    is_worse = any(b.is_better_than(a) or a.is_undecided_against(b) for a, b in pairs)
    return any(a.is_better_than(b) for a, b in pairs) and not is_worse


def may_dominate(choice: Sequence[Cost], other: Sequence[Cost]) -> bool:
    """True where ``choice`` would dominate ``other`` if all that is undecided between them were decided for it."""
    pairs = list(zip(choice, other, strict=True))
    is_better = any(a.is_better_than(b) or a.is_undecided_against(b) for a, b in pairs)
    return is_better and not any(b.is_better_than(a) for a, b in pairs)


class ChoiceRank(Enum):
    """The rank of a choice among all."""

    ON_FRONT = auto()  # no other is as good in everything and better in something
    UNDECIDED = auto()  # one other may be: that depends on a comparison that the noise leaves open
    BEATEN = auto()


class ChoiceStanding(Struct, frozen=True):
    """``rival`` is the choice that beats it or may, by its place in the list; None where there is none."""

    rank: ChoiceRank
    rival: int | None = None


def standings(choices: Sequence[Sequence[Cost]]) -> list[ChoiceStanding]:
    """The standing of each choice, by comparing it with every other one."""
    ranked = []
    for number, choice in enumerate(choices):
        rivals = [(at, other) for at, other in enumerate(choices) if at != number]
        beaten = next((at for at, other in rivals if dominates(other, choice)), None)
        doubted = next((at for at, other in rivals if may_dominate(other, choice)), None)
        if beaten is not None:
            ranked.append(ChoiceStanding(ChoiceRank.BEATEN, beaten))
        else:
            ranked.append(ChoiceStanding(ChoiceRank.ON_FRONT if doubted is None else ChoiceRank.UNDECIDED, doubted))
    return ranked
