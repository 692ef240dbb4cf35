"""Changes of a series and its whole history: the findings of the detector, with the evidence of runs and traces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.model.balance import SETTLED_RUNS, Balance, balance
from tbp.model.cells import MeasuredCell
from tbp.model.effects import effect_size
from tbp.model.points import levels
from tbp.model.ranks import RanksAtCommit
from tbp.model.series import Better, Commit, Line, Point, SeriesKey
from tbp.model.triage import Triage
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.per_step import Devices
from tbp.traces.differences.difference import TraceDifference
from tbp.traces.differences.frame_difference import FrameDifference
from tbp.traces.frames.frames import Frames
from tbp.traces.operators.operators import OperatorTable


class State(StrEnum):
    """The verdict on a series, worst first; the report sorts by this order."""

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


UNMEASURED = (State.FAILED, State.STALE, State.VANISHED, State.SKIPPED)
"""States of series of which nobody knows how they are now."""


def is_measured(states: Iterable[State]) -> bool:
    """False where no series has a value now: then silence is no health, and every verb ends with exit code 4."""
    return any(state not in UNMEASURED for state in states)


class ChangeKind(StrEnum):
    """The cause that a change of level, or a break in a series, is put down to."""

    CODE = "code"  # nothing but the commit changed: the only kind that is a regression or an improvement
    HARNESS = "harness change"  # the benchmark's own version, or how many calls it times together
    DEPENDENCY = "dependency change"  # Python, torch or another requirement
    HARDWARE = "hardware change"  # processor, GPU, driver, memory or operating system of the machine
    UNRECORDED = "unrecorded change"  # what no result records: it came with a night of measuring, not with a commit


class Change(Struct, frozen=True):
    """A change point: the level of a series shifts at ``index``."""

    index: int  # of the first point after the shift, in the series' points
    before: float  # median of the segment before
    after: float  # median of the segment after
    p_value: float  # chance of such a shift without a change, corrected for the places looked at
    confirmed: bool  # significant *and* relevant; otherwise only suspect
    kind: ChangeKind = ChangeKind.CODE
    explanation: str = ""  # what else changed at ``index``: "torch 2.12 → 2.13"; empty for CODE
    is_recovery: bool = False  # it brought back the level before a regression, and no more (``tbp.model.balance``)
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
        """False for an exact change of a counter that is too small to report."""
        return self.confirmed or not self.is_exact

    @property
    def is_of_code(self) -> bool:
        """True where the change is put down to nothing else than the code."""
        return self.kind is ChangeKind.CODE

    @property
    def is_verdict(self) -> bool:
        """True for a verdict on the code: the change is confirmed, and there is nothing else to put it down to."""
        return self.confirmed and self.is_of_code

    @property
    def effect(self) -> float:
        """The effect size of the two levels: see ``effect_size``."""
        return effect_size(self.before, self.after)

    def is_worse(self, better: Better) -> bool:
        """True where the level moved in the direction that is not the better one; False where that is not known."""
        return better.worse * (self.after - self.before) > 0

    def is_better(self, better: Better) -> bool:
        """True where the level moved in the better direction; False where that is not known."""
        return better.worse * (self.after - self.before) < 0

    def merit(self, better: Better) -> int:
        """1 for a change of the code for the worse, -1 for one for the better; 0 for every other, and a recovery."""
        if not self.is_of_code or self.is_recovery:
            return 0
        return self.is_worse(better) - self.is_better(better)


class Break(Struct, frozen=True):
    """A change of the conditions a series was measured in; a ``Change`` has a shift of its level."""

    index: int  # of the first point after it, in the series' points
    kind: ChangeKind  # never CODE
    explanation: str  # "torch 2.12 → 2.13"
    comparable: bool = True  # whether values on both sides may be compared
    causes: tuple[Circumstance, ...] = ()  # what changed; empty for a benchmark's version


class Circumstance(Struct, frozen=True):
    """One condition that a series was measured in, on the two sides of a change; empty where it is not recorded."""

    name: str  # "torch"
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        """True where both sides have a value, and not the same one."""
        return bool(self.before and self.after) and self.before != self.after


class Side(Struct, frozen=True):
    """The values on one side of a change, in the series' unit, in the runs nearest to it."""

    values: tuple[float, ...]  # ascending; where there were too many to show, evenly thinned by rank
    measured: int  # how many there were
    low: float  # first quartile of all of them
    median: float
    high: float  # third quartile
    runs: int
    processes: int  # 0 where their number is not known


class Sides(Struct, frozen=True):
    """The two sides of a change; both hold ``of``."""

    before: Side
    after: Side
    of: str  # "samples" of the ruler's processes, or "run medians"


