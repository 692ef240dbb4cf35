"""Factors and verdicts of claims in words, for the terminal and the page alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tbp.claims.judging import JudgedPractice
from tbp.claims.practice_cell import Basis, ClaimVerdict, PracticeCell
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Better
from tbp.project.claims_file import Practice
from tbp.wording import words

MARKS: Mapping[ClaimVerdict, str] = {
    ClaimVerdict.HOLDS: "✔",
    ClaimVerdict.DEPENDS: "◐",
    ClaimVerdict.FAILS: "✖",
    ClaimVerdict.UNDECIDED: "~",
    ClaimVerdict.NOT_MEASURED: "∅",
}
"""A shape for each verdict beside its word."""

SAME = 0.005
"""Factors that differ from 1 by less are called the same: with three digits they would be 1.00."""

OF_UNITS = {"seconds": ("faster", "slower", "as fast"), "bytes": ("smaller", "larger", "as large")}
LESS, MORE = ("less", "more", "as much"), ("more", "less", "as much")


def factor_text(cell: PracticeCell) -> str:
    """``2.93 × faster``, ``1.40 × larger``, ``as fast``; ``–`` where nothing is known."""
    better, worse, same = _comparatives(cell)
    factor = cell.factor
    if math.isnan(factor):
        return words.UNKNOWN
    if not 0 < factor < math.inf:
        return f"{better}, from or to 0" if factor else f"{worse}, from or to 0"
    if abs(factor - 1) < SAME:
        return same
    return f"{words.significant(factor)} × {better}" if factor > 1 else f"{words.significant(1 / factor)} × {worse}"


def interval_text(cell: PracticeCell) -> str:
    """``99 % CI 2.40–3.50``, in the direction of the factor; empty for a count, and where there is none."""
    if cell.basis is Basis.EXACT or not math.isfinite(cell.low) or not cell.low > 0:
        return ""
    is_worse = cell.factor <= 1 - SAME
    low, high = (1 / cell.high, 1 / cell.low) if is_worse else (cell.low, cell.high)
    return f"{CONFIDENCE:.0%} CI {words.significant(low)}–{words.significant(high)}".replace("%", " %")


def spread_text(judged: JudgedPractice) -> str:
    """The factor of the only measured cell with its interval, or the worst and the best of several."""
    cells = sorted(judged.measured, key=lambda cell: cell.factor)
    if not cells:
        return ""
    if len(cells) == 1:
        return ", ".join(filter(None, [factor_text(cells[0]), interval_text(cells[0])]))
    least, most = factor_text(cells[0]), factor_text(cells[-1])
    end = most.partition(" × ")[2]
    if end and least.endswith(f" × {end}"):
        least = least.removesuffix(f" × {end}")
    return least if least == most else f"{least} to {most}"


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
    if cell.basis is Basis.RUNS:
        return words.count(cell.size, "run")
    return f"{cell.basis}, {words.count(cell.size, 'process', 'processes')}" if cell.basis is not Basis.NONE else ""


def demand_text(practice: Practice) -> str:
    """``at least 2 × better``, ``at most 0.01 worse``; empty where any difference that matters will do."""
    if practice.at_least is not None:
        return f"at least {practice.at_least:g} ×"
    return f"at most {practice.within:g} worse" if practice.within is not None else ""


def to_run(judged: JudgedPractice) -> str:
    """The command that measures a practice of which there is no series; empty for others."""
    if judged.verdict is not ClaimVerdict.NOT_MEASURED or judged.cells:
        return ""
    begins = judged.practice.benchmarks.partition("*")[0].partition("?")[0].rstrip(".")
    if not begins:
        return "asv run NEW"
    is_plain = begins.replace(".", "").replace("_", "").isalnum() and begins.isascii()
    return f"asv run --bench {begins} 'HEAD^!'" if is_plain else ""


def commands(several: Sequence[JudgedPractice]) -> tuple[str, ...]:
    """The commands that measure what is not measured yet, each once."""
    return tuple(dict.fromkeys(filter(None, map(to_run, several))))


def _comparatives(cell: PracticeCell) -> tuple[str, str, str]:
    if cell.unit in OF_UNITS and cell.better is Better.LOWER:
        return OF_UNITS[cell.unit]
    return MORE if cell.better is Better.HIGHER else LESS
