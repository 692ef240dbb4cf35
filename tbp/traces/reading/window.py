"""A piece of text that may be damaged → the JSON values in it, each proven to be whole, cut off, or broken.

Takes bytes and positions in them, gives positions. Which values to look at is left to ``document`` and ``search``.

A value is proven by decoding it: the decoder tells where it ends, or at which byte it stops being JSON. That tells
damage from layout. However a whole event is laid out and whatever it holds, it decodes to its end; a missing or
additional bracket, quote or colon is met within a token or two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

import msgspec

from tbp.traces.reading.phases import is_event

_VALUE = msgspec.json.Decoder(msgspec.Raw)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_AT = re.compile(r"\(byte (\d+)\)")

# A control character is bad only in a string, and hides no end. So do escapes, once each is a letter.
_CONTROL_AS_SPACE = bytes(range(256)).translate(bytes.maketrans(bytes(range(32)), b" " * 32))
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_WORD = re.compile(rb"[-+]?(?:N/A|nan|inf(?:inity)?)(?:\([a-z]+\))?(?!\w)", re.IGNORECASE)
_CUT_WORD = re.compile(rb"[-+]?[A-Za-z/]{0,8}\Z")

_BETWEEN = re.compile(rb"(?:[\s,]|\xef\xbb\xbf)*")  # with the mark of UTF-8, that each of several files begins with
_KEY = re.compile(rb'"([^"]*)"\s*:\s*')
_START = re.compile(rb'\{\s*"')
_EVENTS_KEY = re.compile(rb'"traceEvents"\s*:\s*\[')
_LIST_OF_DOCUMENT = re.compile(rb'"traceEvents"\s*:\s*\[\s*\Z')
_SIGN = re.compile(rb'"ph"')

# Events looked at in a list of which it is asked whether it is an argument of a damaged event.
MOST_NESTED = 64


class ValueState(Enum):
    """The states of a value."""

    WHOLE = "ends in the text"
    CUT = "goes on behind the text"
    BROKEN = "is no JSON"


def _position(error: msgspec.DecodeError) -> int:
    position = _AT.search(str(error))
    return int(position[1]) if position else 0


def _overshoot() -> int:
    """How far behind the end of a value its decoder says that something follows."""
    try:
        _VALUE.decode(b"1,")
    except msgspec.DecodeError as error:
        return _position(error) - 1
    raise AssertionError("two values decode as one")


_OVERSHOOT = _overshoot()


class Window:
    """A piece of the text of a file; positions count in it."""

    def __init__(self, text: bytes, is_last: bool) -> None:
        self.text = text
        self.is_last = is_last  # nothing follows
        self.is_used_up = False  # as far as it goes without the text that follows
        plain = text.translate(_CONTROL_AS_SPACE)
        self.plain = bytearray(_ESCAPED.sub(b"__", plain) if b"\\" in plain else plain)
        self._view = memoryview(self.plain)
        self._next: dict[re.Pattern[bytes], int] = {}

    def __len__(self) -> int:
        return len(self.text)

    def skip(self, at: int) -> int:
        """The position of the first byte from ``at`` on that is neither space nor comma."""
        between = _BETWEEN.match(self.plain, at)
        return between.end() if between else at

    def byte(self, at: int) -> bytes:
        """The first byte from ``at`` on that is neither space nor comma; empty at the end of the text."""
        at = self.skip(at)
        return self.text[at : at + 1]

    def value(self, at: int) -> tuple[ValueState, int]:
        """The state of the value that begins ``at``, and where it ends, or is found to be broken."""
        while True:
            try:
                _VALUE.decode(self._view[at:])
                return ValueState.WHOLE, len(self)
            except msgspec.DecodeError as error:
                message, position = str(error), at + _position(error)
            if "truncated" in message:
                return ValueState.CUT, len(self)
            if "trailing characters" in message:
                return ValueState.WHOLE, at + len(bytes(self._view[at : position - _OVERSHOOT]).rstrip())
            if not self._without_word(position):
                return (ValueState.CUT if _CUT_WORD.match(self.plain, position) else ValueState.BROKEN), position

    def _without_word(self, position: int) -> bool:
        """True where a word that JSON does not have stood around ``position``: a number stands there now."""
        word = _WORD.match(self.plain, position - 1) or _WORD.match(self.plain, position)
        if word is None:
            return False
        self._view[word.start() : word.end()] = b"1".ljust(word.end() - word.start())
        return True

    def is_event(self, start: int, end: int) -> bool:
        """True where the value between these positions is an event with all that its phase needs."""
        return is_event(self._view[start:end])

    def are_halves(self, start: int, middle: int, end: int) -> bool:
        """True where a brace too many divides one event ``middle``: of two events each has all the usual keys."""
        try:
            first = _OBJECT.decode(bytes(self._view[start:middle]).rstrip(b" ,") + b"}")
            return first.keys().isdisjoint(_OBJECT.decode(self._view[middle:end]))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False

    def is_document(self, start: int, end: int, is_in_list: bool) -> bool:
        """True for an object, between these positions or broken, that holds a list of events instead of being one."""
        key = self._first(_EVENTS_KEY, start)
        sign = self._first(_SIGN, start)
        return key < end and (key < sign or not is_in_list)

    def has_sign(self, start: int) -> bool:
        """True where a key of an event follows ``start``."""
        return self._first(_SIGN, start) < len(self)

    def _first(self, pattern: re.Pattern[bytes], start: int) -> int:
        """The first position of a pattern from ``start`` on, or the text's end; looked for once."""
        if self._next.get(pattern, -1) < start:
            match = pattern.search(self.plain, start)
            self._next[pattern] = match.start() if match else len(self)
        return self._next[pattern]

    def key(self, at: int) -> tuple[str, int] | None:
        """The key of an object ``at`` a quote, and where its value begins."""
        key = _KEY.match(self.plain, at)
        if key is None:
            return None
        try:
            name = _TEXT.decode(self.text[key.start(1) - 1 : key.end(1) + 1])
        except (msgspec.DecodeError, UnicodeDecodeError):
            name = self.text[key.start(1) : key.end(1)].decode("utf-8", "replace")
        return name, key.end()

    def lists_events(self, at: int) -> bool:
        """True where a list begins ``at``, and with an event."""
        start = self.skip(at + 1)
        if self.plain[at : at + 1] != b"[" or self.plain[start : start + 1] != b"{":
            return False
        state, end = self.value(start)
        return state is ValueState.WHOLE and self.is_event(start, end)

    def starts(self, at: int) -> Iterator[int]:
        """The positions at which objects may begin in a list, by their looks. The value of a key begins at none."""
        for start in _START.finditer(self.plain, at):
            before = self.plain[max(0, start.start() - 64) : start.start()].rstrip()
            if not before.endswith(b":"):
                yield start.start()

    def nested_end(self, start: int) -> int:
        """The end of the list that the event at ``start`` is in, if that is an argument of another event; else 0.

        Behind such a list the event goes on with keys or ends, and another event or list follows. As much may follow
        the list of a document, which its key tells.
        """
        if _LIST_OF_DOCUMENT.search(self.plain, max(0, start - 64), start):
            return 0
        at = start
        for _ in range(MOST_NESTED):
            state, end = self.value(at)
            at = self.skip(end)
            if state is not ValueState.WHOLE or self.plain[at : at + 1] != b"{":
                break
        is_closed = state is ValueState.WHOLE and self.plain[at : at + 1] == b"]"
        return at + 1 if is_closed and self._goes_on(at + 1) else 0

    def _goes_on(self, at: int) -> bool:
        """True where the object around a list that ends ``at`` is followed by more of another list or object."""
        at = self._skip_space(at)
        if self.plain[at : at + 1] == b",":
            key_at = self.skip(at)
            if self.plain[key_at : key_at + 1] != b'"':
                return False
            tail = Window(b'{"":0' + self.text[at:], self.is_last)
            state, end = tail.value(0)
            if state is not ValueState.WHOLE:
                return False
            at += end - len(b'{"":0')
        elif self.plain[at : at + 1] == b"}":
            at += 1
        else:
            return self.plain[at : at + 1] == b"]"
        at = self._skip_space(at)
        return bytes(self.plain[at : at + 1]) in (b",", b"}", b"]")

    def _skip_space(self, at: int) -> int:
        while self.plain[at : at + 1].isspace():
            at += 1
        return at
