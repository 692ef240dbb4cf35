"""What can be saved of a file that is not JSON: cut off, or with values JSON does not have.

Takes a piece of the text, gives the events it can tell apart, and counts what it gives up. Columns are left to
``events``, the sentences about the loss to ``loss``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tbp.traces.reading.events import BARE_EVENT, EVENT, EVENTS, BareEvent, Event
from tbp.traces.reading.loss import Tally

Anything = TypeVar("Anything")

# Small enough that one bad value sends few events down the slow road, large enough that the fast one pays.
PART_BYTES = 1 << 18

BETWEEN_EVENTS = re.compile(rb'\}\s*,\s*(?=\{\s*")')
_BRACKET_OR_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("|\Z)|[{}\[\]]', re.DOTALL)
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


def salvaged(text: bytes, last: bool, tally: Tally) -> Iterator[list[Event | BareEvent] | bytes]:
    """The readable events of a piece of a file, and, where the list ends in it, what stands behind it as bytes.

    ``last`` says that nothing follows the piece: then a list that does not end was cut off. What is given up is
    counted.
    """
    for low, high in _parts(text):
        part = text[low:high]
        if (events := _decoded(b"[" + part + b"]", EVENTS)) is not None:
            yield list(events)
        elif (texts := _decoded(b"[" + part + b"]", _RAW_EVENTS)) is not None:
            yield _mended(map(bytes, texts), tally)
        else:
            cut = _Cut()
            yield _mended(cut.texts(part), tally)
            if cut.ended is not None:
                yield text[low + cut.ended :]
                return
            if cut.is_open and not (last and high == len(text)):
                tally.add(unreadable=1)
    if last:
        tally.add(cut_off=1)


def _mended(texts: Iterable[bytes], tally: Tally) -> list[Event | BareEvent]:
    return [event for text in texts if (event := mended(text, tally)) is not None]


def _parts(text: bytes) -> Iterator[tuple[int, int]]:
    """Bounds of runs of whole events, each about PART_BYTES; the last runs to the end."""
    start = 0
    while start < len(text):
        boundary = BETWEEN_EVENTS.search(text, start + PART_BYTES)
        end = boundary.start() + 1 if boundary else len(text)
        yield start, end
        start = boundary.end() if boundary else len(text)


def mended(text: bytes, tally: Tally) -> Event | BareEvent | None:
    """One event, if need be without its "args" or with NaN, N/A and bad characters replaced; None: given up."""
    event: Event | BareEvent | None = _decoded(text, EVENT)
    if event is None:
        plain = json_text(text)
        event = _decoded(plain, EVENT) or _decoded(plain, BARE_EVENT)
        tally.add(**({"unreadable": 1} if event is None else {"mended": 1}))
    return event


def _decoded(text: bytes, decoder: msgspec.json.Decoder[Anything]) -> Anything | None:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@dataclass
class _Cut:
    """Cuts a text at its outermost brackets, those in strings aside."""

    ended: int | None = None  # behind the bracket that closes the list
    is_open: bool = False  # the text ends inside an event

    def texts(self, part: bytes) -> Iterator[bytes]:
        depth = 0
        start = 0
        for token in _BRACKET_OR_STRING.finditer(part):
            bracket = token[0]
            if bracket in b"{[":
                start = token.start() if depth == 0 else start
                depth += 1
            elif bracket in b"}]":
                depth -= 1
                if depth == 0:
                    yield part[start : token.end()]
                elif depth < 0:
                    self.ended = token.end()
                    return
            elif not token[1]:
                break  # a string without an end
        self.is_open = depth > 0


def json_text(text: bytes) -> bytes:
    """The text with what JSON does not have replaced: bare words by null, bad escapes and bytes by themselves."""

    def mended_token(token: re.Match[str]) -> str:
        return _CONTROL.sub(" ", _ESCAPE.sub(_mended_escape, token[0])) if token[0].startswith('"') else "null"

    return _STRING_OR_WORD.sub(mended_token, text.decode("utf-8", "replace")).encode()


def _mended_escape(escape: re.Match[str]) -> str:
    if escape[1]:
        return escape[0]
    return "\ufffd" if escape[2] else "\\\\" + escape[0][1:]
