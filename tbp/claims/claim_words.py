"""Factors and verdicts of claims in words, for the terminal and the page alike."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

from tbp.claims.judging import JudgedPractice
from tbp.claims.practice_cell import Basis, ClaimVerdict, PracticeCell
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Better
from tbp.project.claims_file import TIME
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

SHARES = ("share of", "relative ")
"""Beginnings of units that are written in percent."""

_IN_TURNS = "Times of both are taken in turns in the same processes."
OF_BASES: Mapping[Basis, str] = {
    Basis.IN_TURNS: _IN_TURNS,
    Basis.IN_TURNS_CPU: _IN_TURNS,
    Basis.RUNS: "Values of runs are not taken in turns: each run gives one ratio.",
    Basis.REPEATED: "Each repetition, such as a seed, gives one ratio.",
    Basis.EXACT: "Counts have no noise.",
}

LEAST_PERCENT = 5e-4
"""A share below is written as a power of ten: in percent it would be 0.0 %."""

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
    if judged.practice.within is not None and len(cells) == 1:
        return values_text(cells[0])
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
    values = [quantity(value, cell.unit) for value in (cell.against_value, cell.value)]
    if values[0] == values[1] and cell.value != cell.against_value and cell.unit.startswith(SHARES):
        values = [f"{100 * value:.3g} %" for value in (cell.against_value, cell.value)]
    return " → ".join(values)


def quantity(value: float, unit: str) -> str:
    """A value of a practice with its unit; a share in percent, and without words."""
    return amount(value, unit) if unit.startswith(SHARES) else words.quantity(value, unit)


def amount(value: float, unit: str) -> str:
    """A value whose unit stands beside it, a phrase such as ``bytes of the largest tensor`` or ``raised errors``."""
    if unit.startswith("bytes"):
        return words.quantity(value, "bytes")
    if unit.startswith(SHARES):
        return words.percent(value) if not 0 < value < LEAST_PERCENT else words.small(value)
    return words.whole(value) if math.isfinite(value) and value == round(value) else words.small(value)


def outcome_text(naive: float, right: float, unit: str) -> str:
    """``raised errors: naive 1, right 0``."""
    return f"{unit}: naive {amount(naive, unit)}, right {amount(right, unit)}"


def basis_text(cell: PracticeCell) -> str:
    """``in turns, 3 processes``, ``5 runs``, ``exact``."""
    if cell.basis is Basis.EXACT:
        return "a count, exact"
    if cell.basis in (Basis.RUNS, Basis.REPEATED):
        return words.count(cell.size, "run" if cell.basis is Basis.RUNS else "repetition")
    return f"{cell.basis}, {words.count(cell.size, 'process', 'processes')}" if cell.basis is not Basis.NONE else ""


def bases_text(cells: Iterable[PracticeCell]) -> str:
    """The sentences on how the factors of these cells come about; empty where nothing is measured."""
    present = {cell.basis for cell in cells}
    return " ".join(dict.fromkeys(text for basis, text in OF_BASES.items() if basis in present))


def demand_text(judged: JudgedPractice) -> str:
    """``at least 2 × faster``, ``at most 1.0 points worse``; empty where any difference that matters will do."""
    practice = judged.practice
    if practice.within is not None:
        is_share = all(cell.unit.startswith(SHARES) for cell in judged.measured)
        points = f" point{'' if practice.within == 0.01 else 's'}" if is_share else ""
        return f"at most {practice.within * (100 if is_share else 1):g}{points} worse"
    if practice.at_least is None:
        return ""
    better, worse = "better", "worse"
    if judged.measured:
        better, worse, _ = _comparatives(judged.measured[0])
    elif practice.measure == TIME:
        better, worse, _ = OF_TIMES
    elif practice.measure.endswith("bytes"):
        better, worse, _ = OF_BYTES
    if practice.at_least >= 1:
        return f"at least {practice.at_least:.3g} × {better}"
    return f"at most {1 / practice.at_least:.3g} × {worse}"


def lacking(several: Iterable[JudgedPractice]) -> list[str]:
    """``Fused AdamW; Memory of the step: no benchmark …`` for each reason why practices have no series."""
    titles: dict[str, list[str]] = {}
    for judged in several:
        if not judged.cells:
            titles.setdefault(judged.remark, []).append(title(judged))
    return [f"{'; '.join(names)}: {reason}" for reason, names in titles.items()]


def title(judged: JudgedPractice) -> str:
    """The title of a practice, and that it is not claimed."""
    return f"{judged.practice.title}{'' if judged.practice.is_claimed else ' (not claimed)'}"


def to_run(several: Iterable[JudgedPractice]) -> str:
    """The command that measures the practices of which there is no series; empty where every one has some."""
    patterns = (judged.practice.benchmarks for judged in several if judged.is_unknown)
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
