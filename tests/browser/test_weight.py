"""What keeps a benchmark's page light must lose nothing: data that comes later, and what is told once."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tbp.model.changes import State
from tbp.model.series import SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_single_file, write_site

from .conftest import commits, series
from .opening import DESKTOP, PHONE, opened, overflow, quiet_page, reload, violations, wait_until
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READY = "#chart[data-ready]"
DRAWN = (
    "[...new Set((document.getElementById('chart').data ?? [])"
    ".filter(one => one.name && one.x.length).map(one => one.name))]"
)
RUNS = 300


def heavy() -> ReportData:
    """Twelve series of which four moved at one commit and one at another; nothing was traced."""
    chance = random.Random(5)
    history = commits(chance, RUNS)
    found = []
    for place in range(12):
        shifts = {11: ((100, 1.3),)}.get(place, ((200, 1.2 + place / 10),) if place < 4 else ())
        key = SeriesKey("heavy.Suite.time_step", (("size", f"s{place}"),), "bench-1", "py3.13")
        state = State.REGRESSION if shifts else State.NO_CHANGE
        found.append(series(chance, history, key, 1e-3 * (place + 1), shifts, state=state, traced=False))
    return ReportData("heavy", tuple(found), commits=tuple(history))


@pytest.fixture(scope="module")
def heavy_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(heavy(), tmp_path_factory.mktemp("heavy"))


@contextmanager
def watched(browser: Any, path: Path, fragment: str = "") -> Iterator[tuple[Any, Callable[[], int]]]:
    """The page, and how often it asked for the data that comes later."""
    with opened(browser, path, fragment=fragment) as page:
        yield page, lambda: page.locator("script[data-source$='.more.js']").count()


@pytest.mark.parametrize("name", ["heavy", "index.html", "compare.html", "heatmap.html"])
def test_a_browser_that_cannot_unpack_says_so(browser, heavy_site, name: str) -> None:
    path = heavy_site.parent / name if name.endswith(".html") else benchmark_page(heavy_site, name)
    with quiet_page(browser) as page:
        page.add_init_script("delete window.DecompressionStream")
        page.goto(path.as_uri())
        page.wait_for_selector("#cannot-unpack")
        assert page.locator("#cannot-unpack").count() == 1
        assert "Firefox 113" in page.inner_text("#main")


def test_series_that_are_not_drawn_at_first_are_loaded_when_they_are_asked_for(browser, heavy_site) -> None:
    with watched(browser, benchmark_page(heavy_site, "heavy")) as (page, loads):
        page.wait_for_selector(READY)
        assert len(page.evaluate(DRAWN)) == 8
        assert page.inner_text("#drawn").startswith("8 of 12 series drawn")
        assert loads() == 0
        page.click("#drawn button")
        wait_until(page, f"{DRAWN}.length === 12")
        last = "document.getElementById('chart').data.filter(one => one.name === 'size=s10' && one.mode === 'markers')"
        assert page.evaluate(f"{last}[0].x.length") > 0.9 * RUNS
        assert loads() == 1
        reload(page, READY)
        wait_until(page, f"{DRAWN}.length === 12")


def test_a_choice_in_the_address_loads_what_it_needs(browser, heavy_site) -> None:
    path = benchmark_page(heavy_site, "heavy")
    with watched(browser, path, "#only.size=s10") as (page, loads):
        wait_until(page, f"{DRAWN}.join() === 'size=s10'")
        assert loads() == 1


def test_a_table_of_data_loads_what_it_needs(browser, heavy_site) -> None:
    with watched(browser, benchmark_page(heavy_site, "heavy")) as (page, loads):
        page.wait_for_selector(READY)
        page.locator("#quiet tr", has_text="size=s10").get_by_role("button").click()
        page.wait_for_selector("#quiet td table")
        assert page.locator("#quiet td table tbody tr").count() == RUNS
        assert loads() == 1


def test_that_the_data_is_missing_is_said(browser, tmp_path) -> None:
    site = write_site(heavy(), tmp_path)
    (later,) = site.parent.glob("data/*.more.js")
    later.unlink()
    page = browser.new_page()
    page.goto(benchmark_page(site, "heavy").as_uri())
    page.wait_for_selector(READY)
    page.click("#drawn button")
    wait_until(page, "document.getElementById('drawn').textContent.includes('is missing. Run tbp report again.')")
    page.close()


def test_in_a_report_of_one_file_nothing_is_missing(browser, tmp_path) -> None:
    with opened(browser, write_single_file(heavy(), tmp_path / "report.html")) as page:
        page.locator("main a[href^='#/benchmarks/heavy']").first.click()
        page.wait_for_selector(READY)
        page.click("#drawn button")
        wait_until(page, f"{DRAWN}.length === 12")
        page.locator("#quiet").get_by_role("button").last.click()
        page.wait_for_selector("#quiet td table")
        assert page.locator(".one svg.strip").count() == 10
        page.locator(".one .moved-block a", has_text="4 of 12 series moved").first.click()
        wait_until(page, "document.querySelector('[id^=c-]').getBoundingClientRect().top < 300")


def test_what_is_folded_is_on_paper(browser, heavy_site) -> None:
    with opened(browser, benchmark_page(heavy_site, "heavy"), ready=READY) as page:
        assert page.locator("details.one[open]").count() == 3
        closed = page.locator("details.one:not([open])").first
        assert "→" in closed.locator("summary .brief").inner_text()
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details.one:not([open])").count() == 0
        assert page.locator(".one svg.strip:visible").count() == 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_page_of_many_series_fits_and_axe_finds_nothing_wrong(browser, heavy_site, size, scheme) -> None:
    with opened(browser, benchmark_page(heavy_site, "heavy"), size, scheme, ready=READY) as page:
        page.locator("#quiet tbody").get_by_role("button").first.click()
        page.wait_for_selector("#quiet td table")
        assert overflow(page) <= 0
        assert violations(page) == []
