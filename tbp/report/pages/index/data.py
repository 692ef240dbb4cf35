"""The series of the index as data for scripts: what the filter looks at, and rows and cards as HTML.

Takes a ``Summary``, gives data files. The pages hold the worst series only, so that they stay small. All the others are
made by the same templates and lie in files of ``CHUNK`` series each, which ``base/chunks.js`` loads when a reader asks
for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tbp.report.base.render import DataFile, fragment_html, packed_call
from tbp.report.pages.index.page import Summary
from tbp.report.pages.index.rows import IndexRow
from tbp.report.parts.series_order import ROW_ORDER, Tile
from tbp.report.parts.shown_change import told_size
from tbp.wording import words

CHUNK = 200
"""Series in a file: four times what a page shows at once, and 25 kB of rows (130 bytes each on mujoco_warp)."""

CHUNKS = {"rows": "rows.html", "cards": "cards.html"}
"""The kinds of elements of series that lie in chunks, one for each view of them, each with its template."""

Value: TypeAlias = "str | int | float | Sequence[Value]"


def index_files(summary: Summary) -> Iterator[DataFile]:
    """The data of the index; and the list by which pages of benchmarks lead to each other."""
    yield DataFile("data/index.js", (packed_call("tbp.index", index_data(summary)),))
    yield DataFile("data/benchmarks.js", (("tbp.benchmarks", benchmark_list(summary)),))
    for kind, template in CHUNKS.items():
        yield from _chunks(kind, template, summary.rows)
    yield from _chunks("events", "events.html", summary.answer.cards)


def _chunks(kind: str, template: str, elements: Sequence[object]) -> Iterator[DataFile]:
    for number in range(0, len(elements), CHUNK):
        html = fragment_html(template, elements[number : number + CHUNK])
        chunk = {"kind": kind, "number": number // CHUNK, "html": html}
        yield DataFile(f"data/{kind}-{number // CHUNK}.js", (packed_call("tbp.chunk", chunk),))


def benchmark_list(summary: Summary) -> list[list[str]]:
    """Each benchmark, by suite and name: its name, its address from the site's folder, and the worst state of its
    series: the name and glyph of the state, and how many series are in it."""
    return [
        [words.visible(benchmark.name), benchmark.href, *_worst(benchmark.tiles)]
        for family in summary.families
        for benchmark in family.benchmarks
    ]


def _worst(tiles: Sequence[Tile]) -> tuple[str, str, str]:
    worst = min(tiles, key=lambda tile: ROW_ORDER.index(tile.state))
    return worst.state.name.lower(), worst.glyph, f"{worst.number:,} {worst.word}"


def index_data(summary: Summary) -> dict[str, Value]:
    """The input of ``static/pages/series.js``: the fields of each series, in the order of the rows, and the events.

    An event has its anchor, its time, and the places of its regressions and of its changed series.
    """
    events: list[Value] = [[card.anchor, card.moment, card.regressions, card.changed] for card in summary.answer.cards]
    return {"chunk": CHUNK, "rows": [_fields(row) for row in summary.rows], "events": events}


def _fields(row: IndexRow) -> list[Value]:
    texts = [row.benchmark, row.machine, row.environment, _text(row)]
    commit = [row.commit.hash, row.commit.date, row.commit.subject] if row.commit else []
    state, size = row.state.name.lower(), told_size(row.size)
    return [*map(words.visible, texts), row.rig, state, size, [*map(words.visible, commit)]]


def _text(row: IndexRow) -> str:
    """The words that a search finds a row by, beside those that it shares with other rows."""
    standing = (row.standing.leaving, row.standing.net) if row.standing else ()
    change = row.change if row.size else ""
    return " ".join(filter(None, (row.parameters, row.setup_name, change, *standing, *row.causes, row.remark)))
