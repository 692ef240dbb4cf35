"""A benchmark's page in a real browser: what a reader may choose of its chart, and that the address keeps it."""

import math
import random
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.model.series import Outcome, Point, SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_single_file, write_site

from .conftest import commits, series
from .opening import DESKTOP, PHONE, opened, overflow, reload, unfold, violations, wait_until, without_scripts
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READY = "#chart[data-ready]"
NAMES = "[...new Set(document.getElementById('chart').data.map(one => one.name).filter(Boolean))].sort()"
RANGE = "document.getElementById('chart').layout.xaxis.range.map(end => Math.round(end * 10) / 10)"


@pytest.fixture(scope="module")
def heavy_late_site(tmp_path_factory) -> Path:
    """A series that has a value on the newest ten of a hundred commits, and failed on those before."""
    chance = random.Random(3)
    history = commits(chance, 100)
    key = SeriesKey("late.Suite.time_step", (), "bench-1", "py3.13")
    made = series(chance, history, key, 2e-3, traced=False)
    failed = tuple(replace(point, outcome=Outcome.FAILED, value=math.nan) for point in made.points[:90])
    measured = tuple(Point(point.commit, Outcome.MEASURED, 2e-3) for point in made.points[90:])
    late = replace(made, points=(*failed, *measured))
    return write_site(ReportData("late", (late,), commits=tuple(history)), tmp_path_factory.mktemp("late"))


def drawn(page: Any) -> list[str]:
    """Names of the series in the chart."""
    names: list[str] = page.evaluate(NAMES)
    return names


def test_series_are_chosen_by_dimension_and_the_address_keeps_them(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), ready=READY) as page:
        assert len(drawn(page)) == 8
        assert page.inner_text("#drawn").startswith("8 of 12 series drawn, the worst first")
        page.click("#drawn button")
        wait_until(page, f"{NAMES}.length === 12")
        for value in ("64", "256", "2048"):
            page.locator("#choose fieldset", has_text="sequence_length").get_by_label(value, exact=True).uncheck()
        expected = [f"variant={variant}, sequence_length=1024" for variant in ("math", "sdpa", "sdpa_causal")]
        wait_until(page, f"{NAMES}.length === 3")
        assert drawn(page) == expected
        page.locator("#legend").get_by_label("variant=math, sequence_length=1024").uncheck()
        wait_until(page, f"{NAMES}.length === 2")
        reload(page, READY)
        assert drawn(page) == expected[1:]
        assert page.locator("#choose input:checked").count() == 4
        page.locator("#choose fieldset", has_text="sequence_length").get_by_role("button", name="all").click()
        wait_until(page, f"{NAMES}.length === 11")


def test_the_scale_is_chosen_and_the_address_keeps_it(browser, plausible_site) -> None:
    axis = "document.getElementById('chart').layout.yaxis"
    with opened(browser, benchmark_page(plausible_site), ready=READY) as page:
        assert page.input_value("#scale") == "relative"
        assert page.evaluate(f"{axis}.ticksuffix") == " %"
        page.select_option("#scale", "log")
        wait_until(page, f"{axis}.type === 'log'")
        reload(page, READY)
        assert (page.input_value("#scale"), page.evaluate(f"{axis}.type")) == ("log", "log")


def test_a_brush_zooms_the_address_keeps_it_and_a_button_or_a_double_click_ends_it(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), ready=READY) as page:
        assert not page.is_visible("#whole")
        box = page.locator("#chart .nsewdrag").first.bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] * 0.5, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=5)
        page.mouse.up()
        page.wait_for_selector("#whole:visible")
        assert "from=" in page.evaluate("location.hash")
        low, high = page.evaluate(RANGE)
        assert 55 < low < 65
        assert 85 < high < 95
        reload(page, READY)
        again = page.evaluate(RANGE)
        assert abs(again[0] - low) <= 1
        assert abs(again[1] - high) <= 1
        assert page.input_value("#span") == "own"
        page.focus("#whole")
        page.keyboard.press("Enter")
        wait_until(page, f"{RANGE}[0] === -0.7")
        assert page.evaluate("location.hash") in ("", "#")
        page.select_option("#span", "30")
        wait_until(page, f"{RANGE}[0] === 89.5")
        page.mouse.dblclick(box["x"] + box["width"] * 0.3, middle)
        wait_until(page, f"{RANGE}[0] === -0.7")


