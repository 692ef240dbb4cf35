"""The state that a project gives a regression: who looks after it, and what is meant to become of it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct


class TriageStatus(StrEnum):
    """The decision of a project on a regression."""

    ACKNOWLEDGED = "acknowledged"  # accepted; an entry without a status is that
    INVESTIGATING = "investigating"  # somebody looks at it: it counts as before
    EXPECTED = "expected"  # accepted: the change is meant to cost this
    WONTFIX = "wontfix"  # accepted: nobody will mend it
    FIXED = "fixed"  # accepted until a run of the commit that mends it, or of a later one, still shows it


class Triage(Struct, frozen=True):
    """The entry of acks.toml that a change has; of several the one that accepts it, or holds longest."""

    status: TriageStatus = TriageStatus.ACKNOWLEDGED
    reason: str = ""
    owner: str = ""
    link: str = ""  # http(s) with a host, or empty
    until: date | None = None  # the last day it holds; None: for good
    fixed_in: str = ""  # of FIXED: the commit that mends it, as much of its hash as the entry has
    is_expired: bool = False
    seen_by: str = ""  # of FIXED: hash of the newest commit at or after ``fixed_in`` that still shows the regression
    entries: tuple[int, ...] = ()  # numbers of all entries that name the change, from 1

    @property
    def is_accepting(self) -> bool:
        """True where the regression is none for the verdict and the exit code."""
        return not (self.is_expired or self.seen_by) and self.status is not TriageStatus.INVESTIGATING
