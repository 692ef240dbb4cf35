"""Judgements on the benchmarks of two commits: the common result of ``tbp gate`` and ``tbp compare``.

The gate measures both commits in turns, compare reads what asv stored; both give a ``Comparison``. Its forms (table,
JSON, Markdown, JUnit) are modules of their own beside this one and read nothing else.
"""

from __future__ import annotations

from math import isnan, nan

from msgspec import Struct

from tbp.model.changes import State
from tbp.model.series import Better, Parameters, parameter_label, series_name


class ComparedCommit(Struct, frozen=True):
    """A commit that was compared."""

    revision: str  # as the user wrote it: "main", "HEAD~1", "." for the working tree
    commit: str  # full hash
    subject: str = ""  # first line of the commit message: hostile text


class Judgement(Struct, frozen=True):
    """The verdict on one benchmark over one combination of parameters. Times are seconds per call.

    ``state`` is one of REGRESSION, CHANGED, IMPROVEMENT, NO_CHANGE, UNDECIDED, FAILED, SKIPPED.
    """

    benchmark: str
    parameters: Parameters
    state: State
    unit: str = "seconds"
    better: Better = Better.LOWER
    before: float = nan  # median of the baseline
    after: float = nan  # median of the contender
    effect: float = nan  # 0.10: the contender's value is 10 % larger; estimated from pairs, so not just after / before
    low: float = nan  # interval of ``effect`` at CONFIDENCE
    high: float = nan
    p_value: float = nan  # chance of such an effect without a change, corrected for all benchmarks judged
    evidence: int = 0  # pairs of processes (gate), or processes on the side that has fewer (compare)
    reason: str = ""  # why it failed, was skipped or is undecided: a sentence without a full stop
    operators: tuple[str, ...] = ()  # sentences on the operators that account for the change, the largest first

    @property
    def label(self) -> str:
        return parameter_label(self.parameters)

    @property
    def name(self) -> str:
        return series_name(self.benchmark, self.parameters)


class Comparison(Struct, frozen=True):
    """All judgements on a baseline and a contender on one machine in one environment."""

    project: str
    baseline: ComparedCommit
    contender: ComparedCommit
    method: str  # "measured in turns" or "from stored results"
    judgements: tuple[Judgement, ...]
    machine: str = ""
    environment: str = ""
    seconds: float = nan  # that it took to measure; NaN where nothing was
    notes: tuple[str, ...] = ()  # sentences about what limits the verdict

    def of(self, state: State) -> tuple[Judgement, ...]:
        """The judgements of one state, the largest effect first, those without one last."""
        judgements = [judgement for judgement in self.judgements if judgement.state is state]
        return tuple(
            sorted(judgements, key=lambda j: (isnan(j.effect), 0.0 if isnan(j.effect) else -abs(j.effect), j.name))
        )