def test_any_two_commits_can_be_read_against_each_other(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), ready=READY) as page:
        page.click("#cursors summary")
        first, second = page.locator("#cursors select").all()
        # The step of +39 % is at the ninetieth commit.
        first.select_option("70")
        assert "Choose two commits" in page.inner_text("#cursors p")
        second.select_option("100")
        row = page.locator("#cursors li", has_text="variant=sdpa, sequence_length=1024").inner_text()
        assert re.search(
            r"5\.\d+ ms → 7\.\d+ ms, ▲ \+\d+ % slower, beyond noise; by noise alone two runs of the series", row
        )
        assert "confirmed between them: ▲ +39 % slower" in row
        assert "two runs of the series differ by up to 10 %" in row
        quiet = page.locator("#cursors li", has_text="variant=math, sequence_length=1024").inner_text()
        assert "within noise" in quiet
        assert "confirmed" not in quiet
        assert page.locator("#cursors li").count() == 8
        labels = page.locator("#chart .annotation-text").all_text_contents()
        assert {"A", "B"} <= set(labels)
        said = page.inner_text("#cursors ul")
        reload(page, READY)
        assert page.inner_text("#cursors ul") == said
        page.get_by_role("button", name="Swap").click()
        assert "faster, beyond noise" in page.inner_text("#cursors ul")
        assert violations(page) == []
        page.get_by_role("button", name="Remove both").click()
        assert page.evaluate("location.hash") in ("", "#")
        assert page.locator("#cursors li").count() == 0
        assert page.evaluate("document.activeElement.localName") == "select"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_two_commits_are_chosen_on_the_chart_and_no_commit_is_opened_by_it(browser, plausible_site, size) -> None:
    with opened(browser, benchmark_page(plausible_site), size, ready=READY) as page:
        page.click("#cursors summary")
        page.get_by_role("button", name="Choose on the chart").click()
        page.locator("#chart").scroll_into_view_if_needed()
        for part, name in ((0.25, "B"), (0.9, "")):
            box = page.locator("#chart .nsewdrag").first.bounding_box()
            page.mouse.click(box["x"] + box["width"] * part, box["y"] + box["height"] / 2)
            if name:
                page.get_by_role("button", name=f"Click on the chart for {name}").wait_for()
        page.wait_for_selector("#cursors li")
        chosen = [int(select.input_value()) for select in page.locator("#cursors select").all()]
        assert 27 <= chosen[0] <= 32
        assert 105 <= chosen[1] <= 109
        assert len(page.context.pages) == 1
        assert page.get_by_role("button", name="Choose on the chart").get_attribute("aria-pressed") == "false"
        assert overflow(page) <= 0


def test_a_drag_chooses_commits_and_the_height_follows(browser, plausible_site) -> None:
    heights = "document.getElementById('chart').layout.yaxis.range"
    with opened(browser, benchmark_page(plausible_site, "feed-forward-Nightly-peakmem"), ready=READY) as page:
        before = page.evaluate(heights)
        box = page.locator("#chart .nsewdrag").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.45)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.55, steps=5)
        page.mouse.up()
        page.wait_for_selector("#whole:visible")
        assert "low=" not in page.evaluate("location.hash")
        low, high = page.evaluate(heights)
        # The step of +25 % is beyond what was chosen: the height is that of the calm part.
        assert high - low < 0.8 * (before[1] - before[0])
        assert page.locator(".plotly-notifier .notifier-note").count() == 0


