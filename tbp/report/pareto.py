"""Which of several choices are worth taking: none other is as good in everything and better in something.

Pure arithmetic on costs, of which less is always better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """One quantity of a choice; a relative difference up to ``tolerance`` is none, or undecided where it is unsure."""

    value: float
    tolerance: float
    is_sure: bool = True

    def is_better_than(self, other: Cost) -> bool:
        return self.value < other.value and other.value - self.value > self._slack(other)

    def is_undecided_against(self, other: Cost) -> bool:
        """Whether either may be the better one."""
        is_known = self.is_sure and other.is_sure
        return not (is_known or self.is_better_than(other) or other.is_better_than(self))

    def _slack(self, other: Cost) -> float:
        return max(self.tolerance, other.tolerance) * max(abs(self.value), abs(other.value))


def dominates(one: Sequence[Cost], other: Sequence[Cost]) -> bool:
    """Whether ``one`` is better somewhere and ``other`` surely nowhere. Both have the same quantities in this order."""
    pairs = list(zip(one, other, strict=True))
    is_worse = any(b.is_better_than(a) or a.is_undecided_against(b) for a, b in pairs)
    return any(a.is_better_than(b) for a, b in pairs) and not is_worse


def front(choices: Sequence[Sequence[Cost]]) -> list[bool]:
    """For each choice whether no other dominates it."""
    return [not any(dominates(other, one) for other in choices if other is not one) for one in choices]
