"""A series: one benchmark × parameter values × machine × environment, over commits.

These are the frozen values that flow from the readers (``tbp.asv.results``, ``tbp.traces``) through the detector
(``tbp.history.change_points``) into the report. They leave reading, detecting and drawing to those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.history.balance import SETTLED_RUNS, Balance, balance

if TYPE_CHECKING:
    from tbp.traces.difference import TraceDifference
    from tbp.traces.frame_difference import FrameDifference
    from tbp.traces.frames import Frames
    from tbp.traces.operators import OperatorTable


LEAST_SHOWN = 0.0005  # a smaller effect is shown as 0.0 %
CONFIDENCE = 0.99
"""Of every interval tbp shows. A gate is read once per commit and benchmark, a report has many rows: at 95 %, one
interval in twenty would miss the truth."""


class Better(StrEnum):
    """Which direction of a benchmark's value is the better one."""

    LOWER = "lower"
    HIGHER = "higher"
    UNKNOWN = "unknown"  # nothing says it (``tbp.history.directions``): a change is neither worse nor better


_WORSE = {Better.LOWER: 1, Better.HIGHER: -1}  # the sign of a step for the worse; where nothing says it, there is none


class State(StrEnum):
    """What is said of a series, worst first; the report sorts by this order."""

    REGRESSION = "regression"
    CHANGED = "changed"  # a confirmed change of the code, and nothing says whether it is for the worse
    IMPROVEMENT = "improvement"
    RECOVERED = "recovered"  # a regression was undone: the level before it is back
    SUSPECT = "suspect"  # its newest change may be the code's, but is not confirmed
    ACKNOWLEDGED = "acknowledged"  # a regression stands, and the project accepts it
    UNDECIDED = "undecided"  # measured, but the noise allows neither "changed" nor "no change"
    NO_CHANGE = "no change"
    NOT_ENOUGH_DATA = "not enough data"
    FAILED = "failed"
    SKIPPED = "skipped"
    STALE = "stale"  # its machine and environment stopped reporting while others went on
    VANISHED = "vanished"  # it is no longer declared, or no longer has these parameters


class ChangeKind(StrEnum):
    """What a change of level, or a break in a series, is put down to."""

    CODE = "code"  # nothing but the commit changed: the only kind that is a regression or an improvement
    HARNESS = "harness change"  # the benchmark's own version, or how many calls it times together
    DEPENDENCY = "dependency change"  # Python, torch or another requirement
    HARDWARE = "hardware change"  # processor, GPU, driver, memory or operating system of the machine
    UNRECORDED = "unrecorded change"  # what no result records: it came with a night of measuring, not with a commit


class Outcome(StrEnum):
    """What became of one benchmark cell in one run."""

    MEASURED = "measured"
    FAILED = "failed"  # it raised or timed out: asv stores null
    SKIPPED = "skipped"  # it cannot run there and says so: asv stores NaN


