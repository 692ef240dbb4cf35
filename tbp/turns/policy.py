"""The gate's policy: which cells get another pair, until all have said enough or the time is up.

Takes cells and something that measures a pair of each, leaves the pairs with their evidence. What a cell's pairs say
is left to ``evidence``, what is said of it in the end to ``judging``, what time allows to ``budget``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from tbp.statistics.paired_ratios import Pair
from tbp.turns.budget import Budget, need
from tbp.turns.cells import SIDES, Cell, CellFailed, CellSkipped, Side
from tbp.turns.evidence import Evidence, Limits

Answer = Pair | CellFailed | CellSkipped
# Measures a pair of each cell in new processes, the side first that is given; a cell is asked for (the last argument)
# when its turn comes, and passed over where the answer is no. Ends early where the time is up.
Measure = Callable[[Sequence[Cell], Side, Callable[[Cell], bool]], Iterator[tuple[Cell, Answer]]]
Heard = Callable[[int, int, int], None]  # turn, cells in it, pairs that may still come


def run_gate(
    evidence: Sequence[Evidence], measure: Measure, limits: Limits, heard: Heard, budget: Budget | None = None
) -> None:
    """Add pairs to ``evidence`` until nothing more can be decided.

    What is there when this is interrupted is whole: a pair counts when it has ended.
    """
    budget = budget or Budget()
    indexes = {each.cell: index for index, each in enumerate(evidence)}

    def has_room(cell: Cell) -> bool:
        return budget.has_room(indexes[cell], evidence)

    for turn in count():
        active = _in_order([each for each in evidence if each.wants_pairs], turn)
        if not any(budget.has_room(indexes[each.cell], evidence, starting=True) for each in active):
            return
        heard(turn, len(active), sum(each.pairs_to_come for each in active))
        answers = 0
        for cell, answer in measure([each.cell for each in active], SIDES[turn % 2], has_room):
            evidence[indexes[cell]].add(answer, limits, len(evidence))
            answers += 1
        if not answers:
            return  # the time was up before a pair could end


def _in_order(active: Sequence[Evidence], turn: int) -> list[Evidence]:
    """By need; within one an order that changes from turn to turn, so that no cell always follows the same one."""
    return sorted(random.Random(turn).sample(active, len(active)), key=need)
