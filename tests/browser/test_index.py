"""The index and the report of one file in a real browser: filters, addresses, rows that a script makes."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.history.acknowledged import seen
from tbp.model.changes import Change, ChangeEvidence, State
from tbp.model.series import SeriesKey
from tbp.project.acknowledgements import Ack
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.page import MOST_ROWS
from tbp.report.site.build import write_single_file, write_site

from .opening import (
    DESKTOP,
    PHONE,
    assert_harmless,
    opened,
    overflow,
    reload,
    unfold,
    violations,
    wait_until,
    without_scripts,
)  # fmt: skip

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHUNKS_OF_ROWS = """async () => {
  const body = document.querySelector("#series tbody");
  const rows = tbp.chunked("rows", [], () => {});
  await new Promise((done) => rows.whenThere([...tbp.series.keys()], done));
  body.replaceChildren(...[...tbp.series.keys()].map(rows.at));
}"""
"""Shows all rows that lie in files of their own, in place of the page's."""

READY = "#filter[data-ready]"
LOOKS = [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]


def eventful(plausible: ReportData) -> ReportData:
    """The plausible series and 120 more: each state, intervals, ranges, two devices, acknowledgements."""
    chance = random.Random(5)
    steady = next(one for one in plausible.histories if one.state is State.NO_CHANGE)
    more = []
    for place in range(120):
        device = ("cpu", "cuda")[place % 2]
        key = SeriesKey(f"suite_{place % 6}.Layer{place}.time_forward", (("device", device),), "bench-3", "py3.13")
        changes: tuple[ChangeEvidence, ...] = ()
        if place < 40:
            size = chance.uniform(0.01, 0.9)
            level = steady.points[0].value
            change = Change(
                100, level, level * (1 + size), 0.001, place % 4 != 3, low=size - 0.005, high=size + 0.005,
                doubt="not sure enough among the 144 series of this report" if place % 4 == 3 else "",
            )  # fmt: skip
            changes = (ChangeEvidence(change, None, "no trace of the commit before"),)
        points = steady.points[:99] + steady.points[100:] if place % 8 == 0 else steady.points
        more.append(replace(steady, key=key, changes=changes, points=points))
    acks = (
        Ack("suite_0.Layer0.*", more[0].points[100].commit.hash[:10], "exact softmax is worth it"),
        Ack("suite_1.Layer1.*", more[1].points[100].commit.hash[:10], "until the release", date(2026, 4, 1)),
    )
    silent = [replace(one, state=State.STALE, points=one.points[:60]) for one in plausible.histories[-6:-5]]
    silent = [replace(one, key=replace(one.key, machine="bench-9"), changes=()) for one in silent]
    shown = seen([*plausible.histories, *more, *silent], acks, date(2026, 4, 17))
    return replace(plausible, histories=shown, acks=acks)


@pytest.fixture(scope="module")
def data(plausible_data: ReportData) -> ReportData:
    return eventful(plausible_data)


