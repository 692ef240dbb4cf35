"""The text of a trace file, block by block → its other keys, and its events in pieces.

Takes blocks as ``packing`` gives them, of any length, of an object with "traceEvents" or of the bare list. Gives
pieces that each hold whole events; never holds more than a block, or one event if that is longer. Reading the events
is left to the decoder that ``pieces`` is given, pieces that are no JSON to ``repair``.

Where a piece ends is a guess that its decoding proves: the last ``}, {"`` of a block. JSON that was cut inside an event
or a string does not decode. At the first piece that does not, and from there to the end of the file, ``cutting`` finds
the ends by counting brackets. Either way is linear in the text; a guess costs nothing, and nearly every file, however
it is laid out, is read to its end with guesses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from tbp.errors import UnreadableTrace
from tbp.traces.reading.cutting import LIST_END_BYTES, PART_BYTES, Cutter
from tbp.traces.reading.packing import BLOCK_BYTES

# The longest events seen are 60 kB (a kernel's name, or a list of 300 ranks). One of 16 MB is no event.
LARGEST_EVENT_BYTES = 16 << 20

# Where a guess is looked for, at the end of a block: room for the longest events seen. Searching the whole block took
# 0.08 CPU s more for 100 MB.
_GUESS_BYTES = 1 << 16

BETWEEN_EVENTS = re.compile(rb'\}\s*,\s*(?=\{\s*")')
_NESTED_KEYS = 100  # in one block; more are no metadata
_KEY_BYTES = 100  # the key, with space around its colon
_EVENTS_KEY = re.compile(rb'"traceEvents"\s*:\s*')
_PLAIN_KEY = re.compile(rb'"(\w+)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)')
_EVENT_SIGN = b'"ph"'  # a key that every event has
_SPACE = b" \t\r\n"
_ARCHIVE_HEAD = 262  # bytes that tell a tar or zip file: the first trace in one is not all of it

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
DOCUMENT = msgspec.json.Decoder(dict[str, msgspec.Raw])

Events = TypeVar("Events")


class TraceText:
    """A file as it is read: ``metadata`` is whole once ``end`` was called behind the last piece."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks = blocks
        self.metadata: dict[str, str] = {}  # the other top-level keys, each value as JSON text
        self.is_cut_off = False  # the file ended inside the list; true from its last piece on
        self._text = bytearray()  # not yet given

    def pieces(self, decoded: Callable[[bytes], Events | None]) -> Iterator[Events | bytes]:
        """The events of the list, piece by piece: as ``decoded`` gives them, or where that is None the piece itself.

        A piece starts at an event and has no comma behind its last one. Raises UnreadableTrace where there is no list.
        """
        self._skip_head()
        yield from self._guessed(decoded)
        for piece in self._counted():
            events = decoded(piece)
            yield piece if events is None else events

    def _guessed(self, decoded: Callable[[bytes], Events | None]) -> Iterator[Events]:
        """Pieces for as long as they decode; leaves the text at an event."""
        while self._fill(BLOCK_BYTES):
            boundary = _last_boundary(self._text, len(self._text) - _GUESS_BYTES)
            events = decoded(bytes(memoryview(self._text)[: boundary[0]])) if boundary else None
            if boundary is None or events is None:
                return
            del self._text[: boundary[1]]
            yield events

    def _counted(self) -> Iterator[bytes]:
        """The pieces of the text that is left, told apart by their brackets."""
        cutter = Cutter()
        end, is_more = 0, True
        while is_more or end < len(self._text):
            is_more = self._fill(cutter.position + PART_BYTES + LIST_END_BYTES)
            end = min(cutter.position + PART_BYTES, len(self._text))
            brackets = cutter.advance(self._text, end)
            list_end = brackets.list_end(self._text)
            if list_end is not None:
                yield self._taken(list_end)
                del self._text[:1]
                return
            start = int(brackets.starts[-1]) if len(brackets.starts) else 0
            if not start and len(self._text) > LARGEST_EVENT_BYTES:
                start = self._likely_start()
                cutter = Cutter(position=start)
            if start:
                cutter.position -= start
                end -= start
                yield self._taken(start)
        self.is_cut_off = True
        yield self._taken(len(self._text))

    def _taken(self, end: int) -> bytes:
        """The piece before ``end``, without the comma behind its last event; it is dropped from the text."""
        piece = bytes(memoryview(self._text)[:end])
        del self._text[:end]
        return piece.rstrip(_SPACE).removesuffix(b",")

    def _likely_start(self) -> int:
        """The start of an event, by its looks, in damaged text whose brackets do not tell."""
        boundary = _last_boundary(self._text, 0)
        if boundary is None:
            size = f"{LARGEST_EVENT_BYTES >> 20} MB"
            raise UnreadableTrace(f"has an event of more than {size} of text, which no profiler writes; record again")
        return boundary[1]

    def end(self, behind: bytes = b"") -> int:
        """Reads the text behind the list's bracket into ``metadata``: the file's last keys, where they can be read.

        ``behind`` is the part of it that a piece held already. Returns the number of events there: of two lists nobody
        knows which was meant, and the first was read.
        """
        self._text[:0] = behind + b"," if behind and self._text else behind
        while len(self._text) <= LARGEST_EVENT_BYTES and self._take():
            pass
        try:
            keys = DOCUMENT.decode(b'{"first":[]' + bytes(self._text))
            del keys["first"]
            second = keys.pop("traceEvents", None)
            self._add(keys)
            return 0 if second is None else len(_LIST.decode(second))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._text.count(_EVENT_SIGN)

    def _take(self) -> bool:
        block = next(self.blocks, b"")
        self._text += block
        return bool(block)

    def _fill(self, size: int) -> bool:
        """Take blocks until there is as much text as this; false where the file ends before."""
        while len(self._text) < size:
            if not self._take():
                return False
        return True

    def _skip_head(self) -> None:
        """Leave the text at the first event, with the keys before it in ``metadata``."""
        while not self._text.strip():
            del self._text[:]
            if not self._take():
                raise UnreadableTrace("is empty; the recording was interrupted, so record it again")
        self._fill(_ARCHIVE_HEAD)
        if self._text.startswith(b"PK\x03\x04") or self._text[257:262] == b"ustar":
            raise UnreadableTrace("is an archive of files; unpack it and name the traces in it")
        if self._text.startswith(b"\xef\xbb\xbf"):
            del self._text[:3]
        if self._text.lstrip()[:1] == b"[":
            del self._text[: self._text.index(b"[") + 1]
            return
        key = self._events_key()
        if key is None:
            raise UnreadableTrace(self._no_events())
        self._read_head(bytes(self._text[: key.start()]))
        if self._text[key.end()] != ord("["):
            raise UnreadableTrace('has no list in "traceEvents"; name a file that export_chrome_trace has written')
        del self._text[: key.end() + 1]

    def _events_key(self) -> re.Match[bytes] | None:
        """The key, once its value has begun too: that of the file's object, or where none is found a nested one."""
        cutter = Cutter()
        nested = None
        searched, is_more = 0, True
        while is_more and len(self._text) <= LARGEST_EVENT_BYTES:
            for _, match in zip(range(_NESTED_KEYS), _EVENTS_KEY.finditer(self._text, searched), strict=False):
                if match.end() == len(self._text):
                    break
                cutter.advance(self._text, match.start())
                if cutter.depth == 1 and not cutter.is_in_string:
                    return match
                nested = nested or match
            searched = max(cutter.position, len(self._text) - _KEY_BYTES)
            is_more = self._take()
        return nested

    def _read_head(self, text: bytes) -> None:
        keys = _head(text)
        if keys is not None:
            self._add(keys)
        else:
            plain = _PLAIN_KEY.findall(text)
            self.metadata |= {key.decode(): value.decode("utf-8", "replace") for key, value in plain}

    def _add(self, keys: dict[str, msgspec.Raw]) -> None:
        keys.pop("traceEvents", None)
        self.metadata |= {key: bytes(value).decode("utf-8", "replace") for key, value in keys.items()}

    def _no_events(self) -> str:
        try:
            DOCUMENT.decode(bytes(self._text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "is no profiler trace; name a file that export_chrome_trace has written"
        return 'has no "traceEvents"; name a file that export_chrome_trace has written'


def _head(text: bytes) -> dict[str, msgspec.Raw] | None:
    """The keys before "traceEvents", or None where they are not JSON."""
    try:
        return DOCUMENT.decode(text + b'"traceEvents":[]}')
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _last_boundary(text: bytearray, low: int) -> tuple[int, int] | None:
    """The end of the last event that another one follows, and the start of that one, by their looks.

    Nothing before ``low`` is searched.
    """
    last = None
    for boundary in BETWEEN_EVENTS.finditer(text, max(0, low)):
        last = boundary.start() + 1, boundary.end()
    return last
