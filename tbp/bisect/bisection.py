"""The result of a bisection as a frozen value: all that its forms print.

Subjects, authors and reasons are hostile text; the forms escape them. Effects are relative: 0.1 is 10 % slower.
"""

from __future__ import annotations

from enum import Enum
from math import isnan, nan

from msgspec import Struct

from tbp.model.comparison import ComparedCommit, Judgement
from tbp.model.series import Parameters, series_name
from tbp.project.first_parents import LineCommit


class Ending(Enum):
    """How a bisection ended."""

    COMMIT = "commit"  # that made the step
    RANGE = "range"  # of which one made it; the others cannot be measured
    NO_CHANGE = "no change"  # between the ends
    UNDECIDED = "undecided"
    INTERRUPTED = "interrupted"


class ProbeResult(Struct, frozen=True):
    """A commit that was measured, or could not be."""

    commit: str  # full hash
    against: str  # full hash
    role: str  # "ends", "probe", "step" or "skipped"
    ruling: str  # as "good", "bad", "step", "no step", "undecided"; empty where it is skipped
    pairs: int = 0
    effect: float = nan
    reason: str = ""


class PairsAgainst(Struct, frozen=True):
    """The number of pairs that were measured against a commit."""

    commit: str  # full hash
    pairs: int


class Culprit(Struct, frozen=True):
    """The commit that made the step, or the last one of a range, against the commit before it."""

    commit: LineCommit
    before: str  # full hash of the commit before it that can be measured
    judgement: Judgement
    rests_on: tuple[PairsAgainst, ...] = ()  # the commit's own against the one before, or those of both against GOOD


class Bisection(Struct, frozen=True):
    """The whole answer."""

    project: str
    benchmark: str
    parameters: Parameters
    good: ComparedCommit
    bad: ComparedCommit
    ending: Ending
    commits: int  # after GOOD, up to BAD
    ends: Judgement  # of BAD against GOOD
    culprit: Culprit | None
    suspects: tuple[LineCommit, ...]  # the commits of which one made the change, as far as is known; oldest first
    steps: tuple[Culprit, ...] = ()  # further steps that were confirmed, the largest first
    remaining: float = nan  # effect of the ends that the culprit leaves
    remaining_low: float = nan
    remaining_high: float = nan
    probes: tuple[ProbeResult, ...] = ()
    inside: Bisection | None = None  # of what a merge that is the culprit brought in
    machine: str = ""
    environment: str = ""
    seconds: float = nan
    reason: str = ""  # why it is undecided or ended early
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()  # commands, each with what it is for before a colon

    @property
    def name(self) -> str:
        return series_name(self.benchmark, self.parameters)

    @property
    def gates(self) -> int:
        """Comparisons of two commits that were measured."""
        return sum(probe.pairs > 0 for probe in self.probes)

    @property
    def pairs(self) -> int:
        return sum(probe.pairs for probe in self.probes)

    @property
    def has_remainder(self) -> bool:
        """True where the interval of what remains excludes nothing at all."""
        return not isnan(self.remaining_low) and self.remaining_low * self.remaining_high > 0
