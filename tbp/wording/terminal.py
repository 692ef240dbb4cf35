"""Text for a terminal, drawn by rich: paragraphs, and rows of numbers behind names.

What a trace or a project names is hostile: a character that acts instead of being seen is replaced, and nothing is
markup. A name that is too long loses its middle, because its namespace and its end both tell it from other names.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from tbp.wording.words import cut, one_line, shortened, visible

LEAST_WIDTH = 60  # numbers with an interval and their indent, or the numbers and two words of an operator
MOST_SENTENCE = 400  # characters of a sentence that a trace has a say in, which may be a whole traceback


def terminal_text(parts: Iterable[RenderableType], *, width: int, colour: bool = False) -> str:
    """``parts`` below each other in lines of at most ``width`` columns, ANSI colours only with ``colour``."""
    console = Console(
        file=io.StringIO(),
        width=max(width, LEAST_WIDTH),
        color_system="standard" if colour else None,
        force_terminal=colour,
        force_jupyter=False,
        no_color=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    with console.capture() as capture:
        console.print(Group(*map(_Seen, parts)))
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


class _Seen:
    """A part of which every character can be seen, whatever it is made of; only rich's own colours act."""

    def __init__(self, part: RenderableType) -> None:
        self._part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._part, options):
            yield Segment(visible(segment.text), segment.style) if segment.control is None else segment


class Paragraph:
    """A sentence or several, wrapped; ``first`` leads its first line and ``later`` indents all others."""

    def __init__(self, text: str, first: str = "", later: str | None = None, most: int = MOST_SENTENCE) -> None:
        self._text = Text(cut(one_line(text), most))
        self._first, self._later = first, first if later is None else later

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - max(len(self._first), len(self._later))
        for number, line in enumerate(self._text.wrap(console, room) if self._text else ()):
            yield Text(self._later if number else self._first) + line


class Name:
    """A name on one line, which loses its middle where it is too long."""

    def __init__(self, text: str, indent: int = 0) -> None:
        self._text, self._indent = one_line(text), indent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(" " * self._indent + _fitted(self._text, options.max_width - self._indent), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, max(1, self._indent + cell_len(self._text))).with_maximum(options.max_width)


class TextRows:
    """Names with their numbers in columns, and lines of the whole width between them.

    Where there's no room for both, names lose their middles; with ``is_split`` they stand on lines of their own, and
    where there's no room for the columns alone, each row's numbers follow each other.
    """

    def __init__(self, indent: int = 0, justify: Literal["left", "right"] = "right", is_split: bool = False) -> None:
        self._indent, self._justify, self._is_split = indent, justify, is_split
        self._entries: list[RenderableType | tuple[str, ...]] = []

    def add(self, name: str, *numbers: str) -> None:
        """Add a row; all rows have as many numbers. A row without any text takes no line."""
        if any((name, *numbers)):
            self._entries.append((one_line(name), *map(one_line, numbers)))

    def below(self, *lines: RenderableType) -> None:
        """Add lines below the last row."""
        self._entries += lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [entry for entry in self._entries if isinstance(entry, tuple)]
        is_apart = self._is_split and _width(rows) > options.max_width - self._indent
        indent = self._indent + 2 * (is_apart and any(name for name, *_ in rows))
        columns = [("", *numbers) for _, *numbers in rows if any(numbers)] if is_apart else rows
        is_narrow = is_apart and _width(columns) > options.max_width - indent
        lines = iter([] if is_narrow else self._lines(columns, indent, console, options))
        for entry in self._entries:
            if not isinstance(entry, tuple):
                yield entry
                continue
            name, *numbers = entry
            if is_apart and name:
                yield Name(name, self._indent)
            if is_narrow:
                yield Paragraph("; ".join(filter(None, numbers)), " " * indent)
            elif any(numbers) or not is_apart:
                yield from (*next(lines), Segment.line())

    def _lines(
        self, rows: Sequence[tuple[str, ...]], indent: int, console: Console, options: ConsoleOptions
    ) -> Iterator[list[Segment]]:
        """A line for each row; columns without any text take no room."""
        grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        columns: list[list[RenderableType]] = []
        for number, column in enumerate(zip(*rows, strict=True)):
            if any(column):
                grid.add_column(justify=self._justify if number else "left", no_wrap=number > 0)
                columns.append([Text(text) if number else Name(text) for text in column])
        for row in zip(*columns, strict=True):
            grid.add_row(*row)
        margin = Segment(" " * indent)
        for line in console.render_lines(grid, options.update(width=options.max_width - indent), pad=False):
            yield [margin, *line]


def _width(rows: Sequence[tuple[str, ...]]) -> int:
    """Columns of the terminal that ``rows`` take side by side; a column without any text takes none."""
    widths = [width for column in zip(*rows, strict=True) if (width := max(map(cell_len, column)))]
    return sum(widths) + 2 * (len(widths) - 1)


def _fitted(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns, of which some characters take two."""
    limits = range(min(len(text), width), 0, -1)
    return next((short for limit in limits if cell_len(short := shortened(text, limit)) <= width), "")
