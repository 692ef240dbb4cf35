"""From one benchmark's page to another, in a real browser."""

import pytest

from tbp.report.site.build import write_single_file

from .opening import opened
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_previous_and_next_walk_the_benchmarks_in_order(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site)) as page:
        page.wait_for_selector("#jump a[rel=next]")  # the list of benchmarks arrives after the page
        seen = [page.inner_text("h1")]
        assert page.locator("#jump a[rel=prev]").count() == 0
        while page.locator("#jump a[rel=next]").count():
            with page.expect_navigation():
                page.click("#jump a[rel=next]")
            page.wait_for_selector("#chart[data-ready]")
            page.wait_for_selector("#jump a[rel=prev]")
            seen.append(page.inner_text("h1"))
        assert len(seen) == len(list(plausible_site.parent.glob("benchmarks/*.html")))
        assert seen == sorted(seen)
        with page.expect_navigation():
            page.click("#jump a[rel=prev]")
        assert page.inner_text("h1") == seen[-2]


def test_the_page_leads_to_its_changes_and_past_its_chart(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), ready="#chart[data-ready]") as page:
        page.focus(".past")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "findings"
        page.click("text=Events of this benchmark")
        page.wait_for_selector("#changes")
        shown = page.locator("#changes > li:visible")
        assert 0 < shown.count() < page.locator("#changes > li").count()
        assert all("attention" in text for text in shown.all_inner_texts())


def test_a_report_of_one_file_can_be_walked_too(browser, plausible_data, tmp_path) -> None:
    with opened(browser, write_single_file(plausible_data, tmp_path / "report.html")) as page:
        page.locator("main a[href^='#/benchmarks/attention']").first.click()
        page.click("#jump a[rel=next]")
        page.wait_for_selector("#chart[data-ready]")
        assert page.inner_text("h1").startswith("compressed_inference")
