"""All benchmarks as a list that every benchmark's page has: to go to the next one, or to any other by its name.

Takes a ``Summary``, gives plain JSON values for data/benchmarks.js. It is one file for the site: were it in the pages,
a new benchmark would change all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tbp.report.pages.index.page import Summary
from tbp.report.parts.series_order import ROW_ORDER, Tile
from tbp.wording import words


def benchmark_list(summary: Summary) -> list[list[str]]:
    """Of each benchmark, by suite and name: name, address from the site's folder, and the
    worst state of its series: its name, its glyph, and how many are in it."""
    return [
        [words.visible(one.name), one.href, *_worst(one.tiles)]
        for family in summary.families
        for one in family.benchmarks
    ]


def _worst(tiles: Sequence[Tile]) -> tuple[str, str, str]:
    worst = min(tiles, key=lambda tile: ROW_ORDER.index(tile.state))
    return worst.state.name.lower(), worst.glyph, f"{worst.number:,} {worst.word}"
