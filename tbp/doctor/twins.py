"""The noise of this machine by a short A/A: the same work in two processes that take turns, as ``tbp gate`` measures.

Takes nothing but the machine, gives pairs; their meaning is left to ``noise``. Needs neither torch nor asv.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tbp.asv.checkouts import Checkout
from tbp.errors import RunFailed
from tbp.statistics.paired_ratios import Pair
from tbp.turns.cells import SIDES, Cell, CellFailed, CellSkipped
from tbp.turns.referee import Team
from tbp.turns.worker_process import Deadline, OutOfTime

PROGRAM = Path(__file__).with_name("twin_worker.py")
# Six pairs take 6 to 8 s on two cores, half of it the start of their processes.
PAIRS = 6
# The next pair begins only before this, and none outlives the other.
BEGIN_S, END_S = 7.0, 9.0
# Fewer say nothing of the spread between them.
LEAST_PAIRS = 3


def twin_pairs(ended: Callable[[int], None] = lambda number: None) -> tuple[Pair, ...]:
    """At most PAIRS pairs within END_S; ``ended`` gets the number of those that ended.

    Raises:
        RunFailed: there are fewer than LEAST_PAIRS, for the reason in the message.
    """
    pairs: list[Pair] = []
    start_s, deadline = time.monotonic(), Deadline.within(END_S)
    reason = f"fewer than {LEAST_PAIRS} pairs of processes ended within {END_S:.0f} s"
    while len(pairs) < PAIRS and time.monotonic() - start_s < BEGIN_S:
        try:
            pairs.append(_pair(len(pairs), deadline))
        except OutOfTime:
            break
        except (CellFailed, CellSkipped) as failed:
            reason = str(failed)
            break
        ended(len(pairs))
    if len(pairs) < LEAST_PAIRS:
        raise RunFailed(f"the noise could not be measured: {reason}; --quick leaves it out")
    return tuple(pairs)


def _pair(number: int, deadline: Deadline) -> Pair:
    """A pair of new processes on one core, another core from pair to pair."""
    checkout = Checkout("", sys.executable, dict(os.environ), "", "", program=str(PROGRAM))
    cell = Cell("twin", 0, ())
    with Team(dict.fromkeys(SIDES, checkout), [], cores=_core(number), deadline=deadline) as team:
        return team.measure(cell, dict.fromkeys(SIDES, ""), SIDES[number % 2])


def _core(number: int) -> list[int]:
    """A core for both; none where that would be the only one."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return [usable[number % len(usable)]] if len(usable) > 1 else []
