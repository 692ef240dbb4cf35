"""A trace file → its other top-level keys and its events, each a whole JSON text of its own.

Unlike ``tbp.traces``, which reads what it needs, this keeps everything an event carries, for a copy. What is not JSON
is repaired as far as that goes; what was lost is what ``tbp.traces.reading.read`` says of the same file, which also
refuses hostile ones and so is to be asked first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from tbp.errors import UnreadableTrace
from tbp.traces.reading.loss import Tally
from tbp.traces.reading.packing import blocks
from tbp.traces.reading.repair import json_text

Fields: TypeAlias = "dict[str, msgspec.Raw]"

OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])
_FIRST_EVENT = re.compile(rb'"traceEvents"\s*:\s*\[')
_BRACKET_OR_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("|\Z)|[{}\[\]]', re.DOTALL)


class Document(Struct, frozen=True):
    """``events`` are JSON objects, in file order; ``header`` has the file's other keys with their JSON."""

    header: Mapping[str, msgspec.Raw]
    events: Sequence[bytes]

    def text(self) -> Iterator[bytes]:
        """The document as valid JSON, in pieces."""
        yield b"{"
        for key, value in self.header.items():
            yield b"%s: %s,\n" % (msgspec.json.encode(key), bytes(value))
        yield b'"traceEvents": [\n'
        for number, event in enumerate(self.events):
            yield b",\n" + event if number else event
        yield b"\n]}\n"


def read_document(path: Path) -> Document:
    """Everything readable in the file at ``path``.

    Raises:
        UnreadableTrace: there is no event to be had.
    """
    data = _content(path)
    try:
        header, texts = _whole(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        header, texts = _damaged(data)
    events = [event for text in texts if (event := _valid(text)) is not None]
    if not events:
        raise UnreadableTrace(f"{path} holds no event; name a file that export_chrome_trace has written")
    return Document({key: value for key, value in header.items() if _is_json(bytes(value))}, events)


def _content(path: Path) -> bytes:
    """The file's text, unpacked as far as that goes."""
    try:
        return b"".join(blocks(path, Tally()))
    except UnreadableTrace as reason:
        raise UnreadableTrace(f"{path} {reason}") from None


def _whole(data: bytes) -> tuple[Fields, list[bytes]]:
    """The parts of valid JSON, which is an object with "traceEvents" or the bare list. Raises DecodeError."""
    header = {} if data.lstrip()[:1] == b"[" else OBJECT.decode(data)
    listed = bytes(header.pop("traceEvents", msgspec.Raw(b"[]"))) if header else data
    return header, [bytes(event) for event in _RAW_EVENTS.decode(listed)]


def _damaged(data: bytes) -> tuple[Fields, list[bytes]]:
    """The header and the events of what is not JSON: objects are cut out by counting brackets outside of strings."""
    opening = _FIRST_EVENT.search(data)
    start = opening.end() if opening else 1
    header: Fields = {}
    if opening:
        try:
            header = OBJECT.decode(data[: opening.start()] + b'"traceEvents": []}')
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            header = {}  # the keys say less than the events
    header.pop("traceEvents", None)
    return header, list(_objects(data, start))


def _objects(data: bytes, start: int) -> Iterator[bytes]:
    """The objects at the outermost level from ``start`` on, up to the end of their list."""
    depth = 0
    first = start
    for token in _BRACKET_OR_STRING.finditer(data, start):
        bracket = token[0]
        if bracket in b"{[":
            first = token.start() if depth == 0 else first
            depth += 1
        elif bracket in b"}]":
            depth -= 1
            if depth == 0:
                yield data[first : token.end()]
            elif depth < 0:
                return
        elif not token[1]:
            return  # a string without an end


def _valid(text: bytes) -> bytes | None:
    """``text`` as a JSON object, with what JSON does not have replaced where that is needed; None: given up."""
    if _is_json(text):
        return text if text.startswith(b"{") else None
    mended = json_text(text)
    return mended if _is_json(mended) and mended.startswith(b"{") else None


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
