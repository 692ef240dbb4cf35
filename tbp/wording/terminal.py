"""Lines of text for a terminal, none wider than asked.

What a trace says is hostile: what acts instead of being seen is replaced, and a name that is too long loses its
middle, because its namespace and its end both tell it from others.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tbp.wording import words
from tbp.wording.words import one_line, shortened

MOST_SENTENCE = 400  # characters of one that a trace has a say in


def aligned(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Names to the left, cut to what the numbers to their right leave."""
    plain = [(one_line(name), *numbers) for name, *numbers in rows]
    widths = [max(map(len, column)) for column in zip(*plain, strict=True)]
    widths[0] = min(widths[0], width - sum(widths[1:]) - 2 * len(widths[1:]))
    lines = []
    for name, *numbers in plain:
        cells = [f"{number:>{size}}" for number, size in zip(numbers, widths[1:], strict=True)]
        lines.append("  ".join([f"{shortened(name, widths[0]):<{widths[0]}}", *cells]))
    return lines


def wrapped(text: str, width: int, first: str = "", later: str | None = None) -> list[str]:
    """One paragraph, its first line and its later ones indented."""
    text = words.cut(one_line(text), MOST_SENTENCE)
    rest = first if later is None else later
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
