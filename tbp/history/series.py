"""A series: one benchmark × parameter values × machine × environment, over commits.

These are the frozen values that flow from the readers (``tbp.asv.results``, ``tbp.traces``) through the detector
(``tbp.history.change_points``) into the report. They leave reading, detecting and drawing to those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbp.traces.difference import Difference
    from tbp.traces.operators import OperatorTable


class Better(StrEnum):
    """Which direction of a benchmark's value is the better one."""

    LOWER = "lower"
    HIGHER = "higher"


class State(StrEnum):
    """What is said of a series, worst first; the report sorts by this order."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NO_CHANGE = "no change"
    NOT_ENOUGH_DATA = "not enough data"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(StrEnum):
    """What became of one benchmark cell in one run."""

    MEASURED = "measured"
    FAILED = "failed"  # it raised or timed out: asv stores null
    SKIPPED = "skipped"  # it cannot run there and says so: asv stores NaN


@dataclass(frozen=True, order=True)
class SeriesKey:
    """What makes a series the same series from commit to commit."""

    benchmark: str  # asv's name: "attention.Quick.torchtime_step"
    parameters: tuple[tuple[str, str], ...]  # (name, value) in asv's order; strings without repr quotes
    machine: str
    environment: str

    @property
    def label(self) -> str:
        """The parameters as one string: ``variant=sdpa, sequence_length=256``; empty without parameters."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters)


@dataclass(frozen=True)
class Commit:
    """One commit as the report shows it; ``subject`` is empty where there is no repository to ask."""

    hash: str
    date: datetime  # timezone-aware, UTC
    subject: str = ""

    @property
    def short(self) -> str:
        return self.hash[:8]


@dataclass(frozen=True)
class Point:
    """One run's value of a series. Times are seconds per call."""

    commit: Commit
    outcome: Outcome
    value: float = float("nan")  # median of the samples; NaN unless measured
    low: float = float("nan")  # first quartile of the samples
    high: float = float("nan")  # third quartile
    sessions: tuple[float, ...] = ()  # each process's own median, where the ruler recorded it
    reason: str = ""  # why it was skipped or failed, where known


@dataclass(frozen=True)
class Change:
    """A change point: the level of a series shifts at ``index``."""

    index: int  # of the first point after the shift, in the series' points
    before: float  # median of the segment before
    after: float  # median of the segment after
    p_value: float  # chance of such a shift without a change, corrected for the places looked at
    confirmed: bool  # significant *and* relevant; otherwise only suspect

    @property
    def effect(self) -> float:
        """Effect size: 0.10 means the value became 10 % larger."""
        return self.after / self.before - 1 if self.before else float("nan")

    def is_worse(self, better: Better) -> bool:
        """Whether the level moved in the direction that is not the better one."""
        return self.after > self.before if better is Better.LOWER else self.after < self.before


@dataclass(frozen=True)
class ChangeEvidence:
    """What the traces on both sides of a change say about it."""

    change: Change
    difference: Difference | None = None  # None: no trace on one of the two sides
    note: str = ""  # why there is no difference


@dataclass(frozen=True)
class History:
    """A series with everything the report says of it."""

    key: SeriesKey
    unit: str  # "seconds", "bytes", or whatever a track_ benchmark declares
    better: Better
    points: tuple[Point, ...]  # oldest commit first
    state: State
    changes: tuple[ChangeEvidence, ...] = ()  # oldest first
    noise_within: float = float("nan")  # IQR ÷ median of one run's samples, median over runs
    noise_between: float = float("nan")  # robust spread of run medians inside segments, relative
    operators: OperatorTable | None = None  # of the newest commit that has a trace
    operators_commit: Commit | None = None

    @property
    def standing(self) -> ChangeEvidence | None:
        """The newest confirmed change: what separates the level of today from the one before."""
        confirmed = [evidence for evidence in self.changes if evidence.change.confirmed]
        return confirmed[-1] if confirmed else None