@pytest.fixture(scope="module")
def site(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(data, tmp_path_factory.mktemp("eventful"))


@pytest.fixture(scope="module")
def one_file(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_single_file(data, tmp_path_factory.mktemp("single") / "report.html")


def shown(page: Any) -> str:
    return str(page.inner_text("#shown"))


@pytest.mark.parametrize(("size", "most"), [(DESKTOP, 320), (PHONE, 844 - 60)])
def test_where_nothing_stands_the_first_series_is_on_the_first_screen(browser, data, tmp_path, size, most) -> None:
    calm = [one for one in data.histories if one.state not in (State.REGRESSION, State.CHANGED)]
    with opened(browser, write_site(replace(data, histories=tuple(calm)), tmp_path), size, ready=READY) as page:
        assert page.locator("#series tbody tr").first.bounding_box()["y"] <= most
        assert not page.locator("#windows-row").is_visible()
        page.click("#more-filters summary")
        assert page.locator("select[name=device], #size-note").first.is_visible()
        assert overflow(page) <= 0
        assert violations(page) == []


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_index_fits_and_has_no_barrier(browser, site, size, scheme) -> None:
    with opened(browser, site, size=size, scheme=scheme, ready=READY) as page:
        unfold(page)
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 20, 24)"
        assert dark == (scheme == "dark")
        page.uncheck("input[value=regression]")
        assert overflow(page) <= 0
        assert violations(page) == []


def test_a_page_shows_the_worst_rows_and_more_are_a_button_away(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        rows = page.locator("#series tbody tr")
        assert (rows.count(), shown(page)) == (MOST_ROWS, "145 of 145 series")
        assert page.inner_text("#more") == "Show 50 more of 95"
        page.focus("#more")
        page.keyboard.press("Enter")
        assert rows.count() == 100
        assert page.evaluate("[...document.querySelectorAll('#series tbody a')].indexOf(document.activeElement)") >= 50
        page.click("#more")
        assert rows.count() == 145
        assert not page.locator("#more").is_visible()


def test_one_state_alone_is_a_key_away_and_in_the_address(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        only = page.locator("button.only[value=suspect]")
        only.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#only=suspect"
        assert only.get_attribute("aria-pressed") == "true"
        before = shown(page)
        assert 0 < int(before.split()[0]) < 20
        assert page.locator("#series tbody tr:not(.more-of):not(.suspect)").count() == 0
        reload(page, READY)
        assert shown(page) == before
        assert not page.is_checked("input[value=regression]")
        only.click()
        assert (shown(page), page.evaluate("location.hash")) == ("145 of 145 series", "")


def test_series_that_one_commit_moved_are_one_row_until_asked_for(browser, data, tmp_path) -> None:
    one = next(own for own in data.histories if own.state is State.REGRESSION)
    alike = [
        replace(one, key=replace(one.key, parameters=(("length", str(2**place)),), environment=f"py3.{place}"))
        for place in range(8, 12)
    ]
    site = write_site(replace(data, histories=(*alike, *data.histories[-6:])), tmp_path)
    with opened(browser, site, fragment="#only=regression", ready=READY) as page:
        rows = page.locator("#series tbody tr:not(.more-of)")
        fold = page.locator(".more-of button")
        assert (rows.count(), shown(page)) == (1, "4 of 10 series")
        assert (
            fold.inner_text()
            == f"Show 3 more series of {one.key.benchmark} at {one.points[one.changes[-1].change.index].commit.short}"
        )
        assert violations(page) == []
        fold.focus()
        page.keyboard.press("Enter")
        assert rows.count() == 4
        assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
        page.keyboard.press("Enter")
        assert rows.count() == 1
    with without_scripts(browser, site) as page:
        assert page.locator("tr.more-of").inner_text().startswith("and 3 more series of ")


def test_the_newest_change_comes_first_when_asked(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        page.select_option("select[name=order]", "newest")
        dates = page.locator("#series tbody .when").all_inner_texts()
        assert dates == sorted(dates, reverse=True)
        assert len(set(dates)) > 1
        assert "order=newest" in page.url
        page.locator("#series tbody .when").first.click()
        page.wait_for_selector("#changes")
        anchor = page.evaluate("location.hash").removeprefix("#")
        assert page.locator(f"li#{anchor} .when").inner_text() == dates[0]


def test_how_old_the_newest_result_is_comes_from_the_readers_clock(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        ages = page.evaluate(
            """() => ["2026-05-01 12:00 UTC", "2026-05-11 23:00 UTC", "2026-05-12 11:59 UTC", "2027-01-01 00:00 UTC",
              ""].map((text) => tbp.age(text, Date.UTC(2026, 4, 12, 12)))"""
        )
        assert ages == ["11 days ago", "today", "today", "", ""]
        assert "Results up to" in page.inner_text("footer")


def test_filters_narrow_and_the_address_keeps_them(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        page.select_option("select[name=device]", "cuda")
        page.fill("input[name=size]", "10")
        assert page.inner_text("#size-said") == "at least 10 %"
        found = shown(page)
        assert 0 < int(found.split()[0]) < 40
        page.uncheck("input[value=suspect]")
        assert int(shown(page).split()[0]) < int(found.split()[0])
        page.select_option("select[name=suite]", "suite_1")
        page.fill("input[name=q]", "LAYER1")
        kept = page.evaluate("location.hash")
        assert kept == "#hide=suspect&q=LAYER1&suite=suite_1&device=cuda&size=10"
        before = [row.text_content() for row in page.locator("#series tbody tr").all()]
        reload(page, READY)
        assert [row.text_content() for row in page.locator("#series tbody tr").all()] == before
        assert page.input_value("select[name=device]") == "cuda"
        assert not page.is_checked("input[value=suspect]")
        page.fill("input[name=q]", "nothing like it")
        assert page.locator("#nothing").is_visible()
        page.click("#all")
        assert shown(page) == "145 of 145 series"
        assert page.evaluate("location.hash") == ""
        assert not page.locator("#all").is_visible()


def test_a_link_opens_the_index_filtered_and_an_old_one_does_no_harm(browser, site) -> None:
    fragment = "#machine=bench-3&order=benchmark&suite=gone&hide=nonsense&size=x"
    with opened(browser, site, fragment=fragment, ready=READY) as page:
        assert shown(page) == "120 of 145 series"
        assert page.inner_text("#series tbody tr.group >> nth=0") == "suite_0.Layer0.time_forward · 1"
        assert page.input_value("select[name=suite]") == ""


def test_the_address_can_be_changed_by_hand(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        page.evaluate("location.hash = 'q=layer77'")
        wait_until(page, "document.getElementById('shown').textContent.startsWith('1 of')")
        assert page.input_value("input[name=q]") == "layer77"
        page.go_back()
        wait_until(page, "document.getElementById('shown').textContent.startsWith('145 of')")


def test_the_keyboard_filters(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        page.focus("input[value=no_change]")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        assert int(shown(page).split()[0]) < 145
        assert page.locator("#series tbody tr.no_change").count() == 0
        assert "hide=no_change" in page.url


def test_what_is_accepted_suspect_and_silent_is_said(browser, site) -> None:
    with opened(browser, site, fragment="#q=layer0.", ready=READY) as page:
        row = page.locator("#series tbody tr.acknowledged")
        assert "acknowledged: exact softmax is worth it" in row.inner_text()
        assert "99 % CI" in row.inner_text()
        assert "bench-9 (virtualenv-py3.13-torch2.13) is stale: nothing since 2026-03-24 12:15 UTC" in page.inner_text(
            "#last-runs summary"
        )
        page.fill("input[name=q]", "layer1.")
        assert "acknowledgement expired on 2026-04-01" in page.inner_text("#series tbody tr")


def test_without_scripts_the_worst_rows_and_every_benchmark_are_there(browser, site, one_file) -> None:
    with without_scripts(browser, one_file) as page:
        assert page.locator("#series tbody tr").count() == MOST_ROWS
    with without_scripts(browser, site) as page:
        assert page.locator("#series tbody tr").count() == MOST_ROWS
        assert page.locator("#rest").inner_text().startswith("95 more series are on the pages of their benchmarks")
        assert page.locator(".family li a").count() == 126
        assert not page.locator("select").first.is_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_hostile_names_stay_texts_in_rows_that_a_script_makes(browser, hostile_site, size) -> None:
    with opened(browser, hostile_site, size=size, ready=READY) as page:
        page.evaluate(CHUNKS_OF_ROWS)
        assert_harmless(page)


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_one_file_is_the_whole_site(browser, one_file, size, scheme) -> None:
    with opened(browser, one_file, size=size, scheme=scheme) as page:
        assert violations(page) == []
        page.locator("#series tbody a", has_text="attention").first.click()
        page.wait_for_selector("#chart[data-ready]")
        assert page.locator("#chart .scatterlayer .point").count() > 100
        assert page.title() == "attention.Quick.torchtime_step · transformer-parts"
        anchor = page.evaluate("tbp.fragment()")
        assert page.evaluate("(anchor) => document.getElementById(anchor).open", anchor)
        assert overflow(page) <= 0


def test_one_file_goes_back_and_forth_and_can_be_linked_into(browser, one_file) -> None:
    with opened(browser, one_file, fragment="#device=cuda&q=layer7.", ready=READY) as page:
        assert shown(page) == "1 of 145 series"
        reload(page, READY)
        assert shown(page) == "1 of 145 series"
        page.click("#all")
        page.locator("#series tbody a", has_text="attention").first.click()
        page.wait_for_selector("#chart[data-ready]")
        deep = page.url
        page.click("header .entry >> nth=0")
        page.wait_for_selector("#series")
        assert page.get_attribute("header .entry >> nth=0", "aria-current") == "page"
        page.go_back()
        page.wait_for_selector("#chart[data-ready]")
        assert page.get_attribute("header .entry >> nth=0", "aria-current") is None
        page.go_back()
        page.wait_for_selector("#series")
        page.goto("about:blank")
        page.goto(deep)
        page.wait_for_selector("#chart[data-ready]")
        page.set_viewport_size({"width": 800, "height": 600})
        page.locator(".skip").focus()
        page.keyboard.press("Enter")
        assert page.url == deep
        assert page.evaluate("document.activeElement.id") == "main"


def test_one_file_of_hostile_names_runs_nothing(browser, hostile_data, tmp_path) -> None:
    with opened(browser, write_single_file(hostile_data, tmp_path / "report.html")) as page:
        page.locator("#series tbody a").first.click()
        page.wait_for_selector("#chart[data-ready]")
        assert page.locator("main img, main b, [onerror], [onload]").count() == 0
        assert page.title() != "owned"