def test_commits_lie_by_their_dates_when_that_is_chosen(browser, plausible_site) -> None:
    axis = "document.getElementById('chart').layout.xaxis"
    with opened(browser, benchmark_page(plausible_site), ready=READY) as page:
        assert page.evaluate(f"{axis}.ticktext[0]") == "a6a3a450<br>2026-03-02"
        page.select_option("#axis", "date")
        wait_until(page, f"{axis}.title.text === 'date, UTC'")
        assert "axis=date" in page.evaluate("location.hash")
        assert "2026-03-16" in page.evaluate(f"{axis}.ticktext")
        reload(page, READY)
        assert page.input_value("#axis") == "date"
        # A gap in time is one in the chart, and both ways lead to the same commit.
        said = page.evaluate(
            """() => {
              const letters = { ...tbp.commitList, date: [0, 10, 20, 1000] };
              const kept = tbp.commitList;
              tbp.commitList = letters;
              const axis = tbp.axis({ places: [0, 1, 2, 3] }, () => true);
              const found = [0, 1, 1.5, 2, 3].map((x) => [axis.to(x), axis.from(axis.to(x))]);
              tbp.commitList = kept;
              return found;
            }"""
        )
        assert [round(position, 3) for position, _ in said] == [0, 0.03, 0.045, 0.06, 3]
        assert [round(back, 6) for _, back in said] == [0, 1, 1.5, 2, 3]


def test_the_chart_starts_where_its_series_do_and_says_what_is_better(browser, heavy_late_site) -> None:
    with opened(browser, benchmark_page(heavy_late_site, "late"), ready=READY) as page:
        assert page.evaluate(RANGE) == [89.3, 99.7]
        title = "document.getElementById('chart').layout.yaxis.title.text"
        assert page.evaluate(title) == "time per call in ms, lower is better"


def test_a_link_to_a_series_and_a_choice_opens_both(browser, plausible_site) -> None:
    path = benchmark_page(plausible_site)
    with opened(browser, path, ready=READY) as page:
        anchor = page.locator("details.one:not([open])").first.get_attribute("id")
        page.goto(f"{path.as_uri()}#{anchor}&only.variant=sdpa&nonsense=1&from=zzz&low=x")
        reload(page, READY)
        assert page.evaluate(f"document.getElementById('{anchor}').open")
        assert all(name.startswith("variant=sdpa,") for name in drawn(page))
        assert page.evaluate(RANGE)[0] == -0.7


def test_tags_are_marked_and_changes_have_their_lines(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), ready=READY) as page:
        labels = page.locator("#chart .annotation-text").all_text_contents()
        assert {"v0.9", "v1.0"} <= set(labels)
        places = "document.getElementById('chart').layout.shapes.map(shape => shape.x0)"
        assert {40, 94.5, 89.5} <= set(page.evaluate(places))


def test_a_point_tells_its_commit_and_a_click_opens_it(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site, "feed-forward-Nightly-torchtime"), ready=READY) as page:
        page.context.route("https://example.org/**", lambda route: route.fulfill(body="a commit"))
        page.locator("#chart .scatterlayer .point").nth(5).hover(force=True)
        hover = page.locator("#chart .hoverlayer .hovertext").first
        hover.wait_for(state="attached")
        said = hover.text_content()
        assert "UTC" in said
        assert "quartiles" in said
        with page.expect_popup() as opening:
            page.locator("#chart .scatterlayer .point").nth(5).click(force=True)
        assert opening.value.url.startswith("https://example.org/transformer-parts/commit/")
        assert page.locator("#picked a").first.get_attribute("href") == opening.value.url


