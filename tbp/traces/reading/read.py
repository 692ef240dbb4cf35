"""A trace file → a ``Trace``.

Takes a ``.json``, ``.json.gz`` or ``.json.zst`` as ``export_chrome_trace`` writes it (an object with "traceEvents", or
the bare list), of any age and size, piece by piece. Gives its timed events; what a damaged file lost is counted in
``Trace.loss``. Leaves every meaning (steps, operators, kernels) to ``operators``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tbp.errors import UnreadableTrace
from tbp.traces.reading.document import DOCUMENT, Document
from tbp.traces.reading.events import EVENTS, BareEvent, Columns, Event
from tbp.traces.reading.loss import Loss, Tally
from tbp.traces.reading.packing import blocks
from tbp.traces.reading.repair import salvaged
from tbp.traces.reading.trace import ABSENT, Trace

# What makes two events the same one.
IDENTITY = ("external_id", "correlation", "start_ns", "duration_ns", "name_code", "thread_code", "category")

_TOO_DEEP = "is nested too deeply for a trace; record it again"


def read_trace(path: str | Path) -> Trace:
    """The timed events of one file. Raises UnreadableTrace where there is none to be had, and nothing else."""
    path = Path(path)
    tally = Tally()
    columns = Columns(tally)
    document = Document(blocks(path, tally))
    try:
        for events in _events(document, tally):
            tally.add(kept=len(events))
            columns.add(events)
    except UnreadableTrace as reason:
        raise UnreadableTrace(f"{path} {reason}") from reason.__cause__
    except RecursionError:
        raise UnreadableTrace(f"{path} {_TOO_DEEP}") from None
    trace = columns.trace(document.metadata)
    if not len(trace):
        raise UnreadableTrace(f"{path} holds no timed event; record it again with the profiler active around a step")
    return _without_doubles(trace)


def _events(document: Document, tally: Tally) -> Iterator[list[Event | BareEvent]]:
    """The events in runs: at full speed where a piece is as kineto writes it, with care where it is not."""
    for text, last in document.pieces():
        whole = _rest(text, document) if last else _decoded(text)
        if whole is not None:
            yield whole
            continue
        for found in salvaged(text, last, tally):
            if isinstance(found, bytes):
                tally.add(unreadable=document.end(found))
                return
            yield found


def _decoded(text: bytes) -> list[Event | BareEvent] | None:
    """The events of a piece from inside the list; None where it is not what it should be."""
    try:
        return list(EVENTS.decode(b"[" + text + b"]"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _rest(text: bytes, document: Document) -> list[Event | BareEvent] | None:
    """The last events and the keys behind them; None where they are not what they should be."""
    if b'"traceEvents"' in text:
        return None  # a second list, of which a decoder would take the last
    try:
        if document.is_list:
            return list(EVENTS.decode(b"[" + text))
        keys = DOCUMENT.decode(b'{"traceEvents":[' + text)
        events: list[Event | BareEvent] = list(EVENTS.decode(keys["traceEvents"]))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    document.add(keys)
    return events


def _without_doubles(trace: Trace) -> Trace:
    """Each event once. Equal events are doubles only if they carry an id: in a file with whole-µs times two calls
    of one operator can otherwise agree in everything."""
    numbered = np.flatnonzero((trace.external_id != ABSENT) | (trace.correlation != ABSENT))
    double = numbered[_repeated(trace, numbered)]
    if not len(double):
        return trace
    keep = np.ones(len(trace), dtype=bool)
    keep[double] = False
    return trace.selected(keep, Loss(doubled=len(double)))


def _repeated(trace: Trace, events: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these are equal to an earlier one in all that identifies them."""
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
