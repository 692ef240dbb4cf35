"""From one benchmark's page to another, in a real browser."""

import pytest

from tbp.report.site.build import write_single_file

from .opening import DESKTOP, PHONE, opened, overflow, violations
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_another_benchmark_is_found_by_its_name(browser, plausible_site, size, scheme) -> None:
    with opened(browser, benchmark_page(plausible_site), size, scheme, ready="#chart[data-ready]") as page:
        page.fill("#jump input", "step track")
        matches = page.locator("#jump-matches a")
        assert matches.all_inner_texts() == ["train_step.Nightly.track_tokens_per_second\n✖ 2 regressions"]
        assert violations(page, "document.querySelector('.crumbs')") == []
        assert overflow(page) <= 0
        box = page.locator("#jump-matches").bounding_box()
        assert box["x"] >= 0
        page.keyboard.press("Escape")
        assert page.locator("#jump-matches").is_hidden()
        page.fill("#jump input", "nightly")
        assert matches.count() == 3
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector("#chart[data-ready]")
        assert page.inner_text("h1") == "feed_forward.Nightly.torchtime_step"
        page.fill("#jump input", "no such thing")
        assert "No benchmark has that" in page.inner_text("#jump-matches")


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
        page.click("text=Its events")
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
        page.fill("#jump input", "attention")
        page.click("#jump-matches a")
        page.wait_for_selector("#chart[data-ready]")
        assert page.inner_text("h1").startswith("attention")
