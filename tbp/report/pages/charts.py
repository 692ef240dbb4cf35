"""The page of all charts as data: the first ones, which it draws without a script, and how it is called.

Takes a ``Summary``, gives words and rows. All the others are drawn by pages/charts.js, of the same data/index.js that
the index has: nothing is shipped for this page but the page.
"""

from __future__ import annotations

from msgspec import Struct

from tbp.report.pages.index.page import Summary
from tbp.report.pages.index.rows import Row
from tbp.report.parts.sparkline import LEAST_SPAN
from tbp.wording import words

FIRST_DRAWN = 24
"""Charts in the page itself, the worst ones, 900 bytes each: what a wide screen shows before a reader scrolls."""


class ChartsPage(Struct, frozen=True):
    title: str
    summary: Summary
    first: tuple[Row, ...]  # empty without any series
    left_out: str  # a sentence for readers without a script
    least_span: str  # movement that fills a chart's height


def charts_page(summary: Summary) -> ChartsPage:
    """All series of ``summary``, in its order."""
    number, left = len(summary.rows), len(summary.rows) - FIRST_DRAWN
    need = f"{words.count(left, 'more series', 'more series')} {'needs' if left == 1 else 'need'} JavaScript here"
    return ChartsPage(
        title=f"{words.count(number, 'series', 'series')} at a glance",
        summary=summary,
        first=summary.rows[:FIRST_DRAWN],
        left_out=f"{need}; the page of each benchmark is linked from the summary." if left > 0 else "",
        least_span=f"{LEAST_SPAN * 100:g} %",
    )
