"""JSON text of events → the columns of a trace.

Takes the texts that ``read`` and ``repair`` cut out of a file, gives the arrays of a ``Trace``. A text that is not
JSON is theirs; a value that makes no sense (a negative duration) is left out here and counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
import numpy as np

from tbp.traces.trace import ABSENT, CATEGORIES, Category, Codes, Indices, Trace

# int64 ends at 9.2e18: below this a start plus a duration cannot overflow. As a date it is the year 2096.
LARGEST_NS = 4 * 10**18


class Arguments(msgspec.Struct, gc=False):
    """What is read of an event's "args"; the older files spell the external id in lower case."""

    correlation: int = ABSENT
    external_id: int = msgspec.field(name="External id", default=ABSENT)
    old_external_id: int = msgspec.field(name="external id", default=ABSENT)
    shapes: msgspec.Raw = msgspec.field(name="Input Dims", default_factory=msgspec.Raw)


class Event(msgspec.Struct, gc=False):
    """One entry of "traceEvents". Times stay text: a float cannot hold 1712195495519689.047."""

    ph: str = ""
    name: str = ""
    cat: str | None = None
    pid: int | str | float | None = None
    tid: int | str | float | None = None
    ts: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    dur: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    args: Arguments | None = None


class BareEvent(msgspec.Struct, gc=False):
    """An event whose "args" are of no known shape."""

    ph: str = ""
    name: str = ""
    cat: str | None = None
    pid: int | str | float | None = None
    tid: int | str | float | None = None
    ts: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    dur: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)

    @property
    def args(self) -> Arguments | None:
        return None


EVENT = msgspec.json.Decoder(Event)
EVENTS = msgspec.json.Decoder(list[Event])
BARE_EVENT = msgspec.json.Decoder(BareEvent)


class _Texts:
    """Gives equal texts equal codes, in order of first sight."""

    def __init__(self) -> None:
        self._codes: defaultdict[str, int] = defaultdict()
        self._codes.default_factory = self._codes.__len__

    def codes(self, texts: Iterable[str]) -> Codes:
        known = self._codes
        return np.array([known[text] for text in texts], dtype=np.int32)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._codes)


def nanoseconds(text: bytes) -> int | None:
    """Exact nanoseconds of a JSON number in µs (also of one in quotes); None where the text is no finite number.

    More than three decimals are rounded half to even, as kineto never writes them.
    """
    whole, _, fraction = text.strip(b'"').partition(b".")
    if whole and len(fraction) <= 3:
        try:
            return int(whole + fraction.ljust(3, b"0"))
        except ValueError:
            pass
    try:
        exact = Decimal(text.strip(b'"').decode("ascii")) * 1000
        return int(exact.to_integral_value()) if abs(exact) < LARGEST_NS else None
    except (ArithmeticError, UnicodeDecodeError):  # decimal's errors: no number, NaN, an absurd exponent
        return None


@dataclass
class Columns:
    """Grows chunk by chunk, so that no more than one chunk of events is alive at a time."""

    untimed: int = 0  # events left out for want of a usable time
    _parts: list[tuple[Codes, Codes, Codes, Indices, Indices, Indices, Indices, Codes]] = field(default_factory=list)
    _names: _Texts = field(default_factory=_Texts)
    _threads: _Texts = field(default_factory=_Texts)
    _shapes: _Texts = field(default_factory=_Texts)

    def add(self, events: Sequence[Event | BareEvent]) -> None:
        """Take the timed events among these; the others (metadata, flows, instants) hold no time to attribute."""
        timed = [event for event in events if event.ph == "X"]
        starts = [nanoseconds(bytes(event.ts)) for event in timed]
        durations = [nanoseconds(bytes(event.dur)) for event in timed]
        usable = [_usable(start, duration) for start, duration in zip(starts, durations, strict=True)]
        if not all(usable):
            self.untimed += usable.count(False)
            timed = [event for event, good in zip(timed, usable, strict=True) if good]
            starts = [start for start, good in zip(starts, usable, strict=True) if good]
            durations = [duration for duration, good in zip(durations, usable, strict=True) if good]
        arguments = [event.args or _NO_ARGUMENTS for event in timed]
        self._parts.append(
            (
                self._names.codes(event.name for event in timed),
                np.array([CATEGORIES.get(event.cat or "", Category.OTHER) for event in timed], dtype=np.int32),
                self._threads.codes(f"{event.pid}/{event.tid}" for event in timed),
                np.array(starts, dtype=np.int64),
                np.array(durations, dtype=np.int64),
                np.fromiter(_identifiers(a.correlation for a in arguments), dtype=np.int64),
                np.fromiter(_identifiers(_external(a) for a in arguments), dtype=np.int64),
                self._shapes.codes(_shape_texts(arguments)),
            )
        )

    def trace(self, metadata: Mapping[str, str], losses: tuple[str, ...]) -> Trace:
        """Everything added so far as one value."""
        if not self._parts:
            self.add([])
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        name, category, thread, start_ns, duration_ns, correlation, external_id, shape = columns
        return Trace(
            names=self._names.texts,
            name_code=name.astype(np.int32),
            category=category.astype(np.int32),
            threads=self._threads.texts,
            thread_code=thread.astype(np.int32),
            start_ns=start_ns,
            duration_ns=duration_ns,
            correlation=correlation,
            external_id=external_id,
            shapes=self._shapes.texts,
            shape_code=shape.astype(np.int32),
            metadata=metadata,
            losses=losses,
        )


_NO_ARGUMENTS = Arguments()


def _usable(start_ns: int | None, duration_ns: int | None) -> bool:
    if start_ns is None or duration_ns is None:
        return False
    return abs(start_ns) < LARGEST_NS and 0 <= duration_ns < LARGEST_NS


def _external(arguments: Arguments) -> int:
    return arguments.external_id if arguments.external_id != ABSENT else arguments.old_external_id


def _identifiers(values: Iterable[int]) -> Iterator[int]:
    for value in values:  # kineto writes 2**64 - 1 where it has none
        yield value if 0 <= value < 2**63 else ABSENT


def _shape_texts(arguments: Iterable[Arguments]) -> Iterator[str]:
    for argument in arguments:
        yield bytes(argument.shapes).decode("utf-8", "replace")
