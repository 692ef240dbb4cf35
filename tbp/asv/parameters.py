"""The names of a benchmark's parameters over its history, in which parameters were added, removed or moved.

A result file has the values of each parameter and not its name; benchmarks.json has today's names. So parameters are
matched by values. Takes the values of a run and today's declaration, gives names. Where values fit in several ways,
nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product
from typing import TypeAlias

from msgspec import Struct

from tbp.asv.declarations import Benchmark

Values: TypeAlias = Sequence[Sequence[str]]  # of each parameter
Cell: TypeAlias = tuple[tuple[str, str], ...]  # ((name, value), …) of the parameters, in asv's order

MOST_PARAMETERS = 6
"""The most parameters of which every order is tried: 720 orders. No known benchmark has more."""


class NamedCells(Struct, frozen=True):
    """The cells of a run, its parameters by the names of today."""

    cells: tuple[Cell, ...]  # in the order of the run's results; a parameter with one value may be added or left out
    added: tuple[str, ...] = ()  # parameters of today whose value in this run is not known
    removed: int = 0  # parameters of this run that are none of today's
    is_ambiguous: bool = False  # its values fit today's parameters in several ways, so it is named by none


def named(values: Values, benchmark: Benchmark) -> NamedCells:
    """The cells of a run with ``values``, under the names that ``benchmark`` has today.

    A parameter added later with a single value had that value before. A removed parameter that had a single value is
    left out. In both cases the series goes on.
    """
    names, today = benchmark.parameter_names, benchmark.parameters
    if today is None or len(names) != len(today) or max(len(names), len(values)) > MOST_PARAMETERS:
        return NamedCells(_cells(benchmark.names(len(values)), values))
    fits = _fits(values, today)
    if len(fits) != 1:
        numbered = tuple(f"param{i}" for i in range(1, len(values) + 1))
        return NamedCells(_cells(numbered, values), is_ambiguous=len(fits) > 1)
    then_of = {now: then for then, now in fits[0].items()}  # in the run, of each of today's that it has
    added = [now for now in range(len(names)) if now not in then_of]
    removed = [then for then in range(len(values)) if then not in fits[0]]
    is_completed = all(len(today[now]) == 1 for now in added)
    unmatched = [then for then in removed if len(values[then]) > 1]
    cells = []
    for cell in product(*values):
        pairs = [(names[now], cell[then_of[now]]) for now in range(len(names)) if now in then_of]
        if is_completed:
            pairs = [(names[now], cell[then_of[now]] if now in then_of else today[now][0]) for now in range(len(names))]
        cells.append((*pairs, *((f"param{then + 1}", cell[then]) for then in unmatched)))
    return NamedCells(tuple(cells), () if is_completed else tuple(names[now] for now in added), len(unmatched))


def completed(cell: Cell, benchmark: Benchmark) -> Cell:
    """``cell`` with the parameters that ``benchmark`` got later with a single value, in today's order."""
    known = dict(cell)
    added = [index for index, name in enumerate(benchmark.parameter_names) if name not in known]
    today = benchmark.parameters
    if not added or today is None or len(today) != len(benchmark.parameter_names):
        return cell
    if known.keys() - set(benchmark.parameter_names) or any(len(today[index]) != 1 for index in added):
        return cell
    return tuple(
        (name, known.get(name, choices[0])) for name, choices in zip(benchmark.parameter_names, today, strict=True)
    )


def _cells(names: Sequence[str], values: Values) -> tuple[Cell, ...]:
    return tuple(tuple(zip(names, cell, strict=True)) for cell in product(*values))


def _fits(values: Values, today: Values) -> list[dict[int, int]]:
    """The best matches of a run's parameters with today's, each as {index in the run: index today}.

    The best match has most parameters with a common value, then most with equal values. A parameter keeps its index
    unless another one is better. A removed or added parameter has no value in common with the remaining ones.
    """
    then, now = [set(choices) for choices in values], [set(choices) for choices in today]
    few, many = (then, now) if len(then) < len(now) else (now, then)
    scores: dict[tuple[int, ...], tuple[int, int]] = {}
    for order in permutations(range(len(many)), len(few)):
        pairs = [(few[index], many[other]) for index, other in enumerate(order)]
        common = sum(bool(left & right) for left, right in pairs)
        if common == len(few) or len(few) == len(many):
            scores[order] = common, sum(left == right for left, right in pairs)
    best = [order for order, score in scores.items() if score == max(scores.values())]
    unmoved = tuple(range(len(many)))
    if unmoved in best:
        best = [unmoved]
    return [dict(enumerate(order)) if few is then else {at: index for index, at in enumerate(order)} for order in best]