class RecordedTraces(Struct, frozen=True):
    """The files that the profiler wrote of one cell at a commit."""

    key: SeriesKey  # of the cell's timing: a counter has no traces of its own
    commit: Commit
    files: tuple[str, ...]  # whole traces, relative to the results folder, with "/" between folders
    pruned: int = 0  # further traces of which only the operators are kept


class ChangeEvidence(Struct, frozen=True):
    """A change with the runs and the traces on both sides of it."""

    change: Change
    difference: TraceDifference | None = None  # None: no trace on one of the two sides
    note: str = ""  # why there is no difference
    frames: FrameDifference | None = None  # of the same traces, without what is too small to draw; None: not at hand
    sides: Sides | None = None  # None: one of the two has no value
    circumstances: tuple[Circumstance, ...] = ()  # what is known of the two sides, in a settled order
    triage: Triage | None = None  # None: acks.toml does not name the change
    recorded: tuple[RecordedTraces, ...] = ()  # of ``difference``: before and after


def _settled(changes: Sequence[Change], points: Sequence[Point]) -> frozenset[int]:
    """The indexes of the ``changes`` that begin a level of enough runs to rely on it."""
    if all(change.confirmed for change in changes):
        return frozenset(range(len(changes)))
    is_known = np.isfinite(levels(points))
    ends = [*(change.index for change in changes[1:]), len(points)]
    return frozenset(
        number
        for number, (change, end) in enumerate(zip(changes, ends, strict=True))
        if np.count_nonzero(is_known[change.index : end]) >= SETTLED_RUNS
    )


class History(Struct, frozen=True, dict=True):
    """A series with everything the report shows of it."""

    key: SeriesKey
    unit: str  # "seconds", "bytes", or whatever a track_ benchmark declares
    better: Better
    points: Sequence[Point]  # oldest commit first; a tuple, or ``tbp.model.points``
    state: State
    changes: tuple[ChangeEvidence, ...] = ()  # oldest first
    noise_within: float = float("nan")  # IQR ÷ median of one run's samples, median over runs
    noise_between: float = float("nan")  # robust spread of run medians inside segments, relative
    operators: OperatorTable | None = None  # of the newest commit that has a trace
    operators_commit: Commit | None = None
    breaks: tuple[Break, ...] = ()  # oldest first
    # FLOP that the machine's matrix products do in the time of one call, at the newest value; NaN where unknown.
    roof_flop: float = float("nan")
    cell: MeasuredCell | None = None  # of the newest value; None: its sessions are not at hand, or it has none
    since: int = 0  # index of the first point after the revision judged against: earlier changes are of no account
    frames: Frames | None = None  # of operators_commit, without what is too small to draw; None: not at hand
    devices: Devices | None = None  # of operators_commit; None: nothing ran on one, and it is no distributed run
    memory: MemoryUse | None = None  # of operators_commit, ``bounded``; None: not recorded
    ranks: tuple[RanksAtCommit, ...] = ()  # of a distributed series, the newest commits with traces, oldest first
    relevant: float = 0.0  # smallest relative change that the project wants to know of; 0: what the detector confirms
    better_by: str = ""  # how ``better`` is known: "time", "unit it/s" (``tbp.project.directions``)
    recorded: RecordedTraces | None = None  # of operators_commit

    @cached_property
    def balance(self) -> Balance | None:
        """The balance of the confirmed changes that count; None where the code made none of them."""
        changes = [evidence.change for evidence in self.changes]
        settled = _settled(changes, self.points)
        return balance(changes, self.better.worse, self.noise_between, self.relevant, self.since, settled)

    def commit_at(self, index: int) -> Commit | None:
        """The commit of the run at ``index``; None where there is no such run."""
        return self.points[index].commit if 0 <= index < len(self.points) else None

    @property
    def standing(self) -> ChangeEvidence | None:
        """The change of the code that makes the state; of several regressions the one of which most is left."""
        total = self.balance
        return self.changes[total.standing] if total is not None else None

    @property
    def standing_change(self) -> Change | None:
        """The balance as one change; ``standing`` itself where nothing else is part of it.

        A sum of several changes has neither an interval nor a p-value.
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

    @cached_property
    def _counted(self) -> tuple[ChangeEvidence, ...]:
        return tuple(evidence for evidence in self.changes if evidence.change.index >= self.since)


class LineRuns(Struct, frozen=True):
    """The runs of one series on one line beside the branch; there is one at least."""

    key: SeriesKey
    line: Line
    points: Sequence[Point]  # oldest first; a tuple, or ``tbp.model.points``
    unit: str
    better: Better
