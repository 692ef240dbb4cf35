"""The series of a benchmark in its page, and the rest of them in files of data that scripts open.

Takes the sections and rows of a page, gives those that the page holds, as HTML, and the data of the others. A page of
few series without traces holds everything; one of 1,632 series held 1.1 MB and 66,625 nodes, and took 3.5 s to open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from markupsafe import Markup
from msgspec import Struct

from tbp.report.base.render import DataFile, macro_html, packed_call
from tbp.report.pages.benchmark.series_section import SeriesSection
from tbp.report.parts import addresses
from tbp.wording import words

WHOLE_BYTES = 12_000
"""Evidence that a page holds whole, the worst series first: four series of 3 kB each on pages of MuJoCo Warp, whose
28 series have 6 kB before them and as much data, and stay below 40 kB. That of the first series is always there."""

SUMMARIES = 50
"""Sections in a page, and at a time in a list that a reader makes longer: two screens, 450 bytes each."""

ROWS = 50
"""Rows of series without a change, likewise: 250 bytes each."""

FILTERED = 12
"""Series from which on a filter stands above them: fewer are seen at once."""

PART_BYTES = 200_000
"""HTML in a file of data, from which on the next one begins: packed it is an eighth."""

Json: TypeAlias = "dict[str, object]"
Strips: TypeAlias = "list[list[tuple[int, ...]]]"  # of each change its sides, as numbers to draw


class SectionBody(Struct, frozen=True):
    """The input of the template of a section's evidence."""

    section: SeriesSection
    is_remark_told: bool  # the page tells the remark on the traces, as it is the same of all changes
    is_of_several: bool  # the page has other series
    is_abridged: bool = False  # without the tables that are folded


class ListedSection(Struct, frozen=True):
    """A section as the page has it."""

    section: SeriesSection
    body: Markup | None  # None: a script puts it in when a reader opens the section
    is_abridged: bool  # a script puts the tables in that are folded

    @property
    def is_open(self) -> bool:
        return self.section.unfolded and self.body is not None


class Listing(Struct, frozen=True):
    """The series of a page: those that it holds, and the others as data."""

    sections: tuple[ListedSection, ...]
    rows: tuple[SeriesSection, ...]
    is_filtered: bool
    left_out: str  # a sentence for readers without scripts; empty where the page holds everything
    payload: Json  # the input of static/pages/listing.js; empty where the page holds everything and has no filter
    files: tuple[DataFile, ...]

    @property
    def drawn(self) -> Strips:
        """The strips of the page's bodies, in the order of the page."""
        return [strips for listed in self.sections if listed.body is not None for strips in drawn_of(listed.section)]


def listing(
    benchmark: str,
    sections: Sequence[SeriesSection],
    rows: Sequence[SeriesSection],
    order: Sequence[int],
    is_remark_told: bool,
) -> Listing:
    """The ``sections`` and the ``rows`` below them; ``order`` has the place of each among the series of the chart."""
    several = len(sections) + len(rows)
    contents = [SectionBody(section, is_remark_told, several > 1) for section in sections]
    bodies = [macro_html("section.html", "body", content) for content in contents]
    listed = _listed(contents, bodies)
    number = len(listed)
    pieces: list[tuple[int, str, str, Strips]] = []  # number in the list, HTML of what is not in the page, its body
    for at, (section, body) in enumerate(zip(sections, bodies, strict=True)):
        if at >= number:
            head = macro_html("section.html", "section", ListedSection(section, None, False))
            pieces.append((at, head, body, drawn_of(section)))
        elif listed[at].body is None or listed[at].is_abridged:
            pieces.append((at, "", body, drawn_of(section)))
    for at, row in enumerate(rows[ROWS:], len(sections) + ROWS):
        pieces.append((at, macro_html("section.html", "row", row), "", []))
    is_filtered = several >= FILTERED
    part_of, files = _files(benchmark, pieces)
    payload: Json = {}
    if is_filtered or files:
        payload = {
            "order": list(order),
            "states": [section.state.name.lower() for section in (*sections, *rows)],
            "sections": len(sections),
            "step": [SUMMARIES, ROWS],
            "part": [part_of.get(at, -1) for at in range(several)],
            "file": addresses.part_file(benchmark, "*"),
        }
    left = several - number - len(rows[:ROWS])
    return Listing(listed, tuple(rows[:ROWS]), is_filtered, _left_out(listed, left), payload, files)


def drawn_of(section: SeriesSection) -> Strips:
    """The values beside each change of a section, as a script draws them."""
    return [[row.drawn for row in change.strips.rows] for change in section.changes if change.strips is not None]


def _listed(contents: Sequence[SectionBody], bodies: Sequence[Markup]) -> tuple[ListedSection, ...]:
    """The sections of the page: whole as long as there is room for them, then their summaries."""
    room = WHOLE_BYTES
    listed = []
    for at, (content, body) in enumerate(zip(contents[:SUMMARIES], bodies, strict=False)):
        room -= len(body.encode())
        if room >= 0:
            listed.append(ListedSection(content.section, body, False))
        elif at == 0:
            abridged = SectionBody(content.section, content.is_remark_told, content.is_of_several, is_abridged=True)
            listed.append(ListedSection(content.section, macro_html("section.html", "body", abridged), True))
        else:
            listed.append(ListedSection(content.section, None, False))
    return tuple(listed)


def _files(
    benchmark: str, pieces: Iterable[tuple[int, str, str, Strips]]
) -> tuple[dict[int, int], tuple[DataFile, ...]]:
    """The number of the file of each piece, by its number in the list, and the files."""
    part_of: dict[int, int] = {}
    parts: list[list[list[object]]] = []
    room = 0
    for at, html, body, strips in pieces:
        if room <= 0:
            parts.append([])
            room = PART_BYTES
        room -= len(html) + len(body)
        parts[-1].append([at, str(html), str(body), strips])
        part_of[at] = len(parts) - 1
    files = tuple(
        DataFile(addresses.part_file(benchmark, str(number)), (packed_call("tbp.part", [number, part]),))
        for number, part in enumerate(parts)
    )
    return part_of, files


def _left_out(listed: Sequence[ListedSection], left: int) -> str:
    folded = sum(each.body is None for each in listed)
    if not folded and not left:
        return ""
    parts = []
    if folded:
        parts.append(f"the evidence of {words.count(folded, 'series', 'series')}")
    if left:
        parts.append(f"{left:,} more series")
    text = " and ".join(parts)
    return f"{text[:1].upper()}{text[1:]} need JavaScript."
