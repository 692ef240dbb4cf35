"""How many times better one series is than another: by ratios taken in turns, by counts, or run by run.

Takes an empty ``PracticeCell`` and two histories, gives the cell with its factor, the interval and what they are from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from tbp.claims.practice_cell import Basis, PracticeCell
from tbp.model.cells import RatioToVariant
from tbp.model.changes import History
from tbp.model.points import last_with_level
from tbp.model.series import Better, Commit, Point
from tbp.project.claims_file import Practice
from tbp.statistics.robust import median
from tbp.statistics.student_t import ratio_interval

MOST_RUNS = 20
"""Runs whose ratios are put together: about a month of nights. Older ones tell of another time of the machine."""


def in_turns(cell: PracticeCell, history: History, against: History | None, practice: Practice) -> PracticeCell | None:
    """The ratio that the newest sessions took in turns, of either of the two to the other; None where they did not."""
    ratio = _ratio(history, practice.against)
    if ratio is not None:
        low, middle, high = 1 / ratio.high, 1 / ratio.ratio, 1 / ratio.low
    elif against is not None and (ratio := _ratio(against, practice.variant)) is not None:
        low, middle, high = ratio.low, ratio.ratio, ratio.high
    newest = last_with_level(history.points)
    if ratio is None or newest is None:
        return None
    return replace(
        cell,
        commit=newest.commit,
        value=newest.value,
        against_value=newest.value * middle,  # of the same processes; another run's would not fit the factor
        factor=middle,
        low=low,
        high=high,
        basis=Basis.IN_TURNS_CPU if ratio.of_cpu_time else Basis.IN_TURNS,
        size=ratio.processes,
    )


def _ratio(history: History, other: str) -> RatioToVariant | None:
    """The ratio of a series to another variant, as its newest sessions took it."""
    ratios = history.cell.ratios if history.cell is not None else ()
    return next((ratio for ratio in ratios if ratio.variant == other), None)


def exact(cell: PracticeCell, history: History, against: History) -> PracticeCell:
    """Two counts of the newest commit that has both."""
    both = list(_both(history, against))
    if not both:
        return replace(cell, reason="no commit has both")
    commit, value, other = both[-1]
    factor = _factor(value, other, cell.better)
    return replace(
        cell, commit=commit, value=value, against_value=other, factor=factor, low=factor, high=factor,
        basis=Basis.EXACT, size=1,
    )  # fmt: skip


def counted(cell: PracticeCell, history: History, against: History, measure: str) -> PracticeCell:
    """Two counts that the sessions of the newest timings have."""
    values = [getattr(timed.cell.counted, measure) if timed.cell is not None else None for timed in (history, against)]
    newest = last_with_level(history.points)
    value, other = (float(value) if isinstance(value, int | float) else math.nan for value in values)
    if newest is None or not (math.isfinite(value) and math.isfinite(other)):
        return replace(cell, reason=f"no session recorded {measure}")
    factor = _factor(value, other, Better.LOWER)
    unit = "bytes" if measure.endswith("bytes") else measure.replace("_", " ")
    return replace(
        cell, commit=newest.commit, unit=unit, better=Better.LOWER, value=value, against_value=other,
        factor=factor, low=factor, high=factor, basis=Basis.EXACT, size=1,
    )  # fmt: skip


def over_runs(cell: PracticeCell, history: History, against: History) -> PracticeCell:
    """The median of one ratio for each of the newest runs, and Student's t interval of them on a log scale."""
    both = list(_both(history, against))[-MOST_RUNS:]
    factors = [factor for _, value, other in both if 0 < (factor := _factor(value, other, cell.better)) < math.inf]
    if not factors:
        return replace(cell, reason="no commit has both")
    commit, value, other = both[-1]
    low, high = ratio_interval(factors)
    return replace(
        cell, commit=commit, value=value, against_value=other, factor=median(factors), low=low, high=high,
        basis=Basis.RUNS, size=len(factors),
    )  # fmt: skip


def repeated(cells: Iterable[PracticeCell], parameter: str) -> Iterator[PracticeCell]:
    """One cell for all that differ in ``parameter`` only, its interval over their factors; cells without one stay."""
    groups: dict[object, list[PracticeCell]] = {}
    for cell in cells:
        rest = tuple(given for given in cell.given if given[0] != parameter)
        if 0 < cell.factor < math.inf:
            groups.setdefault((cell.key.benchmark, cell.key.setup, rest), []).append(replace(cell, given=rest))
        else:
            yield cell
    for group in groups.values():
        factors = [cell.factor for cell in group]
        low, high = ratio_interval(factors)
        yield replace(
            group[0],
            value=median([cell.value for cell in group]),
            against_value=median([cell.against_value for cell in group]),
            factor=median(factors),
            low=low,
            high=high,
            basis=Basis.REPEATED,
            size=len(group),
            reason="",
        )


def _both(history: History, against: History) -> Iterator[tuple[Commit, float, float]]:
    """The commits after the last change of either series that have a value of both, oldest first."""
    of_other = {point.commit.hash: point.value for point in _since_change(against)}
    for point in _since_change(history):
        if point.commit.hash in of_other:
            yield point.commit, point.value, of_other[point.commit.hash]


def _since_change(history: History) -> list[Point]:
    start = max((each.change.index for each in history.changes if each.change.confirmed), default=0)
    return [point for point in history.points[start:] if point.has_level]


def _factor(value: float, other: float, better: Better) -> float:
    """How many times better ``value`` is; NaN for a number below zero."""
    if value < 0 or other < 0:
        return math.nan
    if value == other:
        return 1.0
    large, small = (other, value) if better is Better.LOWER else (value, other)
    return large / small if small else math.inf
