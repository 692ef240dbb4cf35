"""A benchmark of hundreds of series: its page holds the first ones, and finds and opens the others."""

import random
from pathlib import Path

import pytest

from tbp.model.changes import State
from tbp.model.series import SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.parts.addresses import anchor, page_file
from tbp.report.site.build import write_single_file, write_site

from .conftest import commits, series
from .opening import DESKTOP, PHONE, opened, overflow, violations, wait_until, without_scripts
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READY = "#chart[data-ready]"
CHANGED, QUIET = 60, 70


def many() -> ReportData:
    chance = random.Random(3)
    history = commits(chance, 12)
    histories = []
    for place in range(CHANGED + QUIET):
        is_changed = place < CHANGED
        key = SeriesKey("many.Suite.time_step", (("size", f"v{place}"),), "bench-1", "py3.13")
        shifts = ((6, 2 - place / 100),) if is_changed else ()
        state = State.REGRESSION if is_changed else State.NO_CHANGE
        histories.append(series(chance, history, key, 1e-3, shifts, state=state, traced=place == 0))
    return ReportData("many", tuple(histories), commits=tuple(history))


@pytest.fixture(scope="module")
def many_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(many(), tmp_path_factory.mktemp("many"))


def anchor_of(place: int) -> str:
    return anchor(SeriesKey("many.Suite.time_step", (("size", f"v{place}"),), "bench-1", "py3.13"))


def test_the_filter_finds_series_that_the_page_does_not_hold(browser, many_site) -> None:
    with opened(browser, benchmark_page(many_site, "many"), ready=READY) as page:
        assert page.locator("#sections > .one").count() == 50
        assert page.locator("#quiet > tbody > tr").count() == 50
        page.fill("#series-filter input[type=search]", "v129")
        wait_until(page, "document.querySelectorAll('#quiet > tbody > tr').length === 1")
        assert page.inner_text("#series-shown") == "1 of 130 series"
        assert "q=v129" in page.url
        page.click("#every-series")
        wait_until(page, "document.querySelectorAll('#sections > .one').length === 50")
        page.click("#more-sections")
        wait_until(page, "document.querySelectorAll('#sections > .one').length === 60")
        page.locator("#series-filter button.only[value=no_change]").click()
        wait_until(page, "document.querySelectorAll('#sections > .one').length === 0")
        page.fill("#series-filter input[type=search]", "nothing has this name")
        wait_until(page, "!document.getElementById('nothing').hidden")


def test_evidence_is_put_in_when_a_series_is_opened(browser, many_site) -> None:
    with opened(browser, benchmark_page(many_site, "many"), ready=READY) as page:
        waiting = page.locator(".one:has(> [data-waits])").first
        handle = waiting.element_handle()
        handle.query_selector("summary").click()
        handle.wait_for_selector(".moved-block")
        assert handle.query_selector(".strip")
        assert handle.query_selector("[data-points]")
        assert handle.query_selector("button.copy")


def test_a_link_to_a_series_that_the_page_does_not_hold_opens_it(browser, many_site) -> None:
    moved = anchor_of(58)
    with opened(browser, benchmark_page(many_site, "many"), fragment=f"#{moved}") as page:
        page.wait_for_selector(f"#{moved}[open] .moved-block")
        wait_until(page, f"document.getElementById('{moved}').getBoundingClientRect().top < 300")


def test_without_scripts_the_first_series_are_read(browser, many_site) -> None:
    with without_scripts(browser, benchmark_page(many_site, "many")) as page:
        assert page.locator("#sections > .one").count() == 50
        assert page.locator(".moved-block:visible").count() >= 1
        assert "30 more series need JavaScript" in page.inner_text("main")
        assert not page.is_visible("#series-filter")


def test_a_report_of_one_file_has_every_series(browser, tmp_path) -> None:
    path = write_single_file(many(), tmp_path / "report.html")
    (name,) = {key.key.benchmark for key in many().histories}
    with opened(browser, path, fragment=f"#/{page_file(name)}#{anchor_of(58)}") as page:
        page.wait_for_selector(f"#{anchor_of(58)}[open] .moved-block")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_list_fits_and_axe_finds_nothing_wrong(browser, many_site, size, scheme) -> None:
    with opened(browser, benchmark_page(many_site, "many"), size, scheme, ready=READY) as page:
        page.locator(".one:has(> [data-waits]) summary").first.click()
        page.wait_for_selector("#sections > .one:nth-child(8)")
        assert overflow(page) <= 0
        assert violations(page) == []
