"""Deterministic counters: values that repeat exactly change by decision, not by chance.

Takes a measured series, gives its changes, each certain; None of a series that is no counter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np

from tbp.detection.measured import Measured
from tbp.model import relevance
from tbp.model.changes import Change
from tbp.model.effects import effect_size

# There and back is a change and its repair; with one more turn, runs this short are what two modes make by chance: of
# 60 runs with a second value in one of ten, 5 % have a pair of it, 0.1 % two of three.
MOST_TURNS = 2
LEAST_STAY = 3


def counter_changes(series: Measured) -> tuple[Change, ...] | None:
    """The changes of a deterministic counter, or None when the values do not behave like one.

    The values of a counter come in a few runs of equals, each two long or more, and its sessions agree. A lone
    different value that goes back is a spike, no step. At the newest end one value after three equals is enough. Two
    values that take turns are two modes, unless each stays for a while.
    """
    if any(len(sessions) > 1 and np.ptp(sessions) > 0 for sessions in series.sessions):
        return None
    raw = series.raw
    if _takes_turns(raw.tolist()):
        return None
    spikes = {i for i in range(1, len(raw) - 1) if raw[i - 1] == raw[i + 1] != raw[i]}
    steady = [i for i in range(len(raw)) if i not in spikes]
    equals = [list(group) for _, group in groupby(steady, key=lambda i: raw[i])]
    # Noise of two values would make more and shorter runs than these.
    if len(steady) < 3 or len(spikes) > max(1, len(raw) // 10) or len(equals) > max(2, (len(raw) + 1) // 3):
        return None
    if any(len(group) < 2 for group in equals[:-1]):
        return None
    if len(equals) > 1 and len(equals[-1]) == 1 and len(equals[-2]) < 3:
        return None
    return tuple(
        _change(int(series.places[new[0]]), float(raw[old[0]]), float(raw[new[0]])) for old, new in pairwise(equals)
    )


def _takes_turns(raw: Sequence[float]) -> bool:
    """True where two values follow each other again and again, and not for long."""
    groups = [(value, len(list(equals))) for value, equals in groupby(raw)]
    turns = Counter(frozenset((old, new)) for (old, _), (new, _) in pairwise(groups))
    is_restless = max(turns.values(), default=0) > MOST_TURNS
    return is_restless and min(length for _, length in groups[:-1]) < LEAST_STAY


def _change(index: int, before: float, after: float) -> Change:
    is_relevant = not abs(effect_size(before, after)) < relevance.LEAST_SHOWN  # from 0 it is NaN, and relevant
    doubt = "" if is_relevant else "certain, but too small to matter"
    return Change(index, before, after, 0.0, is_relevant, doubt=doubt)