def test_tables_of_data_are_filled_when_they_are_opened(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), PHONE, ready=READY) as page:
        assert page.locator("details[data-points] table").count() == 0
        page.locator("details.one[open] details[data-points] summary").first.click()
        table = page.locator("details[data-points] table").first
        table.wait_for()
        assert table.locator("tbody tr").count() == 120
        newest = table.locator("tbody tr").first.inner_text()
        assert "UTC" in newest
        assert "ms" in newest
        assert overflow(page) <= 0


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_two_sides_of_a_change_are_shown(browser, plausible_site, size) -> None:
    with opened(browser, benchmark_page(plausible_site), size, ready=READY) as page:
        block = page.locator(".one .moved-block").first
        assert block.locator("svg.strip").count() == 2
        dots = block.locator("svg.strip .dots").first.get_attribute("d")
        assert dots.count("h0") > 90
        low, width = (float(block.locator("svg.strip rect").first.get_attribute(name)) for name in ("x", "width"))
        middle = float(block.locator("svg.strip .middle").first.get_attribute("d")[1:].split()[0])
        assert 0 < low < middle < low + width < 1000
        assert "n = 3 processes in 1 run, with 900 samples" in block.inner_text()
        # Two series that moved at one commit are told with each of them.
        assert block.locator(".around .changed").inner_text().split() == ["≠", "numpy", "1.26", "2.0"]
        assert page.locator("main span.commit").count() == 0  # each is a link
        gate, again = block.locator(".command code").all_inner_texts()
        pattern = gate.split(" --bench ")[1]
        assert re.fullmatch(r"tbp gate [0-9a-f]{8} [0-9a-f]{8}", gate.split(" --bench ")[0])
        assert re.fullmatch(rf"asv run --bench {re.escape(pattern)} '[0-9a-f]{{8}}\^!'", again)
        assert block.locator(".command .copy").count() == 2
        assert overflow(page) <= 0


def test_the_growth_over_a_parameter_is_drawn_when_it_comes_near(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), PHONE, ready=READY) as page:
        assert not page.locator(".scaling[data-ready]").count()
        page.locator(".growth").scroll_into_view_if_needed()
        page.wait_for_selector(".scaling[data-ready]")
        assert page.locator(".scaling .scatterlayer .point").count() == 12
        assert page.locator(".growth li svg.key").count() == 3
        assert "time grows as sequence_length^" in page.inner_text(".growth")
        page.click("text=Data of the growth")
        row = page.locator(".scaling ~ details table tbody tr").first.inner_text()
        assert row.count("ms") + row.count("µs") == 4
        assert overflow(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_page_draws_its_chart_fits_and_axe_finds_nothing_wrong(browser, plausible_site, size, scheme) -> None:
    with opened(browser, benchmark_page(plausible_site), size, scheme, ready=READY) as page:
        assert page.locator("#chart .scatterlayer .point").count() > 100
        page.locator(".growth").scroll_into_view_if_needed()
        page.wait_for_selector(".scaling[data-ready]")
        page.click("text=Data of the growth")
        page.locator("details.one[open] details[data-points] summary").first.click()
        page.wait_for_selector("details[data-points] td")
        assert violations(page) == []
        unfold(page)
        assert overflow(page) <= 0


def test_in_a_report_of_one_file_choices_are_kept_behind_the_page(browser, plausible_data, tmp_path) -> None:
    with opened(browser, write_single_file(plausible_data, tmp_path / "report.html")) as page:
        page.locator("main a[href^='#/benchmarks/attention']").first.click()
        page.wait_for_selector(READY)
        page.select_option("#scale", "log")
        page.select_option("#span", "30")
        wait_until(page, f"{RANGE}[0] === 89.5")
        assert page.evaluate("location.hash").startswith("#/benchmarks/attention")
        reload(page, READY)
        assert (page.input_value("#scale"), page.input_value("#span")) == ("log", "30")
        page.locator("details.one[open] details[data-points] summary").first.click()
        page.wait_for_selector("details[data-points] td")


def test_the_page_can_be_read_without_scripts(browser, plausible_site) -> None:
    with without_scripts(browser, benchmark_page(plausible_site)) as page:
        assert page.locator(".strips:visible").count() == 0
        said = page.locator(".one .moved-block").first.inner_text()
        assert re.search(r"Before: median 5\.\d\d ms, quartiles 5\.\d\d ms – 5\.\d\d ms; n = 3 processes", said)
        assert page.locator(".growth li").count() == 3
        assert not page.locator("#scale").is_visible()
        instead = page.locator("noscript").first
        assert "variant=sdpa, sequence_length=1024" in instead.inner_text()
        assert "The chart and data tables need JavaScript" in instead.inner_text()
        assert instead.locator("svg.spark path").count() == 1
        assert not page.locator("#chart").is_visible()
