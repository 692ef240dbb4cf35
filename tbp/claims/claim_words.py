"""Factors and verdicts of claims in words, for the terminal and the page alike."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from tbp.claims.judging import JudgedPractice
from tbp.claims.practice_cell import Basis, ClaimVerdict, PracticeCell
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Better
from tbp.project.claims_file import TIME, Practice
from tbp.wording import words

MARKS: Mapping[ClaimVerdict, str] = {
    ClaimVerdict.HOLDS: "✔",
    ClaimVerdict.DEPENDS: "◐",
    ClaimVerdict.FAILS: "✖",
    ClaimVerdict.UNDECIDED: "~",
    ClaimVerdict.NOT_MEASURED: "∅",
}
"""A shape for each verdict beside its word."""

MOST_AGAINST = 30  # characters of the name of a variant
SAME = 0.005
"""Factors that differ from 1 by less are called the same: with three digits they would be 1.00."""

OF_TIMES, OF_BYTES = ("faster", "slower", "as fast"), ("smaller", "larger", "as large")
OF_AMOUNTS, OF_GAINS = ("less", "more", "as much"), ("more", "less", "as much")
"""Comparatives of the better, the worse and the equal one."""


def factor_text(cell: PracticeCell, against: str = "") -> str:
    """``2.93 × faster than naive``, ``1.40 × larger``, ``as fast``; ``–`` where nothing is known."""
    if math.isnan(cell.factor):
        return words.UNKNOWN
    than = f" than {against}" if against else ""
    if not 0 < cell.factor < math.inf:
        better, worse, _ = _comparatives(cell)
        return f"{better if cell.factor else worse}{than}, and one of them is 0"
    if abs(cell.factor - 1) < SAME:
        return f"{_comparatives(cell)[2]}{f' as {against}' if against else ''}"
    return f"{_times(cell, cell.factor)}{than}"


def interval_text(cell: PracticeCell) -> str:
    """``99 % CI 2.40–3.50`` in the direction of the factor, or ``99 % CI 1.17 × slower to 2.77 × faster``.

    It is empty for a count, and where there is none.
    """
    if cell.basis is Basis.EXACT or not (0 < cell.low <= cell.high < math.inf):
        return ""
    share = f"{100 * CONFIDENCE:.0f} % CI"
    if cell.low < 1 - SAME and cell.high > 1 + SAME:
        return f"{share} {_times(cell, cell.low)} to {_times(cell, cell.high)}"
    ends = (cell.low, cell.high) if cell.factor > 1 - SAME else (1 / cell.high, 1 / cell.low)
    return f"{share} {'–'.join(map(words.significant, ends))}"


def spread_text(judged: JudgedPractice) -> str:
    """The factor of the only measured cell with its interval, or the worst and the best of several."""
    cells = sorted(judged.measured, key=lambda cell: cell.factor)
    against = words.cut(judged.practice.against, MOST_AGAINST)
    if len(cells) < 2:
        return ", ".join(text for cell in cells for text in (factor_text(cell, against), interval_text(cell)) if text)
    least, most = factor_text(cells[0]), factor_text(cells[-1], against)
    end = factor_text(cells[-1]).partition(" × ")[2]
    if end and least.endswith(f" × {end}"):
        least = least.removesuffix(f" × {end}")
    spread = most if most.startswith(least) else f"{least} to {most}"
    return f"{spread}, {words.count(len(cells), 'cell')}"


def _times(cell: PracticeCell, factor: float) -> str:
    better, worse, _ = _comparatives(cell)
    return f"{words.significant(factor)} × {better}" if factor > 1 else f"{words.significant(1 / factor)} × {worse}"


def values_text(cell: PracticeCell) -> str:
    """The two values: ``8.20 ms → 2.80 ms``; empty where they are not known."""
    if not (math.isfinite(cell.value) and math.isfinite(cell.against_value)):
        return ""
    return f"{quantity(cell.against_value, cell.unit)} → {quantity(cell.value, cell.unit)}"


def quantity(value: float, unit: str) -> str:
    """A value with its unit; a share in percent."""
    if unit.startswith(("share of", "relative ")) and math.isfinite(value):
        return f"{words.percent(value)}" if value >= 1e-4 or not value else words.small(value)
    return words.quantity(value, unit)


def basis_text(cell: PracticeCell) -> str:
    """``in turns, 3 processes``, ``5 runs``, ``exact``."""
    if cell.basis is Basis.EXACT:
        return "a count, exact"
    if cell.basis in (Basis.RUNS, Basis.REPEATED):
        return words.count(cell.size, "run" if cell.basis is Basis.RUNS else "repetition")
    return f"{cell.basis}, {words.count(cell.size, 'process', 'processes')}" if cell.basis is not Basis.NONE else ""


def demand_text(practice: Practice) -> str:
    """``at least 2 × faster``, ``at most 1.11 × slower``; empty where any difference that matters will do."""
    if practice.within is not None:
        return f"at most {practice.within:g} worse"
    if practice.at_least is None:
        return ""
    better, worse = "better", "worse"
    if practice.measure == TIME:
        better, worse, _ = OF_TIMES
    elif practice.measure.endswith("bytes"):
        better, worse, _ = OF_BYTES
    if practice.at_least >= 1:
        return f"at least {practice.at_least:.3g} × {better}"
    return f"at most {1 / practice.at_least:.3g} × {worse}"


def to_run(several: Iterable[JudgedPractice]) -> str:
    """The command that measures the practices of which there is no series; empty where every one has some."""
    patterns = (judged.practice.benchmarks for judged in several if not judged.cells)
    every = dict.fromkeys(re.match(r"\w*", pattern, re.ASCII)[0] for pattern in patterns)  # type: ignore[index]
    if not every:
        return ""
    begins = [name for name in every if not any(name != other and name.startswith(other) for other in every)]
    return f"asv run --bench '^({'|'.join(begins)})' 'HEAD^!'" if all(begins) else "asv run 'HEAD^!'"


def _comparatives(cell: PracticeCell) -> tuple[str, str, str]:
    of_units = {"seconds": OF_TIMES, "bytes": OF_BYTES}
    if cell.better is Better.HIGHER:
        return OF_GAINS
    return of_units.get(cell.unit, OF_AMOUNTS)
