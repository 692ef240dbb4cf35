"""A piece of a file that is not JSON → the events that can be saved of it: it is cut off, or has values JSON lacks.

Takes a piece of the text, gives the events it can tell apart, and counts what it gives up. Cutting is left to
``cutting``, columns to ``events``, the sentences about the loss to ``loss``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

import msgspec

from tbp.traces.reading.cutting import PART_BYTES, cut
from tbp.traces.reading.document import BETWEEN_EVENTS
from tbp.traces.reading.events import BARE_EVENT, EVENT, EVENTS, BareEvent, TraceEvent
from tbp.traces.reading.loss import Tally

Anything = TypeVar("Anything")
Entry = TypeVar("Entry")

_ANY = msgspec.json.Decoder()
_FIRST_KEY = re.compile(rb'\{\s*"[^"\\]{1,100}"')
_RAW_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])

_STRING_OR_WORD = re.compile(
    r'"(?:[^"\\]|\\.)*"|(?<![\w"])(?:N/A|[-+]?(?:nan|inf(?:inity)?)(?:\([a-z]+\))?)(?![\w"])',
    re.DOTALL | re.IGNORECASE,
)
# In group 1 what JSON has, surrogates in pairs; in group 2 one alone, which is no character.
_ESCAPE = re.compile(
    r'\\(?:(["\\/bfnrt]|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'
    r"|(u[0-9a-fA-F]{4})|.?)",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f]")


class EventForm(msgspec.Struct, Generic[Entry], frozen=True):
    """The wanted form of events; each function gives None where the text is something else."""

    whole: Callable[[bytes], list[Entry] | None]  # of a piece
    event: Callable[[bytes], Entry | None]  # of one event as it is
    mended: Callable[[bytes], Entry | None]  # of one event after ``json_text``


def salvaged(
    text: bytes, is_rest: bool, form: EventForm[Entry], tally: Tally
) -> Generator[list[Entry], None, bytes | None]:
    """The readable events of a piece of a file; returns what stands behind the list if its end is in the piece.

    ``is_rest`` says that nothing follows the piece: then an event that does not end was cut off. What is given up is
    counted.
    """
    for low, high in _parts(text):
        part = text[low:high]
        events = form.whole(part)
        if events is not None:
            yield events
            continue
        salvage = _Salvage(form)
        list_end = salvage.part(part, is_rest and high == len(text))
        tally.add(unreadable=salvage.unreadable, mended=salvage.mended)
        yield salvage.events
        if list_end is not None:
            return text[low + list_end + 1 :]
    return None


class _Salvage(Generic[Entry]):
    """The readable events of one part. The positions that its functions return are of the list's closing bracket."""

    def __init__(self, form: EventForm[Entry]) -> None:
        self.form = form
        self.events: list[Entry] = []
        self.unreadable = 0
        self.mended = 0

    def part(self, part: bytes, is_rest: bool) -> int | None:
        """Every event that its brackets tell apart; from the first unclear one on, as ``by_looks``."""
        pieces = cut(part)
        for start, end in pieces.spans:
            if not self.add(part[start:end]):
                if BETWEEN_EVENTS.search(part, start, end):  # the damage has hidden where the event ends
                    return self.by_looks(part, start, is_rest)
                self.unreadable += 1
        if pieces.open_from is not None:
            return self.by_looks(part, pieces.open_from, is_rest)
        self.unreadable += pieces.strays
        return pieces.list_end

    def by_looks(self, part: bytes, start: int, is_rest: bool) -> int | None:
        """The events from ``start`` on where brackets fail: each begins with the first key of the first event."""
        key = _FIRST_KEY.match(part, start)
        boundaries = re.compile(rb"\}\s*,\s*(?=" + re.escape(key[0]) + rb")") if key else BETWEEN_EVENTS
        for boundary in boundaries.finditer(part, start):
            self.unreadable += not self.add(part[start : boundary.start() + 1])
            start = boundary.end()
        last = cut(part[start:])
        for low, high in last.spans:
            self.unreadable += not self.add(part[start + low : start + high])
        self.unreadable += last.open_from is not None and not is_rest
        return None if last.list_end is None else start + last.list_end

    def add(self, text: bytes) -> bool:
        """Add an event, if need be mended; false where it has to be given up."""
        event = self.form.event(text)
        if event is None:
            event = self.form.mended(json_text(text))
            self.mended += event is not None
        if event is not None:
            self.events.append(event)
        return event is not None


def _parts(text: bytes) -> Iterator[tuple[int, int]]:
    """Bounds of runs of whole events, each about PART_BYTES; the last runs to the end."""
    start = 0
    while start < len(text):
        boundary = BETWEEN_EVENTS.search(text, start + PART_BYTES)
        end = boundary.start() + 1 if boundary else len(text)
        yield start, end
        start = boundary.end() if boundary else len(text)


def _decoded(text: bytes, decoder: msgspec.json.Decoder[Anything]) -> Anything | None:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _whole_events(text: bytes) -> list[TraceEvent | BareEvent] | None:
    return _decoded(b"[" + text + b"]", EVENTS)


def _event(text: bytes) -> TraceEvent | BareEvent | None:
    return _decoded(text, EVENT)


def _mended_event(text: bytes) -> TraceEvent | BareEvent | None:
    """An event, if need be without its "args"."""
    return _decoded(text, EVENT) or _decoded(text, BARE_EVENT)


def _whole_texts(text: bytes) -> list[bytes] | None:
    listed = b"[" + text + b"]"
    if _decoded(listed, _ANY) is None:  # which, unlike the next one, looks into strings
        return None
    texts = [bytes(event) for event in _RAW_EVENTS.decode(listed)]
    return texts if all(event.startswith(b"{") for event in texts) else None


def _object_text(text: bytes) -> bytes | None:
    return text if text.startswith(b"{") and _decoded(text, _ANY) is not None else None


TIMED = EventForm(_whole_events, _event, _mended_event)  # what ``events`` makes columns of
TEXTS = EventForm(_whole_texts, _object_text, _object_text)  # each as JSON of its own, with all that an event carries


def json_text(text: bytes) -> bytes:
    """The text as JSON can have it: null for bare words, bad escapes and bytes as themselves."""

    def mended_token(token: re.Match[str]) -> str:
        return _CONTROL.sub(" ", _ESCAPE.sub(_mended_escape, token[0])) if token[0].startswith('"') else "null"

    return _STRING_OR_WORD.sub(mended_token, text.decode("utf-8", "replace")).encode()


def _mended_escape(escape: re.Match[str]) -> str:
    if escape[1]:
        return escape[0]
    return "\ufffd" if escape[2] else "\\\\" + escape[0][1:]
