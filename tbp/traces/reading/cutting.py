"""Text of a list of values, block by block → where each value of the list begins and ends.

Takes any bytes, gives positions, and never fails: JSON that may be broken is cut here and nowhere else. What the
values mean is left to ``events``, mending them to ``repair``.

A bracket counts where an even number of quotes stands before it, escaped ones left out; the running sum of opening
(+1) and closing (-1) brackets is the depth. That is a few numpy passes over the bytes, so the cost is linear in the
text whatever its layout, the order of its keys, or what its strings hold: 0.25–0.45 CPU s for 100 MB. Between blocks
only the depth and whether a string is open are passed on, so nothing is looked at twice, however long a value is. A
closing bracket that nothing opened is damage and leaves the depth at 0, so that the next value is told apart again.
"""

from __future__ import annotations

import re

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

_QUOTE = ord('"')
_OPENING, _CLOSING = b"{}"
_FOLD = 0x20  # the bit that turns [ and ] into { and }; a quote has it

# Text to look at in one go. The arrays of this much stay in the cache: of 2 MB it took 1.1–2 × as long.
PART_BYTES = 1 << 18

# Behind the bracket of the whole list stands the object's last one, or its next key; behind another one an event.
_LIST_END = re.compile(rb'\][ \t\r\n]*(?:,\s*"|\}?\s*\Z)')
LIST_END_BYTES = 64  # of text behind a bracket that tell which one it is; kineto writes a few


class OuterBrackets(Struct, frozen=True, eq=False):
    """Positions of the brackets around values of a list; a value may begin in one part of the text, end in another."""

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]  # behind the bracket
    strays: NDArray[np.intp]  # closing brackets that nothing opened; that of the list is one

    def list_end(self, text: bytes | bytearray) -> int | None:
        """Position of the bracket that closes the list, if it is here; ``text`` is the text that was cut."""
        return next((at for at in self.strays.tolist() if _LIST_END.match(text, at)), None)


class Cutter:
    """Follows the brackets of a text that grows. ``position`` is how far; lower it where the text loses its front."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self.depth = 0
        self.is_in_string = False

    def advance(self, text: bytes | bytearray, end: int) -> OuterBrackets:
        """The outer brackets between ``position`` and ``end``, which becomes the new position.

        One byte less where that byte is a backslash: what it escapes may still be to come.
        """
        part = bytes(memoryview(text)[self.position : end])
        if (len(part) - len(part.rstrip(b"\\"))) % 2:
            part = part[:-1]
        if b"\\" in part:
            part = part.replace(rb"\\", b"__").replace(rb"\"", b"__")
        characters = np.frombuffer(part, dtype=np.uint8)
        folded = characters | _FOLD
        marks = np.flatnonzero((folded == _OPENING) | (folded == _CLOSING) | (characters == _QUOTE))
        kinds = folded[marks]
        is_quote = kinds == _QUOTE
        quotes = np.cumsum(is_quote, dtype=np.uint8)  # wraps, which leaves odd odd
        is_structure = ~is_quote & (quotes % 2 == self.is_in_string)
        steps = np.where(kinds[is_structure] == _OPENING, 1, -1)
        sums = self.depth + np.cumsum(steps)
        lowest = np.minimum.accumulate(np.minimum(sums, 0))
        depths = sums - lowest
        is_stray = np.diff(lowest, prepend=0) < 0
        brackets = marks[is_structure] + self.position
        self.position += len(part)
        if len(depths):
            self.depth = int(depths[-1])
        if len(quotes):
            self.is_in_string ^= bool(quotes[-1] % 2)
        return OuterBrackets(
            starts=brackets[(depths == 1) & (steps == 1)],
            ends=brackets[(depths == 0) & ~is_stray] + 1,
            strays=brackets[is_stray],
        )


class CutText(Struct, frozen=True):
    """A text cut into its values."""

    spans: list[tuple[int, int]]  # of whole objects and lists; what stands between them is left out
    strays: int  # closing brackets that nothing opened
    open_from: int | None  # where a value begins that does not end in the text
    list_end: int | None  # position of the bracket that closes the list; nothing behind it was cut


def cut(text: bytes) -> CutText:
    """The values of a list in a text that begins between two of them."""
    brackets = Cutter().advance(text, len(text))
    list_end = brackets.list_end(text)
    last = len(text) if list_end is None else list_end
    starts = brackets.starts[brackets.starts < last].tolist()
    ends = brackets.ends[brackets.ends <= last].tolist()
    return CutText(
        spans=list(zip(starts, ends, strict=False)),
        strays=int((brackets.strays < last).sum()),
        open_from=starts[-1] if len(starts) > len(ends) else None,
        list_end=list_end,
    )
