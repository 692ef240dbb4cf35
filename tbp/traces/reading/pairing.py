"""Begins and ends of spans on threads → which of them belong together.

Takes arrays, gives pairs of indices. Events may be in any order of time; at one instant the order of the file counts.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.trace import Codes, Nanoseconds


def pairs(
    thread: Codes, time_ns: Nanoseconds, is_begin: NDArray[np.bool_], name: Codes, any_name: int
) -> tuple[Indices, Indices]:
    """(indices of begins, indices of their ends) among events in the order of the file.

    An end closes the innermost open span of its name, or the innermost one if its name is ``any_name``. Spans that are
    still open inside of it have lost their ends.
    """
    begins: list[int] = []
    ends: list[int] = []
    open_spans: list[int] = []
    open_of_name: dict[int, list[int]] = defaultdict(list)
    threads, begin_flags, names = thread.tolist(), is_begin.tolist(), name.tolist()
    current = None
    for event in np.lexsort((time_ns, thread)).tolist():  # stable
        if threads[event] != current:
            current = threads[event]
            open_spans.clear()
            open_of_name.clear()
        if begin_flags[event]:
            open_spans.append(event)
            open_of_name[names[event]].append(event)
        elif open_spans if names[event] == any_name else open_of_name[names[event]]:
            closed = open_spans[-1] if names[event] == any_name else open_of_name[names[event]][-1]
            inner = None
            while inner != closed:
                inner = open_spans.pop()
                open_of_name[names[inner]].pop()
            begins.append(closed)
            ends.append(event)
    return np.array(begins, dtype=np.int64), np.array(ends, dtype=np.int64)
