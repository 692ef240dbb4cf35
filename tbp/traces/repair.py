"""What can be saved of a file that is not JSON: cut off, or with values JSON does not have.

Takes the bytes, gives the text of each event it can tell apart and of the keys before them. Typed reading is left
to ``events``, the sentences about the loss to ``read``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tbp.traces.events import BARE_EVENT, EVENT, EVENTS, BareEvent, Event

Anything = TypeVar("Anything")

# Small enough that one bad value sends few events down the slow road, large enough that the fast one pays.
PIECE_BYTES = 1 << 18

BETWEEN_EVENTS = re.compile(rb'\}\s*,\s*(?=\{\s*"ph"\s*:)')  # kineto writes "ph" first
_FIRST_EVENT = re.compile(rb'"traceEvents"\s*:\s*\[')
_BRACKET_OR_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("|\Z)|[{}\[\]]', re.DOTALL)
_HEADER_KEY = re.compile(rb'"(\w+)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)')

_STRING_OR_WORD = re.compile(
    r'"(?:[^"\\]|\\.)*"|(?<![\w"])(?:N/A|[-+]?(?:nan|inf(?:inity)?)(?:\([a-z]+\))?)(?![\w"])',
    re.DOTALL | re.IGNORECASE,
)
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|.?)', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")


@dataclass
class Damage:
    """Counts of what was not as it should be; grows while a file is read."""

    unreadable: int = 0  # events given up
    repaired: int = 0  # events read after a value JSON does not have was replaced
    cut_off: bool = False  # the text ends inside the list of events


def events_start(data: bytes) -> int | None:
    """Where the first event may stand: behind ``"traceEvents": [`` or the ``[`` of the list form; None without."""
    if data.lstrip()[:1] == b"[":
        return data.index(b"[") + 1
    found = _FIRST_EVENT.search(data)
    return found.end() if found else None


def header(data: bytes) -> dict[str, str]:
    """The plain keys before the events (numbers and strings; nested values are not looked for)."""
    found = _FIRST_EVENT.search(data)
    head = data[: found.start()] if found else b""
    return {key.decode(): value.decode("utf-8", "replace") for key, value in _HEADER_KEY.findall(head)}


def pieces(data: bytes | memoryview, start: int, size: int) -> Iterator[tuple[int, int]]:
    """Bounds of runs of whole events, each about ``size`` bytes; the last runs to the end of ``data``."""
    while start < len(data):
        boundary = BETWEEN_EVENTS.search(data, start + size)
        end = boundary.start() + 1 if boundary else len(data)
        yield start, end
        start = boundary.end() if boundary else len(data)


def salvaged(data: bytes, start: int, damage: Damage) -> Iterator[list[Event | BareEvent]]:
    """The readable events from ``start`` on, piece by piece; what is given up is counted in ``damage``."""
    for low, high in pieces(data, start, PIECE_BYTES):
        piece = data[low:high]
        try:
            yield list(EVENTS.decode(b"[" + piece + b"]"))
            if high == len(data):
                damage.cut_off = True  # nothing closed the list
        except (msgspec.DecodeError, UnicodeDecodeError):
            last = high == len(data)
            yield [event for text in _texts(piece, last, damage) if (event := mended(text, damage)) is not None]


def mended(text: bytes, damage: Damage) -> Event | BareEvent | None:
    """One event, if need be without its "args" or with NaN, N/A and bad characters replaced; None: given up."""
    event: Event | BareEvent | None = _decoded(text, EVENT)
    if event is None:
        plain = _json(text)
        event = _decoded(plain, EVENT) or _decoded(plain, BARE_EVENT)
        damage.repaired += event is not None
        damage.unreadable += event is None
    return event


def _decoded(text: bytes, decoder: msgspec.json.Decoder[Anything]) -> Anything | None:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _texts(piece: bytes, last: bool, damage: Damage) -> Iterator[bytes]:
    """The objects at the outermost level, cut by counting brackets outside strings."""
    depth = 0
    start = 0
    for token in _BRACKET_OR_STRING.finditer(piece):
        bracket = token[0]
        if bracket in b"{[":
            start = token.start() if depth == 0 else start
            depth += 1
        elif bracket in b"}]":
            depth -= 1
            if depth == 0:
                yield piece[start : token.end()]
            elif depth < 0:
                return  # the end of the list of events
        elif not token[1]:
            break  # a string without an end
    if depth > 0 and not last:
        damage.unreadable += 1
    damage.cut_off |= last


def _json(text: bytes) -> bytes:
    """The text with what JSON does not have replaced: bare words by null, bad escapes and bytes by themselves."""

    def mended_token(token: re.Match[str]) -> str:
        if not token[0].startswith('"'):
            return "null"
        return _CONTROL.sub(" ", _ESCAPE.sub(lambda e: e[0] if e[1] else "\\\\" + e[0][1:], token[0]))

    return _STRING_OR_WORD.sub(mended_token, text.decode("utf-8", "replace")).encode()
