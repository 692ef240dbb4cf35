"""A practice in one cell of the benchmarks, as frozen values: its verdict, and how many times better it is."""

from __future__ import annotations

import math
from enum import StrEnum

from msgspec import Struct

from tbp.model.series import Better, Commit, Parameters, SeriesKey


class ClaimVerdict(StrEnum):
    """The verdict on a practice, in a cell or in all."""

    HOLDS = "holds"
    DEPENDS = "depends on where"  # it holds in some cells, and does not hold in others
    FAILS = "does not hold here"
    UNDECIDED = "undecided"
    NOT_MEASURED = "not measured"


class Basis(StrEnum):
    """The kind of numbers that a factor was made from."""

    IN_TURNS = "in turns"  # both in the same processes, sampled alternately
    IN_TURNS_CPU = "in turns, CPU time"  # the machine was busy
    RUNS = "runs"  # one ratio for each run, of two times that were not taken in turns
    REPEATED = "repetitions"  # one ratio for each value of a parameter such as a seed
    EXACT = "exact"  # a count, of the same run: it has no noise
    NONE = ""


class PracticeCell(Struct, frozen=True):
    """A practice in one cell of the benchmarks, on one machine; NaN where nothing is known."""

    key: SeriesKey  # of the variant
    against_key: SeriesKey | None  # of what it is held against; None where that has no series
    given: Parameters  # its parameters without the one that names the variant
    verdict: ClaimVerdict
    commit: Commit | None = None
    unit: str = ""
    better: Better = Better.LOWER
    value: float = math.nan  # of the variant, in the unit
    against_value: float = math.nan
    factor: float = math.nan  # how many times better the variant is
    low: float = math.nan  # ends of the 99 % interval of the factor
    high: float = math.nan
    basis: Basis = Basis.NONE
    size: int = 0  # processes, runs or repetitions behind the interval
    reason: str = ""  # why it is undecided or not measured

    @property
    def suite(self) -> str:
        """The benchmark without its method: ``attention.Nightly``."""
        return self.key.benchmark.rpartition(".")[0]
