"""Which of several choices are worth taking: none other is as good in everything and better in something.

Pure arithmetic on costs, of which less is always better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """One quantity of a choice; a relative difference up to ``tolerance`` is none."""

    value: float
    tolerance: float

    def is_better_than(self, other: Cost) -> bool:
        return self.value < other.value and other.value - self.value > self._slack(other)

    def _slack(self, other: Cost) -> float:
        return max(self.tolerance, other.tolerance) * max(abs(self.value), abs(other.value))


def dominates(one: Sequence[Cost], other: Sequence[Cost]) -> bool:
    """Whether ``one`` is better somewhere and ``other`` nowhere. Both have the same quantities in the same order."""
    pairs = list(zip(one, other, strict=True))
    return any(a.is_better_than(b) for a, b in pairs) and not any(b.is_better_than(a) for a, b in pairs)


def front(choices: Sequence[Sequence[Cost]]) -> list[bool]:
    """For each choice whether no other dominates it."""
    return [not any(dominates(other, one) for other in choices if other is not one) for one in choices]
