"""The text of a trace file, block by block → its events in pieces, and its other keys.

Takes blocks as ``packing`` gives them, of any length: objects with "traceEvents", bare lists, or events without a list,
once or several times behind one another. Never holds more than a block, or one event if that is longer.

Most text is decoded in pieces of a block. Where a piece ends is a guess that its decoding proves: the last ``}, {"`` of
the block. JSON that was cut inside an event or a string does not decode. Where a guess fails, ``cutting`` finds the end
by counting brackets. Where that fails too the text is damaged: ``window`` proves it event by event, and ``search``
finds the next one behind damage. Each way is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import TypeVar

from tbp.errors import UnreadableTrace
from tbp.traces.reading.cutting import PART_BYTES, last_event_end, values_end
from tbp.traces.reading.loss import Tally
from tbp.traces.reading.packing import BLOCK_BYTES
from tbp.traces.reading.repair import Entry, EventForm, json_text
from tbp.traces.reading.search import Effort, Search
from tbp.traces.reading.window import ValueState, Window

# The longest events seen are 60 kB (a kernel's name, or a list of 300 ranks). One of 16 MB is no event.
LARGEST_EVENT_BYTES = 16 << 20
# Of the keys beside the events, over all: real ones have up to 100 kB.
MOST_METADATA_BYTES = 16 << 20

# Of documents in values of each other, each of which is looked through: 300 around 4 MB took 9 s.
MOST_DEPTH = 4

_SEPARATORS = re.compile(rb"[\s,]+")
_BEHIND = re.compile(rb"[\s,]*(?:[{\[\]}]|\Z)")
_OPENING = re.compile(rb"\[[\[\s,]*")
_CLOSING = re.compile(rb"[\]}][\]}\s,]*")
_AROUND = (b"", b"{", b"[", b"]", b"}")  # what stands before and behind an event, and not in it
_LONGEST_KEY_BYTES = 1 << 12
_ARCHIVE_HEAD = 262  # bytes that tell a tar or zip file: the first trace in one is not all of it
_CLEAR_PIECES = 4  # of text that begin an object, after which no event of it is taken for one that is not whole yet
_EVENTS = "traceEvents"

Events = TypeVar("Events")


class _Inside(Enum):
    """The surroundings of the place that was reached."""

    NOTHING = auto()
    DOCUMENT = auto()
    LIST = auto()


class TraceText:
    """A file as it is read: ``metadata`` is whole once the last piece was given."""

    def __init__(self, blocks: Iterator[bytes], tally: Tally, depth: int = 0) -> None:
        self.metadata: dict[str, str] = {}  # the other top-level keys, each value as JSON text
        self._blocks = blocks
        self._tally = tally
        self._depth = depth  # in values of other documents
        self._text = bytearray()  # not yet given
        self._file_bytes = 0
        self._window_bytes = PART_BYTES
        self._metadata_bytes = 0
        self._inside = _Inside.NOTHING
        self._is_in_object = False  # the list is
        self._has_guesses = True
        self._effort = Effort()
        self._search: Search | None = None
        self._lists = 0
        self._has_events_key = False  # of something else than a list
        self._has_events = False  # since the last list began

    def pieces(self, form: EventForm[Entry]) -> Iterator[list[Entry]]:
        """The events of the file, piece by piece.

        Raises UnreadableTrace where there is no list of events, or more of anything than a trace has.
        """
        self._begin()
        while self._fill(1):
            events = None
            if self._inside is _Inside.LIST and self._search is None:
                events = self._bulk(form.whole)
                self._has_events = self._has_events or bool(events)
            if events is None:
                events = self._with_care(form)
            yield events
        yield from self._end(form)

    def _begin(self) -> None:
        while not self._text.strip():
            del self._text[:]
            if not self._take():
                raise UnreadableTrace("is empty; the recording was interrupted, so record it again")
        self._fill(_ARCHIVE_HEAD)
        if self._text.startswith(b"PK\x03\x04") or self._text[257:262] == b"ustar":
            raise UnreadableTrace("is an archive of files; unpack it and name the traces in it")

    def _take(self) -> bool:
        block = next(self._blocks, b"")
        self._text += block
        self._file_bytes += len(block)
        return bool(block)

    def _fill(self, size: int) -> bool:
        """Take blocks until there is as much text as this; false where the file ends before."""
        while len(self._text) < size:
            if not self._take():
                return False
        return True

    def _bulk(self, decoded: Callable[[bytes], Events | None]) -> Events | None:
        """The events of the next piece; None where it is damaged, or no event but the list's end follows."""
        if separators := _SEPARATORS.match(self._text):
            del self._text[: separators.end()]
        self._fill(BLOCK_BYTES)
        if self._has_guesses and (end := last_event_end(self._text)):
            events = decoded(bytes(memoryview(self._text)[:end]))
            if events is not None:
                del self._text[:end]
                return events
            self._has_guesses = False
        part = bytes(memoryview(self._text)[:PART_BYTES])
        end = values_end(part)
        # Behind it another one, or the list's end: an additional brace divides an event, whose other half this is not.
        events = decoded(part[:end]) if end and _BEHIND.match(part, end) else None
        if events is not None:
            del self._text[:end]
        return events

    def _with_care(self, form: EventForm[Entry]) -> list[Entry]:
        """The events of the next window: each value of it proven, what is damaged left out and counted."""
        is_last = not self._fill(self._window_bytes + 1)
        window = Window(bytes(memoryview(self._text)[: self._window_bytes]), is_last)
        events: list[Entry] = []
        at = 0
        while at < len(window) and not window.is_used_up:
            behind = self._step(window, at, form, events)
            if behind is None:
                break
            at = behind
        if at:
            del self._text[:at]
            self._window_bytes = PART_BYTES
        elif self._window_bytes < LARGEST_EVENT_BYTES:
            self._window_bytes *= 2
        else:
            size = f"{LARGEST_EVENT_BYTES >> 20} MB"
            raise UnreadableTrace(
                f"has an event or key of more than {size} of text, which no profiler writes; record again"
            )
        return events

    def _step(self, window: Window, at: int, form: EventForm[Entry], events: list[Entry]) -> int | None:
        """The position behind the next value or bracket; None where more text has to tell."""
        at = window.skip(at)
        if self._search is not None:
            return self._searched(window, at, self._search)
        match window.byte(at):
            case b"":
                return at
            case b"{":
                return self._object(window, at, form, events)
            case b"[":
                self._open_list(is_in_object=False)
                return _end(_OPENING, window, at)
            case b"]" | b"}":
                end = _end(_CLOSING, window, at)
                is_list = window.plain[at:end].rstrip(b" ,").endswith(b"]")
                self._inside = _Inside.DOCUMENT if is_list else _Inside.NOTHING
                return end
            case b'"' if self._inside is _Inside.DOCUMENT:
                return self._key(window, at)
        self._search = Search(self._effort)
        return at

    def _object(self, window: Window, at: int, form: EventForm[Entry], events: list[Entry]) -> int | None:
        is_in_list = self._inside is _Inside.LIST
        state, end = window.value(at)
        is_event = is_in_list or (state is ValueState.WHOLE and window.is_event(at, end))
        if window.is_document(at, end if state is ValueState.WHOLE else len(window), is_in_list) and not (
            is_event and not is_in_list
        ):
            self._inside = _Inside.DOCUMENT
            return at + 1
        is_unclear = is_in_list or window.has_sign(at) or len(window) - at < _CLEAR_PIECES * PART_BYTES
        if state is ValueState.CUT and not window.is_last and is_unclear:
            return None
        if not is_event:
            self._inside = _Inside.DOCUMENT
            return at + 1
        self._inside = _Inside.LIST
        self._lists = max(1, self._lists)
        # An additional brace may close an event before its last keys; what follows tells it.
        is_short = window.byte(end) not in _AROUND[not window.is_last :] and not window.is_event(at, end)
        if is_short and not window.byte(end):
            return None
        if state is ValueState.WHOLE and not is_short:
            self._add(window.text[at:end], form, events)
            return end
        starts = int(window.byte(at + 1) not in _AROUND or at + 1 == len(window))  # else a brace too many
        self._search = Search(self._effort, starts, is_cut=state is ValueState.CUT)
        self._search.broken_at(at, end)
        return at + 1

    def _add(self, text: bytes, form: EventForm[Entry], events: list[Entry]) -> None:
        """Adds an event, if need be mended."""
        event = form.event(text)
        if event is None:
            event = form.mended(json_text(text))
            self._tally.add(mended=int(event is not None), unreadable=int(event is None))
        if event is not None:
            events.append(event)
            self._has_events = True

    def _searched(self, window: Window, at: int, search: Search) -> int:
        end, is_found = search.advance(window, at, self._file_bytes)
        if is_found:
            self._end_search(search)
            self._inside = _Inside.LIST
        window.is_used_up = not is_found and end < len(window)
        return end

    def _end_search(self, search: Search) -> None:
        self._tally.add(unreadable=search.lost, cut_off=int(search.is_cut))
        if self._has_events:
            self._tally.add(joined=search.heads, mended=int(search.is_rest))
        self._lists = max(1, self._lists)
        self._has_guesses = True
        self._search = None

    def _open_list(self, is_in_object: bool) -> None:
        if self._inside is not _Inside.LIST:
            self._tally.add(joined=int(self._has_events))
            self._has_events = False
            self._is_in_object = is_in_object
            self._lists += 1
        self._inside = _Inside.LIST

    def _key(self, window: Window, at: int) -> int | None:
        """The position behind a key and its value, which goes into ``metadata`` unless it is the list."""
        key = window.key(at)
        if key is None and not window.is_last and len(window) - at < _LONGEST_KEY_BYTES:
            return None
        if key is None:
            self._search = Search(self._effort)
            return at
        name, start = key
        opening = window.plain[start : start + 1]
        if opening == b"[" and (name == _EVENTS or window.lists_events(start)):
            self._open_list(is_in_object=True)
            return start + 1
        state, end = window.value(start)
        if not window.is_last and (state is ValueState.CUT or end == len(window)):  # where a number may go on
            return None
        if name == _EVENTS or state is not ValueState.WHOLE:
            self._search = Search(self._effort)
            self._has_events_key = name == _EVENTS
            return start
        if opening == b"{" and window.is_event(start, end):
            self._open_list(is_in_object=True)
            return start
        self._keep(name, window.text[start:end])
        return end

    def _keep(self, name: str, value: bytes) -> None:
        self._metadata_bytes += len(value)
        if self._metadata_bytes > MOST_METADATA_BYTES:
            raise UnreadableTrace(
                f"has more than {MOST_METADATA_BYTES >> 20} MB of text beside its events, which no profiler writes; "
                "record it again"
            )
        if name not in self.metadata or self._lists < 2:  # of several traces the first one's
            self.metadata[name] = value.strip().decode("utf-8", "replace")

    def _end(self, form: EventForm[Entry]) -> Iterator[list[Entry]]:
        """Counts what the file's end cut off. Events of a small list inside of a key come last."""
        search = self._search
        if search is not None:
            for name, raw in search.tail.items():
                self._keep(name, bytes(raw))
            if self._lists or search.is_cut:
                self._end_search(search)
        elif self._inside is _Inside.LIST and self._is_in_object:
            self._tally.add(cut_off=1)
        if self._lists:
            return
        for value in tuple(self.metadata.values()) if self._depth < MOST_DEPTH else ():
            if f'"{_EVENTS}"' in value and '"ph"' in value:
                yield from TraceText(iter((value.encode(),)), self._tally, self._depth + 1).pieces(form)
                return
        raise UnreadableTrace(self._no_list(is_damaged=search is not None))

    def _no_list(self, is_damaged: bool) -> str:
        way_out = "name a file that export_chrome_trace has written"
        if self._has_events_key:
            return f'has no list in "{_EVENTS}"; {way_out}'
        if is_damaged or not self.metadata:
            return f"is no profiler trace; {way_out}"
        return f'has no "{_EVENTS}"; {way_out}'


def _end(pattern: re.Pattern[bytes], window: Window, at: int) -> int:
    match = pattern.match(window.plain, at)
    return match.end() if match else at + 1
