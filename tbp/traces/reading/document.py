"""The text of a trace file, block by block → its other keys, and its events in pieces.

Takes blocks as ``packing`` gives them, of any length, of an object with "traceEvents" or of the bare list. Gives
pieces of text that each hold whole events; never holds more than a block, or one event if that is longer. Reading the
events is left to ``events``, pieces that are no JSON to ``repair``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from tbp.errors import UnreadableTrace
from tbp.traces.reading.packing import BLOCK_BYTES

# The longest events seen are 60 kB (a kernel's name, or a list of 300 ranks). One of 16 MB is no event.
LARGEST_EVENT_BYTES = 16 << 20

_LONG_BYTES = LARGEST_EVENT_BYTES // 2

# How many braces before the end of a block may belong to something else than a new event.
_TRIES = 2_000

_EVENTS_KEY = re.compile(rb'"traceEvents"\s*:\s*')
_BEFORE_EVENT = re.compile(rb"\}\s*,\s*\Z")
_IN_EVENT = re.compile(rb'\{\s*"')
_FIRST_KEY = re.compile(rb'\s*\{\s*("[^"\\]{1,100}")')
_PLAIN_KEY = re.compile(rb'"(\w+)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)')
_ARCHIVE_HEAD = 262  # bytes that tell a tar or zip file: the first trace in one is not all of it
_GAP_BYTES = 64  # between two events; kineto writes 8

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
DOCUMENT = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass
class Document:
    """A file as it is read: ``metadata`` is whole once ``pieces`` has come to its end."""

    blocks: Iterator[bytes]
    metadata: dict[str, str] = field(default_factory=dict)  # the other top-level keys, each value as JSON text
    is_list: bool = False
    _kept: bytearray = field(default_factory=bytearray)
    _first_key: re.Pattern[bytes] = _IN_EVENT

    def pieces(self) -> Iterator[tuple[bytes, bool]]:
        """(text of whole events, whether it is the rest of the file). Raises UnreadableTrace where there is no list.

        A piece starts at an event and has no comma behind its last one; the last piece runs to the end of the file,
        with whatever stands behind the list.
        """
        self._skip_head()
        self._fill(BLOCK_BYTES)
        if found := _FIRST_KEY.match(self._kept):
            self._first_key = re.compile(rb"\{\s*" + re.escape(found[1]))
        while self._fill(BLOCK_BYTES):
            if (boundary := self._boundary()) is not None:
                end, start = boundary
                piece = bytes(self._kept[:end])
                del self._kept[:start]
                yield piece, False
            elif len(self._kept) > LARGEST_EVENT_BYTES:
                size = f"{LARGEST_EVENT_BYTES >> 20} MB"
                raise UnreadableTrace(
                    f"has an event of more than {size} of text, which no profiler writes; record again"
                )
            elif not self._take():
                break
        rest = bytes(self._kept)
        self._kept.clear()
        yield rest, True

    def end(self, behind: bytes) -> int:
        """Tell of what stands behind the list's bracket: the file's last keys, where they can be read.

        Gives the number of events in a second list there: which one was meant nobody knows, and the first was read.
        """
        self._kept[:0] = behind + b"," if self._kept else behind
        while len(self._kept) <= LARGEST_EVENT_BYTES and self._take():
            pass
        with suppress(msgspec.DecodeError, UnicodeDecodeError):  # the events are what matters
            keys = DOCUMENT.decode(b'{"first":[]' + bytes(self._kept))
            del keys["first"]
            second = keys.pop("traceEvents", None)
            self.add(keys)
            return 0 if second is None else len(_LIST.decode(second))
        return 0

    def _take(self) -> bool:
        block = next(self.blocks, b"")
        self._kept += block
        return bool(block)

    def _fill(self, size: int) -> bool:
        """Whether there is as much as this and more to come; blocks may be small."""
        while len(self._kept) < size:
            if not self._take():
                return False
        return True

    def _boundary(self) -> tuple[int, int] | None:
        """Where the last but one event kept ends, and where the next one starts.

        A brace behind ``},`` and before the key that the file's first event has first. Inside a string the key's quote
        would be escaped; a list of objects inside "args" has other keys. Before any key only where none is found for
        long, as in a file whose events differ in their first keys.
        """
        found = self._boundary_before(self._first_key)
        return self._boundary_before(_IN_EVENT) if found is None and len(self._kept) > _LONG_BYTES else found

    def _boundary_before(self, opening: re.Pattern[bytes]) -> tuple[int, int] | None:
        kept, at = self._kept, len(self._kept)
        for _ in range(_TRIES):
            at = kept.rfind(b"{", 0, at)
            if at < 0:
                return None
            low = max(0, at - _GAP_BYTES)
            before = _BEFORE_EVENT.search(kept, low, at)
            if before and opening.match(kept, at):
                return before.start() + 1, at
        return None

    def _skip_head(self) -> None:
        """Leave ``_kept`` at the first event, with the keys before it in ``metadata``."""
        while not self._kept.strip():
            del self._kept[:]
            if not self._take():
                raise UnreadableTrace("is empty; the recording was interrupted, so record it again")
        self._fill(_ARCHIVE_HEAD)
        if self._kept.startswith(b"PK\x03\x04") or self._kept[257:262] == b"ustar":
            raise UnreadableTrace("is an archive of files; unpack it and name the traces in it")
        if self._kept.startswith(b"\xef\xbb\xbf"):
            del self._kept[:3]
        if self._kept.lstrip()[:1] == b"[":
            self.is_list = True
            del self._kept[: self._kept.index(b"[") + 1]
            return
        searched = 0
        while (found := self._events_key(searched)) is None:
            searched = max(0, len(self._kept) - 100)
            if len(self._kept) > LARGEST_EVENT_BYTES or not self._take():
                raise UnreadableTrace(self._no_events())
        self._read_head(bytes(self._kept[: found.start()]))
        if self._kept[found.end()] != ord("["):
            raise UnreadableTrace('has no list in "traceEvents"; name a file that export_chrome_trace has written')
        del self._kept[: found.end() + 1]

    def _events_key(self, searched: int) -> re.Match[bytes] | None:
        """The key, once its value has begun too; the first one outside a nested value, if the head is JSON."""
        matches = [found for found in _EVENTS_KEY.finditer(self._kept, searched) if found.end() < len(self._kept)]
        whole = (found for found in matches if _head(bytes(self._kept[: found.start()])) is not None)
        return next(whole, matches[0] if matches else None)

    def _read_head(self, text: bytes) -> None:
        keys = _head(text)
        if keys is not None:
            self.add(keys)
        else:
            plain = _PLAIN_KEY.findall(text)
            self.metadata |= {key.decode(): value.decode("utf-8", "replace") for key, value in plain}

    def add(self, keys: dict[str, msgspec.Raw]) -> None:
        keys.pop("traceEvents", None)
        self.metadata |= {key: bytes(value).decode("utf-8", "replace") for key, value in keys.items()}

    def _no_events(self) -> str:
        try:
            DOCUMENT.decode(bytes(self._kept))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "is no profiler trace; name a file that export_chrome_trace has written"
        return 'has no "traceEvents"; name a file that export_chrome_trace has written'


def _head(text: bytes) -> dict[str, msgspec.Raw] | None:
    """The keys before "traceEvents", or None where they are not JSON."""
    try:
        return DOCUMENT.decode(text + b'"traceEvents":[]}')
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
