"""A trace file → a ``Trace``.

Takes a ``.json``, ``.json.gz`` or ``.json.zst`` as ``export_chrome_trace`` writes it (an object with "traceEvents", or
the bare list), of any age and size, piece by piece. Gives its timed events; what a damaged file lost is counted in
``Trace.loss``. Leaves every meaning (steps, operators, kernels) to ``operators``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tbp.errors import UnreadableTrace
from tbp.traces.reading.document import TraceText
from tbp.traces.reading.events import MOST_ENTRIES, EventColumns
from tbp.traces.reading.loss import Loss, Tally
from tbp.traces.reading.packing import blocks
from tbp.traces.reading.repair import TEXTS, TIMED
from tbp.traces.reading.times import possible
from tbp.traces.reading.trace import ABSENT, Trace

# What makes two events the same one.
IDENTITY = ("external_id", "correlation", "start_ns", "duration_ns", "name_code", "thread_code", "category")

_TOO_DEEP = "is nested too deeply for a trace; record it again"


def read_trace(path: str | Path) -> Trace:
    """The timed events of one file. Raises UnreadableTrace where there is none to be had, and nothing else."""
    path = Path(path)
    tally = Tally()
    columns = EventColumns(tally)
    document = TraceText(blocks(path, tally), tally)
    with _naming(path):
        for events in document.pieces(TIMED):
            tally.add(usable=len(events))
            columns.add(events)
    trace = columns.trace(document.metadata)
    if not len(trace):
        raise UnreadableTrace(f"{path} holds no timed event; record it again with the profiler active around a step")
    return possible(_without_doubles(trace))


def read_texts(path: str | Path, take: Callable[[Sequence[bytes]], object]) -> Mapping[str, str]:
    """Gives ``take`` every event as a JSON object of its own, in file order, some thousand at a time.

    Returns the other top-level keys with their JSON. Raises UnreadableTrace where there is no event to be had, and
    nothing else. The losses are those of ``read_trace``.
    """
    path = Path(path)
    tally = Tally()
    document = TraceText(blocks(path, tally), tally)
    texts = 0
    with _naming(path):
        for piece in document.pieces(TEXTS):
            texts += len(piece)
            if texts > MOST_ENTRIES:
                raise UnreadableTrace(f"holds more than {MOST_ENTRIES:,} events; record fewer steps")
            take(piece)
    if not texts:
        raise UnreadableTrace(f"{path} holds no event; name a file that export_chrome_trace has written")
    return document.metadata


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Puts the path before the fault of its file."""
    try:
        yield
    except UnreadableTrace as reason:
        raise UnreadableTrace(f"{path} {reason}") from reason.__cause__
    except RecursionError:
        raise UnreadableTrace(f"{path} {_TOO_DEEP}") from None


def _without_doubles(trace: Trace) -> Trace:
    """The trace with each event once.

    Equal events are doubles only if they carry an id: with whole-µs times two calls of one operator can agree in
    everything else.
    """
    numbered = np.flatnonzero((trace.external_id != ABSENT) | (trace.correlation != ABSENT))
    double = numbered[_repeated(trace, numbered)]
    if not len(double):
        return trace
    keep = np.ones(len(trace), dtype=bool)
    keep[double] = False
    return trace.selected(keep, Loss(doubled=len(double)))


def _repeated(trace: Trace, events: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True of each of these events that equals an earlier one in all that identifies it."""
    repeated = np.zeros(len(events), dtype=bool)
    # Few share a start: only those are compared in full.
    start_ns = trace.start_ns[events]
    order = np.argsort(start_ns, kind="stable")
    same = start_ns[order][1:] == start_ns[order][:-1]
    suspects = order[np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))]
    seen: set[tuple[int, ...]] = set()
    identities = zip(*(getattr(trace, name)[events[suspects]].tolist() for name in IDENTITY), strict=True)
    for at, identity in zip(suspects.tolist(), identities, strict=True):
        repeated[at] = identity in seen
        seen.add(identity)
    return repeated
