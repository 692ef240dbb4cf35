"""A trace file → a copy of it: its other top-level keys and its events, each a whole JSON text of its own.

Reading, with repairs where the file is damaged, is left to ``tbp.traces``; what was lost is what ``read_trace`` says of
the same file. Unlike its columns this keeps everything an event carries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from tbp.traces.reading.read import read_texts

Fields: TypeAlias = "dict[str, msgspec.Raw]"

OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class TraceCopy(Struct, frozen=True):
    """``events`` are JSON objects, in file order; ``header`` has the file's other keys with their JSON."""

    header: Mapping[str, str]
    events: Sequence[bytes]

    def text(self) -> Iterator[bytes]:
        """The copy as valid JSON, in pieces."""
        yield b"{"
        for key, value in self.header.items():
            yield b"%s: %s,\n" % (msgspec.json.encode(key), value.encode())
        yield b'"traceEvents": [\n'
        for number, event in enumerate(self.events):
            yield b",\n" + event if number else event
        yield b"\n]}\n"


def read_copy(path: Path) -> TraceCopy:
    """Everything readable in the file at ``path``. Raises UnreadableTrace where there is no event to be had."""
    header, events = read_texts(path)
    return TraceCopy({key: value for key, value in header.items() if _is_json(value)}, events)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
