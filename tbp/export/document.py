"""A trace file → a copy of it: its other top-level keys and its events, each a whole JSON text of its own.

Reading, with repairs where the file is damaged, is left to ``tbp.traces``; what was lost is what ``read_trace`` says of
the same file. Unlike its columns this keeps everything an event carries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct

from tbp.errors import UnreadableTrace
from tbp.traces.reading.read import read_texts

Fields: TypeAlias = "dict[str, msgspec.Raw]"

_OPENING = b'{"traceEvents": [\n'

OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


# In TensorBoard's form an event takes 3 kB of memory, so these take 3 GB; its plugin takes more for them, and a browser
# opens no view of as many. A trace of 100 MB has 0.3 million.
MOST_HELD_EVENTS = 1_000_000


class TraceCopy(Struct, frozen=True):
    """``events`` are JSON objects, in file order; ``header`` has the file's other keys with their JSON."""

    header: Mapping[str, str]
    events: Sequence[bytes]

    def text(self) -> Iterator[bytes]:
        """The copy as valid JSON, in pieces."""
        yield _OPENING
        yield b",\n".join(self.events)
        yield from _closing(self.header)


def write_copy(source: Path, write: Callable[[bytes], object]) -> None:
    """Gives ``write`` everything readable in the file at ``source`` as valid JSON, piece by piece, and holds no more.

    Raises UnreadableTrace where there is no event to be had.
    """
    is_first = True

    def write_events(events: Sequence[bytes]) -> None:
        nonlocal is_first
        if events:
            write((b"" if is_first else b",\n") + b",\n".join(events))
            is_first = False

    write(_OPENING)
    header = read_texts(source, write_events)
    for text in _closing(header):
        write(text)


def read_copy(path: Path) -> TraceCopy:
    """Everything readable in the file at ``path``.

    Raises UnreadableTrace where there is no event to be had, or more than MOST_HELD_EVENTS.
    """
    events: list[bytes] = []

    def hold(piece: Sequence[bytes]) -> None:
        events.extend(piece)
        if len(events) > MOST_HELD_EVENTS:
            raise UnreadableTrace(
                f"holds more than {MOST_HELD_EVENTS:,} events, too many for TensorBoard; use --perfetto, or record "
                "fewer steps"
            )

    return TraceCopy(read_texts(path, hold), events)


def _closing(header: Mapping[str, str]) -> Iterator[bytes]:
    yield b"\n]"
    for key, value in header.items():
        if _is_json(value):
            yield b",\n%s: %s" % (msgspec.json.encode(key), value.encode())
    yield b"}\n"


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True
