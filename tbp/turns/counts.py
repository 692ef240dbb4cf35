"""Benchmarks that give a value by themselves (``track_*``, ``peakmem_*``, ``mem_*``), judged from a few values a side.

Most of them repeat exactly, and then every difference is a change. What does not repeat has more values; a change is
claimed where all of one side are beyond all of the other. Takes what gives a value, gives judgements; knows no
processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import comb, inf, isfinite, nan

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.model.series import Better
from tbp.statistics.benjamini_hochberg import benjamini_hochberg
from tbp.statistics.robust import median
from tbp.turns.cells import SIDES, Cell, CellFailed, CellSkipped, Side
from tbp.turns.evidence import Limits
from tbp.turns.worker_process import OutOfTime

# A counter that gave one value in three processes is taken to repeat exactly, as in a comparison of stored runs.
EXACT_VALUES = 3
# Five a side that do not overlap come by chance in 2 of 252 orders (Mann and Whitney, 1947): 0.8 %.
MOST_VALUES = 5

Values = Mapping[Side, Sequence[float]]


def counted(
    cells: Sequence[Cell],
    value_of: Callable[[Cell, Side], float],
    better: Callable[[Cell], Better],
    limits: Limits,
    out_of_time: str,
) -> list[Judgement]:
    """A judgement of each cell; ``value_of`` gives its value on a side, in a new process each time."""
    settled: list[Judgement] = []
    values: dict[Cell, Values] = {}
    for position, cell in enumerate(cells):
        try:
            values[cell] = _values(cell, value_of)
        except CellFailed as failed:
            settled.append(_bare(cell, State.FAILED, str(failed)))
        except CellSkipped as skipped:
            settled.append(_bare(cell, State.SKIPPED, str(skipped)))
        except OutOfTime:
            settled += [_bare(each, State.UNDECIDED, f"not measured: {out_of_time}") for each in cells[position:]]
            break
    chances = benjamini_hochberg([_chance(sides) for sides in values.values()])
    return settled + [
        judged(cell, sides, p_value, better(cell), limits)
        for (cell, sides), p_value in zip(values.items(), chances, strict=True)
    ]


def _values(cell: Cell, value_of: Callable[[Cell, Side], float]) -> Values:
    values: dict[Side, list[float]] = {side: [] for side in SIDES}
    while len(values["base"]) < (EXACT_VALUES if _is_exact(values) else MOST_VALUES):
        for side in SIDES:
            value = value_of(cell, side)
            if not isfinite(value):
                raise CellSkipped(f"{side} gives no number: {value}")
            values[side].append(value)
    return values


def _is_exact(values: Values) -> bool:
    return all(len(set(values[side])) <= 1 for side in SIDES)


def _chance(values: Values) -> float:
    """The chance of such values without a change: 1 where the sides overlap, 0 where each repeats another one."""
    base, head = values["base"], values["head"]
    if _is_exact(values):
        return float(base[0] == head[0])
    is_apart = max(base) < min(head) or max(head) < min(base)
    return 2 / comb(len(base) + len(head), len(base)) if is_apart else 1.0


def judged(cell: Cell, values: Values, p_value: float, better: Better, limits: Limits) -> Judgement:
    """The judgement of a cell with its values on both sides; ``p_value`` is corrected for all cells."""
    base, head = values["base"], values["head"]
    before, after = median(list(base)), median(list(head))
    ratios = [_effect(old, new) for old in (min(base), max(base)) for new in (min(head), max(head))]
    effect, most = _effect(before, after), max(map(abs, ratios))
    made = replace(
        _bare(cell, State.UNDECIDED, ""), better=better, before=before, after=after, effect=effect, p_value=p_value,
        evidence=len(base),
    )  # fmt: skip
    if before != after and p_value <= limits.false_discovery_rate and abs(effect) >= limits.relevant:
        return replace(made, state=_state(after > before, better))
    if _is_exact(values) or most < limits.excluded:
        return replace(made, state=State.NO_CHANGE)
    return replace(made, reason=f"its value is another one in each process, {len(base)} of them on each side")


def _state(is_more: bool, better: Better) -> State:
    if better is Better.UNKNOWN:
        return State.CHANGED
    return State.REGRESSION if is_more == (better is Better.LOWER) else State.IMPROVEMENT


def _effect(before: float, after: float) -> float:
    """0.1 for ten per cent more; infinite from zero, NaN for a value below it."""
    if before > 0:
        return after / before - 1
    return nan if before < 0 else inf if after > 0 else 0.0 if after == 0 else nan


def _bare(cell: Cell, state: State, reason: str) -> Judgement:
    return Judgement(cell.benchmark, cell.parameters, state, unit=cell.unit, reason=reason)