class SeriesKey(Struct, frozen=True, order=True):
    """What makes a series the same series from commit to commit."""

    benchmark: str  # asv's name: "attention.Quick.torchtime_step"
    parameters: tuple[tuple[str, str], ...]  # (name, value) in asv's order; strings without repr quotes
    machine: str
    environment: str

    @property
    def label(self) -> str:
        """The parameters as one string: ``variant=sdpa, sequence_length=256``; empty without parameters."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters)


class Commit(Struct, frozen=True, cache_hash=True):
    """One commit as the report shows it; ``subject`` is empty where there is no repository to ask."""

    hash: str
    date: datetime  # timezone-aware, UTC
    subject: str = ""

    @property
    def short(self) -> str:
        return self.hash[:8]


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
        """Whether its value may be compared with the newest."""
        return self.comparable and math.isfinite(self.value)


class Change(Struct, frozen=True):
    """A change point: the level of a series shifts at ``index``."""

    index: int  # of the first point after the shift, in the series' points
    before: float  # median of the segment before
    after: float  # median of the segment after
    p_value: float  # chance of such a shift without a change, corrected for the places looked at
    confirmed: bool  # significant *and* relevant; otherwise only suspect
    kind: ChangeKind = ChangeKind.CODE
    what: str = ""  # what else changed at ``index``: "torch 2.12 → 2.13"; empty for CODE
    is_recovery: bool = False  # it brought back the level before a regression, and no more (``tbp.history.balance``)
    doubt: str = ""  # why a change that passes for itself is only suspect
    # Interval of the effect at CONFIDENCE, relative to the size of ``before``: 0.05 is 5 % larger. NaN where the runs
    # are too few to say; the effect itself on both sides where it is exact.
    low: float = float("nan")
    high: float = float("nan")
    acknowledged: str = ""  # why the project accepts it; empty for a change that nobody acknowledged
    causes: tuple[Circumstance, ...] = ()  # what changed besides the commit, for other kinds than CODE
    # Hash of the commit that pairs compared with, where its effect is theirs; empty: not measured in turns.
    in_turns: str = ""

    @property
    def is_exact(self) -> bool:
        """True where it is a change of a counter, which is certain: its values repeat exactly."""
        return self.p_value == 0

    @property
    def matters(self) -> bool:
        """False for one that is certain and yet only suspect: a counter's that is too small to matter."""
        return self.confirmed or not self.is_exact

    @property
    def is_of_code(self) -> bool:
        """True where the change is put down to nothing else than the code."""
        return self.kind is ChangeKind.CODE

    @property
    def is_verdict(self) -> bool:
        """Whether it says something of the code: confirmed, and nothing else to put it down to."""
        return self.confirmed and self.is_of_code

    @property
    def effect(self) -> float:
        """Effect size: 0.10 means the value became 10 % larger."""
        return self.after / self.before - 1 if self.before else float("nan")

    def is_worse(self, better: Better) -> bool:
        """True where the level moved in the direction that is not the better one; False where that is not known."""
        return _WORSE.get(better, 0) * (self.after - self.before) > 0

    def is_better(self, better: Better) -> bool:
        """True where the level moved in the better direction; False where that is not known."""
        return _WORSE.get(better, 0) * (self.after - self.before) < 0


class Break(Struct, frozen=True):
    """What a series was measured with changes at ``index``; whether its level moved there is told by a ``Change``."""

    index: int  # of the first point after it, in the series' points
    kind: ChangeKind  # never CODE
    what: str  # "torch 2.12 → 2.13"
    comparable: bool = True  # whether values on both sides may be compared
    causes: tuple[Circumstance, ...] = ()  # what changed; empty for a benchmark's version


class Circumstance(Struct, frozen=True):
    """One thing a series was measured with, on the two sides of a change; empty where a side does not say."""

    name: str  # "torch"
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        """Whether both sides say, and not the same."""
        return bool(self.before and self.after) and self.before != self.after


class Side(Struct, frozen=True):
    """What was measured on one side of a change, in the series' unit, in the runs nearest to it."""

    values: tuple[float, ...]  # ascending; where there were too many to show, evenly thinned by rank
    measured: int  # how many there were
    low: float  # first quartile of all of them
    median: float
    high: float  # third quartile
    runs: int
    processes: int  # 0 where nothing tells how many there were


class Sides(Struct, frozen=True):
    """The two sides of a change; both hold ``of``."""

    before: Side
    after: Side
    of: str  # "samples" of the ruler's processes, or "run medians"


class ChangeEvidence(Struct, frozen=True):
    """What the runs and the traces on both sides of a change say about it."""

    change: Change
    difference: TraceDifference | None = None  # None: no trace on one of the two sides
    note: str = ""  # why there is no difference
    frames: FrameDifference | None = None  # of the same traces, without what is too small to draw; None: not at hand
    sides: Sides | None = None  # None: one of the two has no value
    circumstances: tuple[Circumstance, ...] = ()  # what is known of the two sides, in a settled order


