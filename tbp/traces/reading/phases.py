"""The phases of events ("ph") in the trace event format, and which of them carry time.

Source: "Trace Event Format", docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU.
"""

from __future__ import annotations

import msgspec

COMPLETE = "X"  # a span with its duration
BEGIN, END = "B", "E"  # of a span on a thread; they nest
# The begin of a span beside the threads ("e" and "F" end it). It overlaps others, so no operator has it as self time.
ASYNCHRONOUS = frozenset("bS")
METADATA = "M"
INSTANT = "i"

# Without a duration: ends and marks of asynchronous spans, arrows, instants, counters, samples, objects (N, O, D are
# born, pictured and gone at an instant), marks, clocks, memory dumps, contexts.
_TIMELESS = frozenset("enTpFstfiICPNODMRcvV()")
PHASES = frozenset({COMPLETE, BEGIN, END}) | ASYNCHRONOUS | _TIMELESS

_NOTHING = msgspec.Raw()


class _Signs(msgspec.Struct):
    """The keys that an event is told by."""

    ph: str
    ts: msgspec.Raw = _NOTHING
    dur: msgspec.Raw = _NOTHING
    name: msgspec.Raw = _NOTHING


_SIGNS = msgspec.json.Decoder(_Signs)


def is_event(text: bytes | memoryview) -> bool:
    """True for a JSON object that has the keys which its phase needs."""
    try:
        signs = _SIGNS.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    if signs.ph == METADATA:
        return bool(signs.name)
    return signs.ph in PHASES and bool(signs.ts) and (bool(signs.dur) or signs.ph != COMPLETE)
