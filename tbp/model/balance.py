"""The balance of a series: the sum of its confirmed changes, walked from the oldest to the newest.

Takes changes, the direction that is the worse one and the noise; gives a ``Balance``. A regression stands from its
change until the level before it is back. What is put down to something else than the code carries all levels along, so
it neither repairs nor causes anything. docs/explanation/states.md has the table of all situations, each with the
levels of an example. Which changes there are is decided before; ``states`` has the word for a balance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from itertools import pairwise
from typing import Protocol

from msgspec import Struct, field

from tbp.model import relevance

# Levels this close, in noises between runs, are the same: the detector would not part them even with one run on a side.
SAME_SIGMAS = 3.0
SETTLED_RUNS = 3  # of a level that only a suspect change began: one or two may be out of line
SAME_SHARE = 0.25  # of a regression that may remain in the noise: half of it undone is an improvement, no recovery


class Shift(Protocol):
    """A change as far as a balance depends on it: ``tbp.model.changes.Change``."""

    @property
    def index(self) -> int: ...
    @property
    def before(self) -> float: ...
    @property
    def after(self) -> float: ...
    @property
    def confirmed(self) -> bool: ...
    @property
    def acknowledged(self) -> str: ...
    @property
    def is_exact(self) -> bool: ...
    @property
    def is_of_code(self) -> bool: ...
    @property
    def matters(self) -> bool: ...


class Balance(Struct, frozen=True):
    """The account of a series. Changes are named by their index among those of the series."""

    standing: int  # of the regressions that stand the one of which most is left; else the newest change of the code
    parts: tuple[int, ...]  # the changes of the code that make the balance, oldest first
    reference: float  # the level before the oldest part, raised by what the project accepts; carried along to today
    level: float  # after the newest confirmed change
    first: float  # before the oldest one; carried along to today
    regressions: tuple[int, ...] = ()  # those that stand and that nobody accepted, oldest first
    accepted: tuple[int, ...] = ()  # those that stand and that the project accepts
    is_recovery: bool = False  # no regression stands, as ``standing`` brought back the level before the last one
    recoveries: tuple[int, ...] = ()  # every change that brought back the level before a regression, and no more
    undone: tuple[tuple[int, int], ...] = ()  # (regression, the change that brought back the level before it)
    gains: tuple[int, ...] = ()  # improvements before the oldest part, made while no regression stood
    is_directed: bool = True  # False where nobody knows which direction is better: nothing is a regression or a gain

    @property
    def since(self) -> int:
        """The change that the balance begins with; a recovery is a balance of one."""
        return self.standing if self.is_recovery else self.parts[0]

    @property
    def is_of_several(self) -> bool:
        """True where several changes make the step from ``reference`` to ``level``."""
        return len(self.parts) > 1 and not self.is_recovery


def same_level(level: float, noise: float) -> float:
    """How far from ``level`` a value may be and still be of it; ``noise`` is that between runs, NaN where unknown."""
    return max(relevance.SAME_LEVEL, SAME_SIGMAS * noise if math.isfinite(noise) else 0.0) * abs(level)


def balance(
    changes: Sequence[Shift],
    worse: int,
    noise: float,
    relevant: float = 0.0,
    since: int = 0,
    settled: Set[int] = frozenset(),
) -> Balance | None:
    """The balance of the confirmed changes from the point ``since`` on; None without any of the code.

    A change that is only suspect counts where it brings back the level before a regression, and is one of ``settled``
    (by index): whose level has SETTLED_RUNS. A claim that a series is slower needs more than that it once was.

    ``worse`` is 1 where a larger value is the worse one, -1 where a smaller one is, and 0 where nobody knows: then no
    change is for the better or the worse, and the newest one is what stands.

    ``noise`` is that between runs, NaN where unknown. ``relevant`` is the
    smallest relative change that the project wants to know of.
    """
    walk = _Walk(worse, noise, relevant)
    for index, change in enumerate(changes):
        if change.index < since:
            continue
        if change.confirmed or (index in settled and walk.is_brought_back(change)):
            walk.take(index, change)
    if walk.newest is None:
        return None
    standing = [account for account in walk.accounts if not changes[account.index].acknowledged]
    accepted = [account for account in walk.accounts if changes[account.index].acknowledged]
    # An improvement after what is accepted is one: the accepted level is the reference.
    summed = standing or (accepted if walk.newest.is_worse else [])
    result = walk.together(summed) if summed else walk.newest
    return Balance(
        standing=result.index,
        parts=tuple(result.parts),
        reference=result.reference,
        level=walk.level,
        first=walk.first,
        regressions=tuple(account.index for account in standing),
        accepted=tuple(account.index for account in accepted),
        is_recovery=result.is_recovery,
        recoveries=tuple(walk.recoveries),
        undone=tuple(sorted(walk.undone)),
        gains=tuple(gain for gain in walk.gains if gain < result.parts[0]),
        is_directed=worse != 0,
    )


class _Account(Struct):
    """A regression that stands."""

    index: int  # of the change that opened it
    reference: float  # the level before it
    worst: float  # level since
    parts: list[int]  # the changes that made what is left of it


class _Result(Struct):
    """A change, or several together, with the level before them."""

    index: int
    parts: list[int]
    reference: float
    is_worse: bool
    is_recovery: bool = False


class _Walk(Struct):
    """The levels after the changes taken so far. Each account's reference is worse than that of the one before."""

    worse: int
    noise: float
    relevant: float
    accounts: list[_Account] = field(default_factory=list)
    newest: _Result | None = None  # of the code
    level: float = math.nan
    first: float = math.nan
    recoveries: list[int] = field(default_factory=list)
    undone: list[tuple[int, int]] = field(default_factory=list)
    gains: list[int] = field(default_factory=list)

    def take(self, index: int, change: Shift) -> None:
        """Go on to the level after ``change``."""
        if math.isnan(self.first):
            self.first = self.level = change.before
        if not change.is_of_code:
            self._carry(change)
        elif self.worse * (change.after - change.before) > 0:
            self._worsen(index, change)
        else:
            self._improve(index, change)

    def is_brought_back(self, change: Shift) -> bool:
        """True where the level after ``change``, which is suspect, ends the newest regression that stands."""
        is_better = self.worse * (change.after - change.before) < 0
        is_codes = change.is_of_code and change.matters
        return bool(self.accounts) and is_codes and is_better and self._is_back(self.accounts[-1], change.after, change)

    def together(self, accounts: Sequence[_Account]) -> _Result:
        """The sum of some of the accounts: each reaches from its own reference to that of the next one."""
        bounds = [*(account.reference for account in self.accounts), self.level]
        steps = [step for step, account in zip(pairwise(bounds), self.accounts, strict=True) if account in accounts]
        is_factor = min(bounds) > 0
        sizes = [max(after / before, before / after) if is_factor else abs(after - before) for before, after in steps]
        largest = accounts[sizes.index(max(sizes))]
        if is_factor:
            reference = self.level * math.prod(before / after for before, after in steps)
        else:
            reference = self.level - sum(after - before for before, after in steps)
        parts = sorted({part for account in accounts for part in account.parts})
        return _Result(largest.index, parts, reference, is_worse=True)

    def _carry(self, change: Shift) -> None:
        """All levels move as the series did: by a factor, or where that has no meaning by a difference."""
        known = [self.first, self.level, *(account.reference for account in self.accounts)]
        is_factor = min(change.before, change.after, *known) > 0

        def carried(level: float) -> float:
            return level * change.after / change.before if is_factor else level + change.after - change.before

        self.first, self.level = carried(self.first), carried(self.level)
        for account in self.accounts:
            account.reference, account.worst = carried(account.reference), carried(account.worst)
        if self.newest is not None:
            self.newest.reference = carried(self.newest.reference)

    def _worsen(self, index: int, change: Shift) -> None:
        # The level may have come back in steps that are only suspect: from there it counts as one regression, not two.
        self._close(change.before, change)
        self.level = change.after
        for account in self.accounts:
            account.worst = max(account.worst, self.level, key=lambda level: self.worse * level)
        self.accounts.append(_Account(index, change.before, change.after, [index]))
        self.newest = _Result(index, [index], change.before, is_worse=True)

    def _improve(self, index: int, change: Shift) -> None:
        self.level = change.after
        closed = self._close(self.level, change)
        self.undone += [(account.index, index) for account in closed]
        parts = sorted({part for account in closed for part in account.parts} | {index})
        reference = closed[-1].reference if closed else change.before
        is_beyond = self.worse * (reference - self.level) > self._noise_of(reference, change)
        is_recovery = bool(closed) and not is_beyond
        if is_recovery:
            self.recoveries.append(index)
        if self.accounts:
            self.accounts[-1].parts += parts
        elif self.worse and not is_recovery:
            self.gains.append(index)
        self.newest = _Result(index, parts, reference, is_worse=False, is_recovery=is_recovery)

    def _close(self, level: float, change: Shift) -> list[_Account]:
        """Ends the accounts whose reference is back at ``level``; the newest first."""
        closed = []
        while self.accounts and self._is_back(self.accounts[-1], level, change):
            closed.append(self.accounts.pop())
        return closed

    def _is_back(self, account: _Account, level: float, change: Shift) -> bool:
        """True where no more is left of a regression than what is not relevant, or than a small rest in the noise."""
        size = abs(account.worst - account.reference)
        least = max(self.relevant, relevance.LEAST_SHOWN if change.is_exact else relevance.SAME_LEVEL) * abs(
            account.reference
        )
        limit = max(least, min(self._noise_of(account.reference, change), SAME_SHARE * size))
        return self.worse * (level - account.reference) <= limit

    def _noise_of(self, level: float, change: Shift) -> float:
        """How far apart levels may be that are the same to this project."""
        noise = relevance.LEAST_SHOWN * abs(level) if change.is_exact else same_level(level, self.noise)
        return max(noise, self.relevant * abs(level))
