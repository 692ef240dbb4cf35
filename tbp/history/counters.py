"""Deterministic counters: values that repeat exactly change by decision, not by chance.

Takes a measured series, gives its changes, each certain; or says that the series is no counter.
"""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np

from tbp.history.measured import Measured
from tbp.history.series import Change

RELEVANT = 0.0005  # less is shown as 0.0 %: nobody wants to be woken for it, however certain it is


def counter_changes(series: Measured) -> tuple[Change, ...] | None:
    """The changes of a deterministic counter, or None when the values do not behave like one.

    One does when its values come in a few runs of equals, two long or more, and its sessions agree. A lone different
    value that goes back is a spike, no step. At the newest end one value after three equals is enough.
    """
    if any(len(own) > 1 and np.ptp(own) > 0 for own in series.sessions):
        return None
    raw = series.raw
    spikes = {i for i in range(1, len(raw) - 1) if raw[i - 1] == raw[i + 1] != raw[i]}
    kept = [i for i in range(len(raw)) if i not in spikes]
    equals = [list(group) for _, group in groupby(kept, key=lambda i: raw[i])]
    # Noise of two values would make more and shorter runs than these.
    if len(kept) < 3 or len(spikes) > max(1, len(raw) // 10) or len(equals) > max(2, (len(raw) + 1) // 3):
        return None
    if any(len(group) < 2 for group in equals[:-1]):
        return None
    if len(equals) > 1 and len(equals[-1]) == 1 and len(equals[-2]) < 3:
        return None
    return tuple(
        _change(int(series.places[new[0]]), float(raw[old[0]]), float(raw[new[0]])) for old, new in pairwise(equals)
    )


def _change(index: int, before: float, after: float) -> Change:
    is_relevant = abs(after - before) >= RELEVANT * abs(before)
    doubt = "" if is_relevant else "certain, but too small to matter"
    return Change(index, before, after, 0.0, is_relevant, doubt=doubt)
