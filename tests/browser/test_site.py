"""The pages in a real browser, opened from the disk as a reader opens them."""

from pathlib import Path

import pytest

from .opening import DESKTOP, PHONE, assert_harmless, opened, unfold

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def benchmark_page(site: Path, name: str = "attention") -> Path:
    return next(iter(sorted(site.parent.glob(f"benchmarks/{name}*.html"))))


def test_a_row_leads_to_its_series_unfolded(browser, plausible_site) -> None:
    with opened(browser, plausible_site) as page:
        page.locator("#series tbody tr.no_change a").first.click()
        page.wait_for_selector("#chart[data-ready]")
        assert page.evaluate("document.getElementById(location.hash.slice(1)).open")


def test_the_keyboard_reaches_the_colours_and_they_last(browser, plausible_site) -> None:
    with opened(browser, plausible_site) as page:
        page.focus("#theme")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        page.reload()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 24)"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_hostile_names_make_no_element_and_no_handler(browser, hostile_site, size) -> None:
    for path in (hostile_site, next(hostile_site.parent.glob("benchmarks/*.html"))):
        with opened(browser, path, size) as page:
            if path != hostile_site:
                page.wait_for_selector("#chart[data-ready]")
                labels = page.locator("#chart .annotation-text").all_text_contents()
                assert any("4%{x}<b>" in label for label in labels)
                assert any("v1<script>" in label for label in labels)
                unfold(page)
                page.wait_for_selector("details[data-points] td")
                page.locator("#chart .scatterlayer .point").first.hover(force=True)
                hover = page.locator("#chart .hoverlayer .hovertext").first
                hover.wait_for(state="attached")
                assert "%{x}<b>" in hover.text_content()
            assert_harmless(page)
