"""Events → what torch-tb-profiler 0.4.3 understands, so that TensorBoard shows the GPU time of each operator.

Takes a ``TraceCopy``, gives another one. That plugin was given up before the profiler's present file format. It needs:

- the old category names: what is not "Runtime" launches nothing, and without launches no operator has device time;
- times that a float holds exactly: an operator that seems to end a hair after its caller is dropped;
- as "External id" of a launch that of the operator it was made in, which recorders leave out or number otherwise;
- a "name" for every event, a number in every step's name, and whole numbers for host threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.export.document import OBJECT, Fields, TraceCopy
from tbp.traces.calls.nesting import NO_PARENT, parents
from tbp.traces.reading.categories import ON_DEVICE, Category, meaning
from tbp.traces.reading.numbers import nanoseconds
from tbp.traces.reading.processes import by_itself

# Multiples of 1/1024 µs below 2**43 µs, three months, add up exactly in a float; they are at most half a ns off.
GRID_PER_US = 1024
# The first event begins here: the plugin takes a start of 0 for none.
FIRST_US = 1000

ROOT = 0  # external id of a launch outside of operators

_HOST = (Category.OPERATOR, Category.ANNOTATION, Category.RUNTIME)
_STEP = re.compile(r"ProfilerStep#\d+")
# Categories that have no meaning of their own to us, but to the plugin. On the device side a step's annotation would
# be counted as a step again.
_RENAMED = {"fwdbwd": "forward_backward", "gpu_user_annotation": "gpu_annotation"}

_ANY = msgspec.json.Decoder()


class _Event(Struct):
    """One event on its way: what of it is looked at, and the fields it is written from."""

    fields: Fields
    ph: str
    name: str
    category: str
    start_ns: int | None = None
    duration_ns: int | None = None
    arguments: Fields = {}

    @property
    def kind(self) -> Category:
        return by_itself(meaning(self.category)) if self.ph == "X" else Category.OTHER


def for_tensorboard(document: TraceCopy) -> TraceCopy:
    """A copy of the trace, as the plugin reads it. Timed events without a usable time are left out."""
    events = [event for text in document.events if (event := _event(OBJECT.decode(text))) is not None]
    first_ns = min((event.start_ns for event in events if event.ph == "X" and event.start_ns is not None), default=0)
    _number(events)
    return replace(document, events=[msgspec.json.encode(_written(event, first_ns)) for event in events])


def start_ns(document: TraceCopy) -> int:
    """When the first timed event began, on the clock of the file and of its "baseTimeNanoseconds"."""
    events = (_event(OBJECT.decode(text)) for text in document.events)
    first_ns = min((e.start_ns for e in events if e is not None and e.ph == "X" and e.start_ns is not None), default=0)
    base = document.header.get("baseTimeNanoseconds", "0")
    return first_ns + (int(base) if base.isdigit() else 0)


def _event(fields: Fields) -> _Event | None:
    """None for a timed event without a usable time."""
    event = _Event(fields, _text(fields, "ph"), _text(fields, "name"), _text(fields, "cat"))
    event.start_ns = _nanoseconds(fields, "ts")
    if event.ph != "X":
        return event
    event.duration_ns = _nanoseconds(fields, "dur")
    if event.start_ns is None or event.duration_ns is None or event.duration_ns < 0:
        return None
    try:
        event.arguments = OBJECT.decode(fields["args"]) if "args" in fields else {}
    except msgspec.DecodeError:
        event.arguments = {}
    return event


def _number(events: Sequence[_Event]) -> None:
    """Give every operator an id of its own, and what it launched the same one."""
    host = [event for event in events if event.kind in _HOST]
    threads = _thread_numbers(host)
    starts = np.array([event.start_ns for event in host], dtype=np.int64)
    ends = starts + np.array([event.duration_ns for event in host], dtype=np.int64)
    parent = parents(np.array(threads, dtype=np.int32), starts, ends)
    launched: dict[bytes, int] = {}
    for index, (event, thread) in enumerate(zip(host, threads, strict=True)):
        event.fields["tid"] = msgspec.Raw(str(thread).encode())
        owner = index
        while owner != NO_PARENT and host[owner].kind is Category.RUNTIME:
            owner = int(parent[owner])
        operator_id = ROOT if owner == NO_PARENT else owner + 1
        _set_external_id(event, operator_id)
        if event.kind is Category.RUNTIME and "correlation" in event.arguments:
            launched[bytes(event.arguments["correlation"])] = operator_id
    for event in events:
        if event.kind in ON_DEVICE:
            _set_external_id(event, launched.get(bytes(event.arguments.get("correlation", b"")), ROOT))


def _thread_numbers(host: Iterable[_Event]) -> list[int]:
    """A number for each event's thread: its own id, unless that is no number or another process has it too."""
    numbers: dict[tuple[bytes, bytes], int] = {}
    taken: set[int] = set()
    threads = []
    for event in host:
        thread = (bytes(event.fields.get("pid", b"")), bytes(event.fields.get("tid", b"")))
        if thread not in numbers:
            number = int(thread[1]) if re.fullmatch(rb"\d{1,9}", thread[1]) else 0
            while number in taken:
                number += 1
            taken.add(number)
            numbers[thread] = number
        threads.append(numbers[thread])
    return threads


def _set_external_id(event: _Event, number: int) -> None:
    event.arguments.pop("external id", None)
    event.arguments["External id"] = msgspec.Raw(str(number).encode())


def _written(event: _Event, first_ns: int) -> Fields:
    """The fields to write, in the plugin's words."""
    fields = event.fields | {"name": _raw(event.name), "cat": _raw(_category(event))}
    if event.start_ns is not None:
        start = _grid(max(0, event.start_ns - first_ns)) + FIRST_US * GRID_PER_US
        fields["ts"] = _raw(start / GRID_PER_US)
        if event.duration_ns is not None:
            end = _grid(max(0, event.start_ns - first_ns) + event.duration_ns) + FIRST_US * GRID_PER_US
            fields["dur"] = _raw((end - start) / GRID_PER_US)
            fields["args"] = _raw(event.arguments)
    return fields


def _category(event: _Event) -> str:
    """As the plugin spells it. It shows no annotations, which torch's own tables count as operators."""
    match event.kind:
        case Category.OPERATOR | Category.ANNOTATION:
            is_unnumbered = event.name.startswith("ProfilerStep#") and not _STEP.fullmatch(event.name)
            return "annotation" if is_unnumbered else "Operator"
        case Category.RUNTIME:
            return "Runtime"
        case Category.KERNEL:
            return "Kernel"
        case Category.COPY:
            return "Memcpy"
        case Category.FILL:
            return "Memset"
    # An arrow without an id stops the plugin.
    is_arrow = event.category != "fwdbwd" or ("id" in event.fields and event.start_ns is not None)
    return _RENAMED.get(event.category, event.category) if is_arrow else "arrow"


def _grid(time_ns: int) -> int:
    """The nearest multiple of 1/GRID_PER_US µs; rounding keeps what ends together together."""
    return (time_ns * GRID_PER_US + 500) // 1000


def _nanoseconds(fields: Fields, key: str) -> int | None:
    return nanoseconds(bytes(fields[key])) if key in fields else None


def _text(fields: Fields, key: str) -> str:
    value = _ANY.decode(fields[key]) if key in fields else None
    return value if isinstance(value, str) else "" if value is None else str(value)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