def _settled(changes: Sequence[Change], points: Sequence[Point]) -> frozenset[int]:
    """Which of ``changes`` begin a level of as many runs that it can be relied on."""
    if all(change.confirmed for change in changes):
        return frozenset(range(len(changes)))
    from tbp.history.points import levels  # which is made of these values

    is_known = np.isfinite(levels(points))
    ends = [*(change.index for change in changes[1:]), len(points)]
    return frozenset(
        place
        for place, (change, end) in enumerate(zip(changes, ends, strict=True))
        if np.count_nonzero(is_known[change.index : end]) >= SETTLED_RUNS
    )


class History(Struct, frozen=True, dict=True):
    """A series with everything the report says of it."""

    key: SeriesKey
    unit: str  # "seconds", "bytes", or whatever a track_ benchmark declares
    better: Better
    points: Sequence[Point]  # oldest commit first; a tuple, or ``tbp.history.points``
    state: State
    changes: tuple[ChangeEvidence, ...] = ()  # oldest first
    noise_within: float = float("nan")  # IQR ÷ median of one run's samples, median over runs
    noise_between: float = float("nan")  # robust spread of run medians inside segments, relative
    operators: OperatorTable | None = None  # of the newest commit that has a trace
    operators_commit: Commit | None = None
    breaks: tuple[Break, ...] = ()  # oldest first
    # FLOP that the machine's matrix products do in the time of one call, at the newest value; NaN where unknown.
    roof_flop: float = float("nan")
    since: int = 0  # index of the first point after the revision judged against: earlier changes are of no account
    frames: Frames | None = None  # of operators_commit, without what is too small to draw; None: not at hand
    relevant: float = 0.0  # smallest relative change that the project wants to know of; 0: what the detector confirms
    better_by: str = ""  # how ``better`` is known: "time", "unit it/s" (``tbp.history.directions``)

    @cached_property
    def balance(self) -> Balance | None:
        """The balance of the confirmed changes that count; None where the code made none of them."""
        changes = [evidence.change for evidence in self.changes]
        worse = _WORSE.get(self.better, 0)
        return balance(changes, worse, self.noise_between, self.relevant, self.since, _settled(changes, self.points))

    @property
    def standing(self) -> ChangeEvidence | None:
        """The change of the code that the state is told for; of several regressions the one of which most is left."""
        total = self.balance
        return self.changes[total.standing] if total is not None else None

    @property
    def standing_change(self) -> Change | None:
        """The balance as one change; ``standing`` itself where nothing else is part of it.

        What several changes make together has neither an interval nor a p-value.
        """
        total = self.balance
        if total is None:
            return None
        standing = self.changes[total.standing].change
        if not total.is_of_several:
            return standing
        index, nan = self.changes[total.since].change.index, float("nan")
        return replace(standing, index=index, before=total.reference, after=total.level, p_value=nan, low=nan, high=nan)

    @property
    def suspect(self) -> ChangeEvidence | None:
        """The newest change, where it may be one of the code but is not confirmed."""
        newest = self._counted[-1] if self._counted else None
        if newest is None or newest.change.confirmed or newest.change.kind is not ChangeKind.CODE:
            return None
        return newest if newest.change.matters else None

    @property
    def explained(self) -> ChangeEvidence | None:
        """The newest confirmed change, where something else than the code is put down for it."""
        confirmed = [evidence for evidence in self._counted if evidence.change.confirmed]
        return confirmed[-1] if confirmed and not confirmed[-1].change.is_verdict else None

    @property
    def _counted(self) -> tuple[ChangeEvidence, ...]:
        return tuple(evidence for evidence in self.changes if evidence.change.index >= self.since)


class LineRuns(Struct, frozen=True):
    """The runs of one series on one line beside the branch; there is one at least."""

    key: SeriesKey
    line: Line
    points: Sequence[Point]  # oldest first; a tuple, or ``tbp.history.points``
    unit: str
    better: Better
