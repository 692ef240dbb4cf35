"""The page of all charts in a real browser: what is drawn, what the filter leaves, what a click opens."""

from pathlib import Path
from typing import Any

import pytest

from tbp.report.base.report_data import ReportData
from tbp.report.pages.charts import FIRST_DRAWN
from tbp.report.site.build import write_site

from .opening import PHONE, opened, overflow, reload, without_scripts
from .test_index import eventful

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def data(plausible_data: ReportData) -> ReportData:
    return eventful(plausible_data)


@pytest.fixture(scope="module")
def charts(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(data, tmp_path_factory.mktemp("charts")).parent / "charts.html"


def names(page: Any) -> list[str]:
    return [str(text) for text in page.locator("#charts .benchmark").all_text_contents()]


def test_every_series_has_a_chart_with_its_value_state_and_change_points(browser, charts, data) -> None:
    with opened(browser, charts, ready="#charts[data-ready]") as page:
        assert page.locator("#charts > li").count() == len(data.histories) == 145
        card = page.locator("#charts li", has_text="sdpa, sequence_length=2048").first
        assert "▲ +12 % slower" in card.inner_text()
        assert "ms" in card.locator(".newest-value").inner_text()
        # Faster at first, slower later: one triangle points down, the next one up.
        marks = [mark.get_attribute("d") for mark in card.locator("path.moved").all()]
        assert [mark.endswith("h16l-8 14z") for mark in marks] == [True, False]


def test_the_script_draws_what_the_page_had_drawn(browser, charts) -> None:
    with opened(browser, charts) as page, without_scripts(browser, charts) as plain:
        said = """list => [...list.children].slice(0, COUNT).map((item) => [
          item.innerText, item.querySelector("a").href,
          [...item.querySelectorAll("svg *")].map((one) => [
            one.localName, one.getAttribute("class"), one.getAttribute("class") === "moved" && one.getAttribute("d"),
            one.getAttribute("cx")])])"""
        said = said.replace("COUNT", str(FIRST_DRAWN))
        written = plain.locator("#charts").evaluate(said)
        page.wait_for_selector("#charts[data-ready]")
        assert page.locator("#charts").evaluate(said) == written
        assert len(written) == FIRST_DRAWN
        assert "121 more series need JavaScript" in plain.inner_text("#rest")


def test_the_filter_is_that_of_the_index_and_the_address_keeps_it(browser, charts) -> None:
    with opened(browser, charts) as page:
        page.select_option("select[name=device]", "cuda")
        page.fill("input[name=size]", "20")
        page.uncheck("input[value=suspect]")
        found = page.inner_text("#shown")
        assert 0 < int(found.split()[0]) < 30
        assert page.evaluate("location.hash") == "#hide=suspect&device=cuda&size=20"
        shown = names(page)
        reload(page, "#charts[data-ready]")
        assert names(page) == shown
        page.goto(charts.with_name("index.html").as_uri() + "#hide=suspect&device=cuda&size=20")
        assert page.inner_text("#shown") == found
        assert page.locator("#series .benchmark").all_text_contents() == shown


def test_charts_go_by_the_size_of_the_change_or_by_name(browser, charts) -> None:
    with opened(browser, charts, ready="#charts[data-ready]") as page:
        assert "+88 % slower" in page.inner_text("#charts li >> nth=0")
        page.select_option("select[name=order]", "benchmark")
        assert names(page)[0].startswith("attention.")
        page.fill("input[name=q]", "suite_0")
        assert names(page)[:3] == [f"suite_0.Layer{place}.time_forward" for place in (0, 6, 12)]
        page.fill("input[name=q]", "nothing like it")
        assert page.locator("#nothing").is_visible()
        page.click("#all")
        assert page.inner_text("#shown") == "145 of 145 series"


def test_the_keyboard_opens_the_series_of_a_chart(browser, charts) -> None:
    with opened(browser, charts, PHONE, fragment="#q=peakmem gelu", ready="#charts[data-ready]") as page:
        page.focus("#charts a")
        page.keyboard.press("Enter")
        page.wait_for_selector("#chart[data-ready]")
        assert page.evaluate("document.getElementById(location.hash.slice(1)).open")


def test_paper_has_every_chart_that_is_on_the_screen(browser, charts) -> None:
    with opened(browser, charts, ready="#charts[data-ready]") as page:
        page.emulate_media(media="print")
        assert page.locator("#charts li").last.evaluate("one => getComputedStyle(one).contentVisibility") == "visible"
        assert not page.locator("input[name=q]").is_visible()
        assert overflow(page) <= 0


def test_more_charts_than_a_phone_can_hold_are_a_button_away(browser, charts) -> None:
    with opened(browser, charts, PHONE) as page:
        # As with more than 300 series.
        page.add_init_script("addEventListener('DOMContentLoaded', () => { tbp.CHARTS = 100; }, { capture: true })")
        reload(page, "#charts[data-ready]")
        assert page.locator("#charts > li").count() == 100
        assert page.inner_text("#more") == "Show 45 more of 45"
        page.focus("#more")
        page.keyboard.press("Enter")
        assert page.locator("#charts > li").count() == 145
        assert page.evaluate("[...document.querySelectorAll('#charts a')].indexOf(document.activeElement)") == 100
        assert not page.locator("#more").is_visible()
