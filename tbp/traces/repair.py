"""What can be saved of a file that is not JSON: cut off, or with values JSON does not have.

Takes a piece of the text, gives the events it can tell apart, and counts what it gives up. Cutting is left to
``cutting``, columns to ``events``, the sentences about the loss to ``loss``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from tbp.traces.cutting import PART_BYTES, cut
from tbp.traces.document import BETWEEN_EVENTS
from tbp.traces.events import BARE_EVENT, EVENT, EVENTS, BareEvent, Event
from tbp.traces.loss import Tally

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


@dataclass(frozen=True)
class EventForm(Generic[Entry]):
    """How events are wanted: ``whole`` reads a piece of JSON, or is None; ``mended`` reads the text of an event, which
    may be none of JSON, and counts what that costs."""

    whole: Callable[[bytes], list[Entry] | None]
    mended: Callable[[bytes, Tally], Entry | None]


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
        pieces = cut(part)
        yield _mended(pieces.values, form, tally)
        tally.add(unreadable=pieces.strays)
        if pieces.list_end is not None:
            return text[low + pieces.list_end + 1 :]
        if pieces.open_from is not None:
            begun = _likely_events(part[pieces.open_from :])
            is_cut_off = is_rest and high == len(text)
            yield _mended(begun[:-1] if is_cut_off else begun, form, tally)
    return None


def _likely_events(text: bytes) -> list[bytes]:
    """Events in a text whose brackets do not tell, by their looks: they begin with the key that the first one has."""
    key = _FIRST_KEY.match(text)
    if key is None:
        return [text]
    boundary = re.compile(rb"(?<=\})\s*,\s*(?=" + re.escape(key[0]) + rb")")
    return boundary.split(text)


def _mended(texts: Iterable[bytes], form: EventForm[Entry], tally: Tally) -> list[Entry]:
    return [event for text in texts if (event := form.mended(text, tally)) is not None]


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


def _whole_events(text: bytes) -> list[Event | BareEvent] | None:
    events = _decoded(b"[" + text + b"]", EVENTS)
    return None if events is None else list(events)


def mended(text: bytes, tally: Tally) -> Event | BareEvent | None:
    """One event, if need be without its "args" or with NaN, N/A and bad characters replaced; None: given up."""
    event: Event | BareEvent | None = _decoded(text, EVENT)
    if event is None:
        plain = json_text(text)
        event = _decoded(plain, EVENT) or _decoded(plain, BARE_EVENT)
        tally.add(**({"unreadable": 1} if event is None else {"mended": 1}))
    return event


def _whole_texts(text: bytes) -> list[bytes] | None:
    listed = b"[" + text + b"]"
    if _decoded(listed, _ANY) is None:  # which, unlike the next one, looks into strings
        return None
    texts = [bytes(event) for event in _RAW_EVENTS.decode(listed)]
    return texts if all(event.startswith(b"{") for event in texts) else None


def _mended_text(text: bytes, tally: Tally) -> bytes | None:
    is_object = text.startswith(b"{")
    if is_object and _decoded(text, _ANY) is not None:
        return text
    plain = json_text(text)
    is_mended = is_object and _decoded(plain, _ANY) is not None
    tally.add(**({"mended": 1} if is_mended else {"unreadable": 1}))
    return plain if is_mended else None


TIMED = EventForm(_whole_events, mended)  # what ``events`` makes columns of
TEXTS = EventForm(_whole_texts, _mended_text)  # each as JSON of its own, with everything an event carries


def json_text(text: bytes) -> bytes:
    """The text with what JSON does not have replaced: bare words by null, bad escapes and bytes by themselves."""

    def mended_token(token: re.Match[str]) -> str:
        return _CONTROL.sub(" ", _ESCAPE.sub(_mended_escape, token[0])) if token[0].startswith('"') else "null"

    return _STRING_OR_WORD.sub(mended_token, text.decode("utf-8", "replace")).encode()


def _mended_escape(escape: re.Match[str]) -> str:
    if escape[1]:
        return escape[0]
    return "\ufffd" if escape[2] else "\\\\" + escape[0][1:]
