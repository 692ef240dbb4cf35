"""The charts of the index in a real browser: the same series as its rows, drawn when they are asked for."""

from pathlib import Path
from typing import Any

import pytest

from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_single_file, write_site

from .opening import DESKTOP, PHONE, assert_harmless, opened, overflow, reload, violations
from .test_index import eventful

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READY = "#charts[data-ready]"


@pytest.fixture(scope="module")
def data(plausible_data: ReportData) -> ReportData:
    return eventful(plausible_data)


@pytest.fixture(scope="module")
def index(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(data, tmp_path_factory.mktemp("charts"))


def names(page: Any, of: str = "#charts") -> list[str]:
    return [str(text) for text in page.locator(f"{of} .benchmark").all_text_contents()]


def test_charts_are_the_same_series_as_the_rows_and_made_when_they_are_asked_for(browser, index, data) -> None:
    with opened(browser, index, ready="#filter[data-ready]") as page:
        assert page.locator("#charts > li").count() == 0
        assert page.evaluate("'cards' in tbp.chunkSets") is False
        page.select_option("select[name=device]", "cuda")
        page.fill("input[name=size]", "20")
        page.uncheck("input[value=suspect]")
        found, rows = page.inner_text("#shown"), names(page, "#series")
        assert 0 < int(found.split()[0]) < 30
        page.check("input[value=charts]")
        page.wait_for_selector(READY)
        assert (names(page), page.inner_text("#shown")) == (rows, found)
        assert not page.locator("#series").is_visible()
        assert "a dashed line is suspect" in page.inner_text("#charts-legend")
        assert page.evaluate("location.hash") == "#hide=suspect&device=cuda&size=20&view=charts"
        reload(page, READY)
        assert names(page) == rows
        page.click("#all")
        assert page.inner_text("#shown") == "145 of 145 series"
        assert page.locator("#charts > li").count() == len(data.histories) == 145
        page.focus("input[value=charts]")
        page.keyboard.press("ArrowLeft")
        assert page.locator("#series").is_visible()
        assert not page.locator("#charts, #charts-legend").first.is_visible()
        assert page.evaluate("location.hash") == ""


def test_a_chart_has_its_value_state_and_change_points_and_goes_by_name_when_asked(browser, index) -> None:
    with opened(browser, index, fragment="#view=charts", ready=READY) as page:
        assert "+88 % slower" in page.inner_text("#charts li >> nth=0")
        card = page.locator("#charts li", has_text="sdpa, sequence_length=2048").first
        assert "▲ +12 % slower" in card.text_content()
        assert "ms" in card.locator(".newest-value").text_content()
        # Faster at first, slower later: one triangle points down, the next one up.
        marks = [mark.get_attribute("d") for mark in card.locator("path.moved").all()]
        assert [mark.endswith("h16l-8 14z") for mark in marks] == [True, False]
        page.evaluate("document.getElementById('more-filters').open = true")
        page.select_option("select[name=order]", "benchmark")
        page.fill("input[name=q]", "suite_0")
        assert names(page)[:3] == [f"suite_0.Layer{place}.time_forward" for place in (0, 6, 12)]
        page.fill("input[name=q]", "nothing like it")
        assert page.locator("#nothing").is_visible()


def test_the_keyboard_opens_the_series_of_a_chart_on_a_phone(browser, index) -> None:
    with opened(browser, index, PHONE, fragment="#q=peakmem gelu&view=charts", ready=READY) as page:
        assert overflow(page) <= 0
        page.focus("#charts a")
        page.keyboard.press("Enter")
        page.wait_for_selector("#chart[data-ready]")
        assert page.evaluate("document.getElementById(location.hash.slice(1)).open")


def test_paper_has_every_chart_that_is_on_the_screen(browser, index) -> None:
    with opened(browser, index, fragment="#view=charts", ready=READY) as page:
        assert violations(page) == []
        page.emulate_media(media="print")
        assert page.locator("#charts li").last.evaluate("one => getComputedStyle(one).contentVisibility") == "visible"
        assert page.locator("#charts > li").count() == 145
        assert not page.locator("input[name=q], .views").first.is_visible()
        assert overflow(page) <= 0


def test_more_charts_than_a_phone_can_hold_are_a_button_away(browser, data, tmp_path) -> None:
    one_file = write_single_file(data, tmp_path / "report.html")
    with opened(browser, one_file, PHONE) as page:
        # As with more than 300 series.
        page.evaluate("tbp.CHARTS = 100")
        page.check("input[value=charts]")
        page.wait_for_selector(READY)
        assert page.locator("#charts > li").count() == 100
        assert page.inner_text("#more") == "Show 45 more of 45"
        page.focus("#more")
        page.keyboard.press("Enter")
        assert page.locator("#charts > li").count() == 145
        assert page.evaluate("[...document.querySelectorAll('#charts a')].indexOf(document.activeElement)") == 100
        assert not page.locator("#more").is_visible()


def test_hostile_names_stay_texts_in_charts(browser, hostile_site) -> None:
    with opened(browser, hostile_site, DESKTOP, fragment="#view=charts", ready=READY) as page:
        assert "<script>" in page.text_content("#charts")
        assert_harmless(page)
