"""All environments of a site side by side: how noisy each is, and what they were measured with that differs.

Takes histories and runs by place, gives rows in words; the details of each environment are ``machines``'.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from tbp.model.changes import History
from tbp.model.runs import Machine, Run
from tbp.model.series import Setup
from tbp.report.parts.inventory import measured_with
from tbp.statistics.robust import median, quantile
from tbp.wording import words

MOST_COLUMNS = 12
"""Environments in the table of differences, those with the most runs: more are no table that anybody reads."""

MOST_SAME = 8
"""Names in the sentence of what is the same everywhere."""

LEAST_FOR_TENTH = 10
"""Series below which "one in ten" would be less than one."""


class EnvironmentNoise(Struct, frozen=True):
    """The noise of an environment's times, or of all its series where it has none: a counter that repeats exactly says
    nothing of the machine. NaN where nothing is known."""

    between: float = math.nan  # median over series
    tenth: float = math.nan  # that one series in ten has or exceeds; NaN below LEAST_FOR_TENTH series
    within: float = math.nan
    series: int = 0  # whose noise between runs is known
    of: int = 0  # series there are of that kind
    are_times: bool = True

    @property
    def has_tenth(self) -> bool:
        return math.isfinite(self.tenth)

    @property
    def over(self) -> str:
        """``median of 3 of 24 timed series``: what the numbers are told from."""
        kind = "timed series" if self.are_times else "series"
        return (
            f"the {self.series:,} of {self.of:,} {kind} with enough runs"
            if self.of > self.series > 0
            else "too few runs to tell"
            if self.of > self.series
            else f"{self.of:,} {kind}"
        )


class Differing(Struct, frozen=True):
    """One thing that not all environments were measured with alike."""

    name: str
    values: tuple[str, ...]  # one a column


class Inventory(Struct, frozen=True):
    """The facts that differ between environments; ``rows`` is empty where none does."""

    columns: tuple[Setup, ...]  # with the machines as they are called; without one where all are of one
    rows: tuple[Differing, ...]
    same: str  # what is the same everywhere, in words
    left_out: int  # environments that have no column


def noise(histories: Sequence[History]) -> EnvironmentNoise:
    """The noise of the series of an environment."""
    times = [history for history in histories if history.unit == "seconds"]
    timed = times or histories
    between = np.sort([history.noise_between for history in timed if math.isfinite(history.noise_between)])
    within = [history.noise_within for history in timed if math.isfinite(history.noise_within)]
    return EnvironmentNoise(
        between=quantile(between, 0.5) if len(between) else math.nan,
        tenth=quantile(between, 0.9) if len(between) >= LEAST_FOR_TENTH else math.nan,
        within=median(within),
        series=len(between),
        of=len(timed),
        are_times=bool(times),
    )


def bars(noises: Sequence[EnvironmentNoise]) -> list[float]:
    """The noise between runs of each, in 0…100 of the largest."""
    known = [each.between if math.isfinite(each.between) else 0.0 for each in noises]
    largest = max(known, default=0.0) or 1.0
    return [round(100 * between / largest, 1) for between in known]


def inventory(
    runs: Mapping[Setup, Sequence[Run]], machines: Mapping[str, Machine], faces: Mapping[str, str] | None = None
) -> Inventory:
    """The setups of the newest runs of the environments, where they differ; ``faces`` name the machines."""
    called = faces or {}
    measured = sorted(setup for setup, runs_of_setup in runs.items() if runs_of_setup)
    shown = sorted(sorted(measured, key=lambda setup: -len(runs[setup]))[:MOST_COLUMNS])
    known = [measured_with(runs[setup], machines.get(setup.machine)) for setup in shown]
    names = list(dict.fromkeys(name for facts in known for name in facts))
    rows = [Differing(name, tuple(facts.get(name, "") for facts in known)) for name in names]
    is_one_machine = len({setup.machine for setup in shown}) == 1
    same = [f"{row.name} {row.values[0]}".strip() for row in rows if len(set(row.values)) == 1]
    return Inventory(
        columns=tuple(
            Setup("" if is_one_machine else called.get(setup.machine, setup.machine), setup.environment)
            for setup in shown
        ),
        rows=tuple(row for row in rows if len(set(row.values)) > 1),
        same=words.named(same, MOST_SAME),
        left_out=len(measured) - len(shown),
    )
