"""Trials of a bisection: two commits of the line, the pairs that measured them, and the ruling that these give.

Takes pairs and the levels of the ends, gives rulings; knows no processes and no clock. There are three roles: the ends
against each other, by all rules of ``tbp gate``; a probe against the good end, by ``likeness``; and a suspected step
against the commit before it: by the difference of effects that are known, else with fresh pairs as the gate confirms.
"""

from __future__ import annotations

from enum import Enum
from math import nan
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from tbp.bisect.indirect import IndirectEffect
from tbp.bisect.likeness import LEAST_PAIRS, MOST_PAIRS, Likeness, likeness
from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.model.series import Parameters
from tbp.statistics.paired_ratios import Pair
from tbp.turns.cells import Cell
from tbp.turns.evidence import CONFIRM_PAIRS, CellStanding, Evidence, Limits, estimated
from tbp.turns.judging import LEAST_PAIRS as LEAST_PAIRS_OF_ESTIMATE
from tbp.turns.judging import judgements

# A step that makes up less than this part of the change is looked for no further: it cannot be the largest but one.
LEAST_PART = 0.5
# Of the error that a user lets a gate make: a search tries up to five steps before it names a commit.
STEP_ERROR_SHARE = 0.2

SeriesName: TypeAlias = tuple[str, Parameters]
"""A benchmark and its parameters."""


class Role(Enum):
    """The question of a trial."""

    ENDS = "ends"  # does the bad end differ from the good one?
    PROBE = "probe"  # is this commit like the good end, or like the bad one?
    STEP = "step"  # does this commit differ from the one before it?


class Ruling(Enum):
    """The answer of a trial."""

    OPEN = "open"
    GOOD = "good"  # like the good end; of the ends: no change
    BAD = "bad"  # like the bad end; of the ends: a change
    STEP = "step"  # the step is confirmed
    NO_STEP = "no step"
    UNDECIDED = "undecided"


class Levels(Struct, frozen=True):
    """The levels of a bracket's two ends, as logs against the good end of the line, and what deciding costs."""

    good: float = 0.0
    bad: float = nan
    noise: float = nan  # of one pair
    error: float = 0.05  # of one probe


class Trial(Struct):
    """Two commits of the line, by their indexes, and all that was measured of them."""

    role: Role
    base: int
    head: int
    pairs: list[Pair] = field(default_factory=list)
    ruling: Ruling = Ruling.OPEN
    reason: str = ""  # why it is undecided
    least: int = 0  # pairs before it is decided; more where it was doubted, or a confirmation needs them
    operators: tuple[str, ...] | None = None  # sentences on those of a confirmed step; None: not looked at
    indirect: IndirectEffect | None = None  # of a step that other trials' pairs confirm: it has none

    @property
    def effects(self) -> list[float]:
        return [pair.effect for pair in self.pairs]

    @property
    def count(self) -> int:
        """The pairs that it rests on, those of other trials included."""
        return len(self.pairs) if self.indirect is None else self.indirect.pairs

    def deciding(self, limits: Limits) -> list[Pair]:
        """The pairs that tell its effect: of the ends, which led to the search, those after the suspicion alone."""
        return self.evidence(limits).fresh if self.role is Role.ENDS else self.pairs

    def evidence(self, limits: Limits, series: SeriesName = ("", ())) -> Evidence:
        """The gate's evidence: all pairs of the ends from the first look on; of a step, which is suspected, fresh."""
        evidence = Evidence(Cell(series[0], 0, series[1]))
        if self.role is Role.STEP:
            evidence.standing = CellStanding.FLAGGED
        for pair in self.pairs:
            evidence.add(pair, self._limits(limits), 1)
        return evidence

    def _limits(self, limits: Limits) -> Limits:
        if self.role is not Role.STEP:
            return limits
        return replace(limits, false_discovery_rate=STEP_ERROR_SHARE * limits.false_discovery_rate)

    def judged(self, limits: Limits, series: SeriesName = ("", ()), ended: str = "") -> Judgement:
        """The gate's judgement by the pairs so far; ``ended`` is why there are no more."""
        if self.indirect is not None:
            return self.indirect.judged(*series)
        (judgement,) = judgements([self.evidence(limits, series)], self._limits(limits), ended)
        return judgement

    def rule(self, limits: Limits, levels: Levels) -> None:
        """Decides by the pairs so far, if they decide."""
        if len(self.pairs) >= self.least:
            self.ruling = _RULES[self.role](self, limits, levels)


CHANGED = (State.REGRESSION, State.IMPROVEMENT)


def _ends(trial: Trial, limits: Limits, levels: Levels) -> Ruling:
    evidence = trial.evidence(limits)
    if evidence.wants_pairs:
        return Ruling.OPEN
    judgement = trial.judged(limits)
    trial.reason = judgement.reason
    if judgement.state in CHANGED:
        return Ruling.BAD
    return Ruling.GOOD if judgement.state is State.NO_CHANGE else Ruling.UNDECIDED


def _probe(trial: Trial, limits: Limits, levels: Levels) -> Ruling:
    most = max(MOST_PAIRS, trial.least)
    side = likeness(trial.effects, levels.good, levels.bad, levels.noise, levels.error, most)
    if side is Likeness.UNDECIDED:
        trial.reason = f"{len(trial.pairs)} pairs do not tell the end that it is like"
    return Ruling(side.value)


def _step(trial: Trial, limits: Limits, levels: Levels) -> Ruling:
    change = levels.bad - levels.good
    if len(trial.pairs) >= LEAST_PAIRS:
        # The nearer to nothing the nearer end: what is no quarter of the change is no step that is looked for.
        side = likeness(trial.effects, 0.0, LEAST_PART * change, levels.noise, levels.error, CONFIRM_PAIRS + 1)
        if side is Likeness.GOOD:
            return Ruling.NO_STEP
    if trial.evidence(limits).wants_pairs:
        return Ruling.OPEN
    judgement = trial.judged(limits)
    is_step = judgement.state in CHANGED and judgement.effect * change > 0
    trial.reason = "" if is_step else judgement.reason
    return Ruling.STEP if is_step else Ruling.NO_STEP


_RULES = {Role.ENDS: _ends, Role.PROBE: _probe, Role.STEP: _step}


def effect_of(trial: Trial, limits: Limits) -> float:
    """The effect of a trial as a log, by the pairs that decide; NaN where there are too few."""
    if trial.indirect is not None:
        return trial.indirect.effect
    fresh = trial.evidence(limits).fresh
    return estimated(fresh).effect if len(fresh) >= LEAST_PAIRS_OF_ESTIMATE else nan
