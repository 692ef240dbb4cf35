"""The seam between a night and whatever its runners share results and leases by.

A night asks for nothing but ``Sharing``. The data branch is one (``exchange.Exchange``): a push that replaces exactly
one commit decides who has a lease. A store of Parquet files would be another. It takes a lease by writing the file
``leases/<Lease.path>`` under the condition that the version which it read is still there (If-Match of an object store,
O_EXCL of a new file), and asks ``decide`` again where it is not. The rules of leases are ``leases``' for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from tbp.nightly.leases import Lease

Decide: TypeAlias = Callable[[Sequence[Lease]], Iterable[Lease]]
"""Gets the leases that are there, gives those that shall be; of several answers only the last one counts."""


class Exchanged(Struct, frozen=True):
    """Both sides after an exchange."""

    commit: str  # of the branch; empty where there is none
    leases: tuple[Lease, ...]
    received: tuple[str, ...]  # files that were written here
    sent: tuple[str, ...] = ()  # files that the branch got
    notes: tuple[str, ...] = ()  # sentences on files that stayed where they were


class Sharing(Protocol):
    """Results and leases of several runners. Nothing is lost where it fails: what was measured is in the folder."""

    def pull(self) -> Exchanged:
        """Brings what others measured into the results folder. Raises RunFailed."""

    def push(self, subject: str, decide: Decide = ...) -> Exchanged:
        """Sends what was measured here, and settles the leases with the others. Raises RunFailed."""
