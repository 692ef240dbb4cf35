"""A series: one benchmark × parameter values × machine × environment, over commits.

These are the frozen values that flow from the readers (``tbp.asv.results``, ``tbp.traces``) through the detector
(``tbp.detection.detector``) into the report. They leave reading, detecting and drawing to those.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

Parameters: TypeAlias = tuple[tuple[str, str], ...]  # (name, value)


VARIANT_NAMES = ("variant", "model", "method", "scheme", "compression")
"""Parameters that name a variant, the first one that a suite has; else its first parameter."""


class Better(StrEnum):
    """Which direction of a benchmark's value is the better one."""

    LOWER = "lower"
    HIGHER = "higher"
    UNKNOWN = "unknown"  # it is not recorded (``tbp.project.directions``): a change is neither worse nor better

    @property
    def worse(self) -> int:
        """The sign of a step for the worse; 0 where no direction is known as the better one."""
        return {Better.LOWER: 1, Better.HIGHER: -1}.get(self, 0)


class Outcome(StrEnum):
    """The outcome of one benchmark cell in one run."""

    MEASURED = "measured"
    FAILED = "failed"  # it raised or timed out: asv stores null
    SKIPPED = "skipped"  # it cannot run there and says so: asv stores NaN


class Setup(Struct, frozen=True, order=True):
    """A machine and an environment on it: what the series that are measured together share."""

    machine: str  # asv's identifier of it
    environment: str

    def __str__(self) -> str:
        return f"{self.machine}, {self.environment}"

    def called(self, faces: Mapping[str, str]) -> str:
        """``RTX 4090 · py3.13``: with the machine's name of ``faces``, which has them by identifier."""
        return " · ".join(filter(None, [faces.get(self.machine, self.machine), self.environment]))


def parameter_label(parameters: Parameters) -> str:
    """The parameters as one string: ``variant=sdpa, sequence_length=256``; empty without parameters."""
    return ", ".join(f"{name}={value}" for name, value in parameters)


def series_name(benchmark: str, parameters: Parameters) -> str:
    """``attention.Quick.torchtime_step (variant=sdpa)``; without parameters the benchmark."""
    return f"{benchmark} ({parameter_label(parameters)})" if parameters else benchmark


class SeriesKey(Struct, frozen=True, order=True):
    """The identity of a series from commit to commit."""

    benchmark: str  # asv's name: "attention.Quick.torchtime_step"
    parameters: Parameters  # in asv's order; strings without repr quotes
    machine: str
    environment: str

    @property
    def setup(self) -> Setup:
        """The machine and environment of the series."""
        return Setup(self.machine, self.environment)

    @property
    def label(self) -> str:
        return parameter_label(self.parameters)

    @property
    def name(self) -> str:
        return series_name(self.benchmark, self.parameters)


SHORT_DIGITS = 8
"""Characters of a hash, as it is shown and typed; asv begins the names of its result files with as many."""


def short_hash(commit: str) -> str:
    """The first SHORT_DIGITS of a hash."""
    return commit[:SHORT_DIGITS]


class Commit(Struct, frozen=True, cache_hash=True):
    """One commit as the report shows it; ``subject`` and ``author`` are empty where there is no repository."""

    hash: str
    date: datetime  # timezone-aware, UTC
    subject: str = ""
    author: str = ""  # the name, as the commit has it

    @property
    def short(self) -> str:
        return short_hash(self.hash)


class Tag(Struct, frozen=True):
    """A tag of the repository at the commit with results that it is shown at."""

    name: str
    commit: str  # full hash
    is_exact: bool = True  # False: what it names has no result; ``commit`` is the first one after it that has


class Line(Struct, frozen=True):
    """Commits with results beside the branch, along the first parents of the newest of them."""

    name: str  # of the branch or the tag that they are on, else of the newest commit
    commits: tuple[Commit, ...]  # oldest first; none of them is of another line
    fork: str = ""  # hash of the commit of the branch where they left it; empty where they never did
    origin: Commit | None = None  # the nearest commit with results that they came from, of the branch or a line


class Point(Struct, frozen=True):
    """One run's value of a series. Times are seconds per call."""

    commit: Commit
    outcome: Outcome
    value: float = float("nan")  # median of the samples; NaN unless measured
    low: float = float("nan")  # first quartile of the samples
    high: float = float("nan")  # third quartile
    sessions: tuple[float, ...] = ()  # each process's own median, where the ruler recorded it
    reason: str = ""  # why it was skipped or failed, where known
    comparable: bool = True  # False: of another version of the benchmark, which is shown and not judged

    @property
    def has_level(self) -> bool:
        """True where the point has a value that may be compared with the newest."""
        return self.comparable and math.isfinite(self.value)
