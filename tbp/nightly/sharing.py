"""The seam between a night and whatever its runners share results and leases by.

A night asks for nothing but ``Sharing``. Of the data branch (``exchange``) a push that replaces exactly one commit
decides who has a lease; of a store (``store_sharing``) it is who makes a file first. Where another runner was quicker,
``decide`` is asked again. The rules of leases are those of ``leases`` for both.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from tbp.nightly.leases import Lease

# A push that another one overtakes begins again: with eight runners that push at once, the last one needs eight turns.
MOST_TRIES = 12
WAIT_S = 0.2  # after the first try, at most; twice as long after each further one, up to
MOST_WAIT_S = 5.0

Decide: TypeAlias = Callable[[Sequence[Lease]], Iterable[Lease]]
"""Gets the leases that are there, gives those that shall be; of several answers only the last one counts."""


class Exchanged(Struct, frozen=True):
    """Both sides after an exchange."""

    commit: str  # of the branch; empty where there is none, and of a store
    leases: tuple[Lease, ...]
    received: tuple[str, ...]  # files that were written here
    sent: tuple[str, ...] = ()  # files that the branch got
    notes: tuple[str, ...] = ()  # sentences on files that stayed where they were


class Sharing(Protocol):
    """Results and leases of several runners. Nothing is lost where it fails: what was measured is in the folder."""

    def pull(self) -> Exchanged:
        """Brings what others measured into the results folder, or looks at what there is. Raises RunFailed."""

    def push(self, subject: str, decide: Decide = ...) -> Exchanged:
        """Sends what was measured here, and settles the leases with the others. Raises RunFailed."""

    def measured(self, name: str) -> frozenset[str]:
        """The commits that machines of this name measured, and whose results the results folder does not have."""


def wait_before(attempt: int) -> None:
    """Waits some time that no other runner waits, before each attempt but the first."""
    if attempt:
        time.sleep(random.uniform(0, min(WAIT_S * 2**attempt, MOST_WAIT_S)))
