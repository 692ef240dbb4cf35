"""The text of one event → the event as its reader wants it, with what JSON does not have mended.

Takes whole pieces at full speed, and single events with care. Where an event begins and ends is left to ``window``,
columns to ``events``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from tbp.traces.reading.decoded import BARE_EVENT, EVENT, EVENTS, BareEvent

Anything = TypeVar("Anything")
Entry = TypeVar("Entry")

_ANY = msgspec.json.Decoder()
_RAW_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])

_STRING_OR_WORD = re.compile(
    r'"(?:[^"\\]|\\.)*"|(?<![\w"])(?:N/A|[-+]?(?:nan|inf(?:inity)?)(?:\([a-z]+\))?)(?![\w"])'
    # A number that may be beyond floating point.
    r'|(?<![\w".+-])-?[0-9]+(?:\.[0-9]+)?e\+?[0-9]{2,}(?![\w".])',
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


def _decoded(text: bytes, decoder: msgspec.json.Decoder[Anything]) -> Anything | None:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _whole_events(text: bytes) -> list[BareEvent] | None:
    return _decoded(b"[" + text + b"]", EVENTS)


def _event(text: bytes) -> BareEvent | None:
    return _decoded(text, EVENT)


def _mended_event(text: bytes) -> BareEvent | None:
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
    """The text as JSON can have it: null for bare words and endless numbers, bad escapes and bytes as themselves."""

    def mended_token(token: re.Match[str]) -> str:
        if token[0].startswith('"'):
            return _CONTROL.sub(" ", _ESCAPE.sub(_mended_escape, token[0]))
        is_number = token[0][-1] in "0123456789" and math.isfinite(float(token[0]))
        return token[0] if is_number else "null"

    # Outside of strings a control character is no JSON either; what it stands for is lost in both.
    return _STRING_OR_WORD.sub(mended_token, text.decode("utf-8", "replace")).translate(_NO_SPACE).encode()


_NO_SPACE = {code: " " for code in range(32) if chr(code) not in "\t\n\r"}


def _mended_escape(escape: re.Match[str]) -> str:
    if escape[1]:
        return escape[0]
    return "\ufffd" if escape[2] else "\\\\" + escape[0][1:]
