"""Pages on paper, as Chromium prints them: light, whole, and without what only a screen can use."""

from typing import Any

import pytest

from .opening import DESKTOP, opened
from .test_index import data, eventful, site  # noqa: F401
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

A4 = (718, 1010)
"""Pixels of a sheet between margins of a centimetre."""


def show_on(page: Any, media: str, size: tuple[int, int]) -> None:
    """The page on a ``screen``, or in ``print`` as the browser's dialog shows it."""
    page.emulate_media(media=media)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    # No string for playwright to wait on: the page's policy forbids it to evaluate one.
    look = (
        f"const look = () => (tbp.isPaper === {str(media == 'print').lower()} ? done() : requestAnimationFrame(look))"
    )
    page.evaluate(f"new Promise((done) => {{ {look}; look(); }})")


def print_out(page: Any) -> None:
    show_on(page, "print", A4)


def colour(page: Any, selector: str, of: str = "color") -> str:
    return str(page.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{of}"))


def test_a_chart_fits_the_sheet_and_is_light_when_the_screen_is_dark(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), (1900, 1000), "dark", ready="#chart[data-ready]") as page:
        title = "#chart .ytitle"
        assert colour(page, title, "fill") == "rgb(229, 234, 239)"
        folded = page.locator("details.one:not([open])").count()
        assert folded
        print_out(page)
        assert page.locator("#chart svg.main-svg").first.bounding_box()["width"] == 700
        assert colour(page, title, "fill") == "rgb(23, 32, 42)"
        assert colour(page, "body", "backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("details.one:not([open])").count() == 0
        for selector in ("main button", "#span", "#choose", "header .entry", "details.data"):
            assert page.locator(f"{selector}:visible").count() == 0
        show_on(page, "screen", (1900, 1000))
        assert page.locator("details.one:not([open])").count() == folded
        assert colour(page, title, "fill") == "rgb(229, 234, 239)"
        assert page.locator("#chart svg.main-svg").first.bounding_box()["width"] > 1000


def test_the_index_is_a_table_of_all_rows_on_paper(browser, site) -> None:  # noqa: F811
    with opened(browser, site, DESKTOP, "dark", ready="#filter[data-ready]") as page:
        assert page.locator("#series tbody tr").count() == 50
        print_out(page)
        assert page.locator("#series tbody tr").count() == 145
        assert colour(page, "#series tbody td", "display") == "table-cell"
        assert page.evaluate("document.documentElement.scrollWidth") <= A4[0]
        assert page.locator("#last-runs table").is_visible()
        assert page.inner_text("#shown") == "145 of 145 series"
        assert page.locator("input:visible, select:visible, button:visible").count() == 0
        show_on(page, "screen", DESKTOP)
        assert page.locator("#series tbody tr").count() == 50
        assert not page.locator("#last-runs table").is_visible()


def test_a_printed_file_is_made_in_the_same_way(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), DESKTOP, "dark", ready="#chart[data-ready]") as page:
        page.evaluate("document.addEventListener('tbp-paper', () => { (window.seen ||= []).push(tbp.isPaper); })")
        assert page.pdf(format="A4")[:4] == b"%PDF"
        assert page.evaluate("seen") == [True, False]


def test_the_heatmap_is_coloured_and_whole_on_paper(browser, plausible_site) -> None:
    path = plausible_site.parent / "heatmap.html"
    with opened(browser, path, (800, 600), "dark", fragment="#rows=all&n=120", ready="#heat[data-ready]") as page:
        show_on(page, "print", (A4[1], A4[0]))
        assert page.locator("#heat thead th").count() == 51
        assert page.inner_text("#heat-title").endswith("at the 50 newest commits.")
        table = page.locator("#heat").bounding_box()
        assert table["x"] + table["width"] <= A4[1]
        assert colour(page, "#heat .turn.w", "printColorAdjust") == "exact"
        assert colour(page, "#heat .turn.w", "backgroundColor") == "rgb(179, 38, 30)"
        # The names are where they were made, whatever the table was scrolled to.
        assert page.locator("#heat tbody tr:last-child th").bounding_box()["x"] == table["x"] + 1
        assert page.locator("#heat-data table").is_visible()
        assert page.locator("input:visible, select:visible, button:visible:not(.group button)").count() == 0
