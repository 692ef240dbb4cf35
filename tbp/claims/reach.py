"""The reach of a practice: the one parameter, suite, machine or environment on which its verdict depends.

Takes the cells of a practice, gives text. Names are those of the results, and hostile: whoever shows it escapes it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from tbp.claims.practice_cell import ClaimVerdict, PracticeCell
from tbp.statistics.crossing import RatioAtSize, crossing
from tbp.wording import words

MOST_VALUES = 3  # of a parameter, named in a sentence
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,15})?")


class CellDimension(Struct, frozen=True):
    """Something that cells differ in."""

    name: str  # of a parameter; "suite", "machine" or "environment"
    value_of: Callable[[PracticeCell], str]
    is_parameter: bool = True

    def text(self, value: str) -> str:
        """``sequence_length=1024``, ``suite attention.Nightly``."""
        return f"{self.name}={value}" if self.is_parameter else f"{self.name} {value}"


def dimensions(cells: Sequence[PracticeCell], faces: Mapping[str, str] | None = None) -> tuple[CellDimension, ...]:
    """All that the cells differ in, parameters first. ``faces`` have the names of machines, by identifier."""
    names = dict.fromkeys(name for cell in cells for name, _ in cell.given)
    known = faces or {}
    every = [
        *(CellDimension(name, partial(_value, name)) for name in names),
        CellDimension("suite", lambda cell: cell.suite, is_parameter=False),
        CellDimension("machine", lambda cell: known.get(cell.key.machine, cell.key.machine), is_parameter=False),
        CellDimension("environment", lambda cell: cell.key.environment, is_parameter=False),
    ]
    return tuple(dimension for dimension in every if len({dimension.value_of(cell) for cell in cells}) > 1)


def _value(name: str, cell: PracticeCell) -> str:
    return dict(cell.given).get(name, "")


def spot_text(cell: PracticeCell, among: Sequence[CellDimension]) -> str:
    """The values that tell the cell from the others: ``S=64, suite attention.Nightly``; else its parameters."""
    telling = [dimension.text(value) for dimension in among if (value := dimension.value_of(cell))]
    return ", ".join(telling) or ", ".join(f"{name}={value}" for name, value in cell.given)


def dependence(cells: Sequence[PracticeCell], least: float, faces: Mapping[str, str] | None = None) -> str:
    """The condition on which a practice holds: ``from d_model=128 on, not at 64``.

    Where no parameter decides by itself, how many of the cells it holds in. ``least`` is the factor that it needs.
    """
    decided = [cell for cell in cells if cell.verdict in (ClaimVerdict.HOLDS, ClaimVerdict.FAILS)]
    sentences = (_parted(dimension, cells, decided, faces or {}, least) for dimension in dimensions(decided, faces))
    holding = sum(cell.verdict is ClaimVerdict.HOLDS for cell in decided)
    return next(filter(None, sentences), f"in {holding} of {words.count(len(decided), 'cell')}")


def _parted(
    dimension: CellDimension,
    cells: Sequence[PracticeCell],
    decided: Sequence[PracticeCell],
    faces: Mapping[str, str],
    least: float,
) -> str:
    """The sentence of a dimension that parts the cells; empty where it does not.

    Cells without such a parameter, of another suite, are left out where the practice holds in all of them; where it
    does not, the parameter parts nothing.
    """
    if any(cell.verdict is ClaimVerdict.FAILS for cell in decided if not dimension.value_of(cell)):
        return ""
    decided = [cell for cell in decided if dimension.value_of(cell)]
    holding = {dimension.value_of(cell) for cell in decided if cell.verdict is ClaimVerdict.HOLDS}
    failing = {dimension.value_of(cell) for cell in decided if cell.verdict is ClaimVerdict.FAILS}
    if holding & failing or not holding or not failing:
        return ""
    if all(_NUMBER.fullmatch(value) for value in holding | failing):
        sizes, failing_sizes = sorted(holding, key=float), sorted(failing, key=float)
        if float(sizes[0]) > float(failing_sizes[-1]):
            crossed = _crossed(dimension, cells, faces, least)
            return f"from {dimension.text(sizes[0])} on, not at {failing_sizes[-1]}{crossed}"
        if float(sizes[-1]) < float(failing_sizes[0]):
            crossed = _crossed(dimension, cells, faces, least)
            return f"up to {dimension.text(sizes[-1])}, not at {failing_sizes[0]}{crossed}"
    named = words.named([dimension.text(value) for value in sorted(holding)], MOST_VALUES)
    return f"with {named}, not with {words.named(sorted(failing), MOST_VALUES)}"


def _crossed(dimension: CellDimension, cells: Sequence[PracticeCell], faces: Mapping[str, str], least: float) -> str:
    """`` (it crosses at about 180)``, between cells that are equal in all else; empty where there are none."""
    lines = (crossing(line, least) for line in _lines(dimension, cells, faces))
    sizes = [crossed.size for crossed in lines if crossed is not None]
    if not sizes:
        return ""
    shown = dict.fromkeys(words.significant(float(f"{size:.2g}")) for size in (min(sizes), max(sizes)))
    return f" (it crosses at about {' to '.join(shown)})"


def _lines(
    dimension: CellDimension, cells: Sequence[PracticeCell], faces: Mapping[str, str]
) -> Iterable[Sequence[RatioAtSize]]:
    """The factors of cells that differ in this dimension only, whether they are decided or not."""
    further = [other for other in dimensions(cells, faces) if other.name != dimension.name]
    lines: dict[tuple[str, ...], list[RatioAtSize]] = defaultdict(list)
    for cell in cells:
        if _NUMBER.fullmatch(size := dimension.value_of(cell)):
            at_size = RatioAtSize(float(size), cell.factor, cell.low, cell.high)
            lines[tuple(other.value_of(cell) for other in further)].append(at_size)
    return lines.values()
