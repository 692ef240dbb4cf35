"""Text behind damage → the next event, and how many events were passed on the way.

Takes windows of the text, gives a position. An event is found by its looks and proven by decoding it: it has to be
whole, have the keys that its phase needs, and not be in a list that is an argument of the damaged event.
"""

from __future__ import annotations

import re

import msgspec

from tbp.errors import UnreadableTrace
from tbp.traces.reading.window import ValueState, Window

# A value that begins behind damage and is longer is taken for damaged, too. The longest events seen are 60 kB.
LONGEST_BYTES = 1 << 20

# Text behind an event that tells whether its list is an argument of another one.
AHEAD_BYTES = 1 << 12

# Text that may be decoded in search of events, for each byte of the file. A few bytes show that an event does not begin
# at a place of real damage; only a text that is made for it takes more.
MOST_DECODED = 32
DECODED_FROM_BYTES = 64 << 20
_DEEP_BYTES = 1 << 13  # decoded before the nesting is too deep

_DOCUMENT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BROKEN_START = re.compile(rb'\{\s*"\w+"\s*:')
_PAIR = re.compile(rb'"\s*:')
_SIGN = re.compile(rb'"ph"\s*:')
_INNERMOST = re.compile(rb"\{[^{}]*\}")
_LIST_KEY = re.compile(rb'"traceEvents"\s*:')
_TAIL = re.compile(rb'(?:\A|\])\s*,?\s*(?=")')  # behind which the last keys of a document may stand
MOST_TAILS = 100  # tried, from the last one backwards
_OPEN_END = re.compile(rb"\{\s{0,64}\Z")


class Effort:
    """The text that was decoded in search of events, over a whole file."""

    def __init__(self) -> None:
        self.decoded_bytes = 0

    def add(self, size_bytes: int, file_bytes: int) -> None:
        """Raises UnreadableTrace where it is more than damage of any kind takes."""
        self.decoded_bytes += size_bytes
        if self.decoded_bytes > DECODED_FROM_BYTES + MOST_DECODED * file_bytes:
            raise UnreadableTrace(
                f"is damaged all over: over {MOST_DECODED} × its size was looked at in search of whole events; "
                "copy or record it again"
            )


class Search:
    """The search for one event. ``starts`` is 1 where a broken one is passed first."""

    def __init__(self, effort: Effort, starts: int = 0, is_cut: bool = False) -> None:
        self.heads = 0  # documents whose heads were passed
        self.tail: dict[str, msgspec.Raw] = {}  # the last keys of the file, where the search came to its end
        self.is_cut = is_cut  # the last start is of an event that the file's end cuts off
        self._effort = effort
        self._starts = starts  # of broken events
        self._has_sign = False
        self._has_pairs = False
        self._counted_from = 0
        self._first: int | None = None

    @property
    def lost(self) -> int:
        """The events that were passed; text with the key that every event has is at least one."""
        return max(self._starts, int(self._has_sign), int(self.is_cut)) - self.is_cut

    @property
    def is_rest(self) -> bool:
        """True where the passed text is the end of the event before it, which was read without these keys."""
        return self._has_pairs and not (self._starts or self._has_sign or self.heads)

    def broken_at(self, start: int, position: int) -> None:
        """Note the first event, and where it was found to be broken: what begins before is part of it."""
        self._first, self._counted_from = start, position

    def advance(self, window: Window, at: int, file_bytes: int) -> tuple[int, bool]:
        """The position of an event from ``at`` on, and True; or how far was searched in vain."""
        behind = at
        for start in window.starts(at):
            if start < behind:
                continue
            state, end = self._value(window, start, file_bytes)
            if state is ValueState.CUT and not window.is_last and (start or len(window) < LONGEST_BYTES):
                self._pass(window, at, start)
                return start, False
            if state is ValueState.WHOLE and window.is_event(start, end):
                is_unclear = not window.is_last and len(window) - end < AHEAD_BYTES
                if is_unclear and (start or len(window) < LONGEST_BYTES):
                    self._pass(window, at, start)
                    return start, False
                behind = window.nested_end(start)
                if not behind:
                    if start == self._counted_from and self._first is not None:
                        self._starts -= window.are_halves(self._first, start, end)
                    self._pass(window, at, start)
                    return start, True
            elif state is ValueState.WHOLE and not window.is_document(start, end, is_in_list=True):
                behind = end
            elif (
                state is not ValueState.WHOLE
                and start >= self._counted_from
                and _BROKEN_START.match(window.plain, start)
            ):
                self._counted_from = end
                self._starts += not window.is_document(start, end, is_in_list=True)
                self.is_cut = state is ValueState.CUT
        return self._to_the_end(window, at), False

    def _value(self, window: Window, start: int, file_bytes: int) -> tuple[ValueState, int]:
        try:
            state, end = window.value(start)
        except RecursionError:
            state, end = ValueState.BROKEN, start + _DEEP_BYTES
        self._effort.add(end - start, file_bytes)
        return state, end

    def _to_the_end(self, window: Window, at: int) -> int:
        if window.is_last:
            tails = list(_TAIL.finditer(window.text, at))[-MOST_TAILS:]
            for tail in reversed(tails):
                keys = _keys(window.text[tail.end() :])
                if keys is not None:
                    self.tail = keys
                    self._pass(window, at, tail.end())
                    return len(window)
        opened = None if window.is_last else _OPEN_END.search(window.plain, at)
        end = opened.start() if opened else len(window)
        self._pass(window, at, end)
        return end

    def _pass(self, window: Window, start: int, end: int) -> None:
        text = window.text[start:end]
        self._first, self._counted_from = None, max(0, self._counted_from - end)
        self._has_pairs = self._has_pairs or _PAIR.search(text) is not None
        self._has_sign = self._has_sign or _SIGN.search(_INNERMOST.sub(b"", text)) is not None
        self.heads += len(_LIST_KEY.findall(text))


def _keys(text: bytes) -> dict[str, msgspec.Raw] | None:
    """The last keys of a document, whose brace may be missing; None where they are something else."""
    text = text.rstrip(b"\0 \t\r\n")
    for whole in (b"{" + text, b"{" + text + b"}"):
        try:
            keys = _DOCUMENT.decode(whole)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        return None if "ph" in keys else keys
    return None
