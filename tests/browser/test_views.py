"""The pages of all series in a real browser: changes, heatmap, comparison, machines, compression."""

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.runs import Run
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.parts.addresses import series_href
from tbp.report.site.build import write_single_file, write_site

from .opening import (
    DESKTOP,
    PHONE,
    assert_harmless,
    opened,
    overflow,
    quiet_page,
    reload,
    unfold,
    violations,
    without_scripts,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ALWAYS = ("changes", "heatmap", "compare", "machines")
PAGES = (*ALWAYS, "compression")  # which is there only where something was compressed
PLACE = ("bench-1", "virtualenv-py3.13-torch2.13")
# name, seconds, bytes, error
VARIANTS = (
    ("dense", 8.0e-3, 25.2e6, 3e-7), ("dense_twin", 8.1e-3, 25.2e6, 3e-7),
    ("pruned_unstructured", 8.0e-3, 25.2e6, 2e-7), ("pruned_structured", 6.0e-3, 18.9e6, 2.5e-7),
    ("int8_dynamic", 4.4e-3, 6.4e6, 2.1e-3), ("int8_static", 5.2e-3, 6.5e6, 9e-3),
)  # fmt: skip


def compressed(commits: list[Commit]) -> Iterator[History]:
    """The compression suite: time, size and error of each variant, the last one skipped."""
    for name, seconds, size, error in VARIANTS:
        parameters = (("variant", f"{name} v1"), ("batch", "8"), ("dtype", "float32"), ("device", "cpu"))
        for method, value, unit in (
            ("torchtime_step", seconds, "seconds"),
            ("track_model_bytes", size, "bytes"),
            ("track_error", error, "relative error"),
        ):
            points = tuple(
                Point(commit, Outcome.MEASURED, value * (1 + 0.004 * (place % 3) * (unit == "seconds")))
                for place, commit in enumerate(commits)
            )
            key = SeriesKey(f"compressed_inference.Nightly.{method}", parameters, *PLACE)
            yield History(key, unit, Better.LOWER, points, State.NO_CHANGE, noise_within=0.01, noise_between=0.006)


def with_other_changes(history: History) -> History:
    """A suspect and a change that came with another torch, beside what there is."""
    value = history.points[0].value
    what = "torch 2.12 → 2.13"
    found = (
        ChangeEvidence(Change(85, value, value * 1.3, 1e-4, True, ChangeKind.DEPENDENCY, what)),
        ChangeEvidence(Change(105, value, value * 1.05, 0.04, False, doubt="its runs disagree")),
    )
    points = tuple(
        replace(point, value=point.value * (1.3 if place >= 85 else 1.0) * (1.05 if place >= 105 else 1.0))
        for place, point in enumerate(history.points)
    )
    return replace(history, points=points, changes=found)


def with_accepted(history: History) -> History:
    """Its newest change is acknowledged."""
    last = history.changes[-1]
    accepted = replace(last, change=replace(last.change, acknowledged="exact softmax is worth it"))
    return replace(history, changes=(*history.changes[:-1], accepted), state=State.ACKNOWLEDGED)


def measured_runs(commits: list[Commit]) -> Iterator[Run]:
    for place, commit in enumerate(commits):
        packages = {"numpy": "2.1.0", "torch": "2.12" if place < 85 else "2.13", "msgspec": "0.18"}
        if place >= 60:
            packages["safetensors"] = "0.5"
        yield Run(
            commit, *PLACE, python="3.13", measured=20, failed=1, torch=packages["torch"],
            packages=tuple(sorted(packages.items())), started=commit.date + timedelta(hours=9),
            governors=("powersave" if place < 30 else "performance",), threads=(1,), devices=("Example CPU @ 2.60GHz",),
        )  # fmt: skip


def with_everything(data: ReportData) -> ReportData:
    commits = [point.commit for point in data.histories[0].points]
    others = [with_accepted(one) if "peakmem" in one.key.benchmark and one.changes else one for one in data.histories]
    histories = [with_other_changes(others[0]), *others[1:], *compressed(commits)]
    return replace(data, histories=tuple(histories), runs=tuple(measured_runs(commits)))


@pytest.fixture(scope="module")
def site(plausible_data, tmp_path_factory) -> Path:
    """The folder of a site with every kind of view filled."""
    return write_site(with_everything(plausible_data), tmp_path_factory.mktemp("views")).parent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("name", PAGES)
def test_a_view_fits_is_quiet_and_accessible(browser, site, name, size, scheme) -> None:
    with opened(browser, site / f"{name}.html", size, scheme) as page:
        unfold(page, "main details")
        assert overflow(page) <= 0
        assert page.locator("nav [aria-current=page]").get_attribute("href") == f"{name}.html"
        assert violations(page) == []


def test_the_filter_of_changes_works_and_its_address_keeps_it(browser, site) -> None:
    with opened(browser, site / "changes.html") as page:
        rows = page.locator("#changes > li:visible")
        everything = rows.count()
        page.click("button.only[value=suspect]")
        assert "only=suspect" in page.url
        assert rows.count() == 1
        assert "suspect: its runs disagree" in rows.first.inner_text()
        page.reload()
        assert rows.count() == 1
        page.check("input[value=explained]")
        page.fill("input[name=q]", "dependency 2.12")
        assert rows.count() == 1
        assert "dependency change: torch 2.12 → 2.13" in rows.first.inner_text()
        page.fill("input[name=q]", "no such thing")
        assert page.locator("#nothing").is_visible()
        page.goto((site / "changes.html").as_uri())
        page.reload()
        assert rows.count() == everything


def test_the_heatmap_shows_what_moved_and_the_rest_when_asked(browser, site) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        assert page.locator("#heat tbody tr:not(.group)").count() == 7
        assert page.locator("#heat thead th").count() == 51
        page.select_option("select[name=n]", "20")
        assert page.locator("#heat thead th").count() == 21
        assert page.locator("#heat tbody tr:not(.group)").count() == 4
        page.select_option("select[name=rows]", "all")
        page.select_option("select[name=suite]", "compressed_inference")
        page.fill("input[name=q]", "error int8")
        assert page.inner_text("#shown") == "2 of 42 series shown"
        page.reload()
        assert page.inner_text("#shown") == "2 of 42 series shown"
        page.fill("input[name=q]", "no such thing")
        page.click("#heat-all")
        assert page.inner_text("#shown") == "42 of 42 series shown"


def test_the_heatmap_s_marks_are_told_by_shape_and_said_in_words(browser, site) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        cells = page.locator("#heat td")
        said = {}
        for mark in ("▲", "▼", "△", "◇", "×"):
            cells.filter(has_text=mark).first.hover()
            said[mark] = page.inner_text("#heat-cell")
        assert "changed here: ▲ +39 % slower" in said["▲"]
        assert "changed here: ▼ −13 % faster" in said["▼"]
        assert "with torch 2.12 → 2.13" in said["△"]
        assert "suspect: ▲ +5.0 % slower" in said["◇"]
        assert "failed" in said["×"]


def test_a_reader_s_smallest_change_leaves_the_larger_ones_in_the_heatmap(browser, site) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        page.fill("input[name=size]", "20")
        assert page.inner_text("#size-said") == "at least 20 %"
        assert page.get_attribute("input[name=size]", "aria-valuetext") == "at least 20 %"
        assert page.inner_text("#shown") == "3 of 42 series shown"
        assert page.locator("#heat td").filter(has_text="▼").count() == 0
        assert page.locator("#heat .w1, #heat .w2, #heat .b1, #heat .b2").count() == 0
        reload(page, "#heat[data-ready]")
        assert page.inner_text("#shown") == "3 of 42 series shown"
        page.fill("input[name=size]", "0")
        assert page.inner_text("#shown") == "7 of 42 series shown"
        assert page.evaluate("location.hash") == ""


def test_the_heatmap_shows_where_a_level_shifted_and_what_came_of_it(browser, site) -> None:
    with opened(browser, site / "heatmap.html", fragment="#n=120&q=sdpa+2048", ready="#heat[data-ready]") as page:
        classes = "[...document.querySelectorAll('#heat tbody tr:last-child td')].map((td) => td.className)"
        whole = page.evaluate(classes)
        assert ("turn b" in whole[60], "turn w" in whole[90]) == (True, True)
        assert sum("turn" in one for one in whole) == 2
        assert not any("heat w" in one or "heat b" in one for one in whole[:60])
        assert sum("heat b" in one for one in whole[61:90]) > 25  # −20 %
        assert sum("heat w" in one for one in whole[91:]) > 25  # +12 %
        # A shift to the left of what is shown is nothing that happened there.
        page.select_option("select[name=n]", "50")
        assert not any("heat b" in one for one in page.evaluate(classes)[:20])
        # What is left of both: 0.8 × 1.12.
        page.select_option("select[name=n]", "120")
        page.select_option("select[name=against]", "first")
        assert sum("heat b" in one for one in page.evaluate(classes)[91:]) > 25


def test_the_heading_of_the_heatmap_follows_the_choices(browser, site) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        assert page.inner_text("#heat-title") == "7 of 42 series moved at the 50 newest commits."
        page.select_option("select[name=n]", "20")
        assert page.inner_text("#heat-title") == "4 of 42 series moved at the 20 newest commits."
        page.select_option("select[name=rows]", "confirmed")
        page.select_option("select[name=suite]", "train_step")
        expected = "2 of 4 series of train_step have a confirmed change at the 20 newest commits."
        assert page.inner_text("#heat-title") == expected


def test_numbers_stand_in_the_cells_where_there_is_room_or_always(browser, site) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        texts = "[...document.querySelectorAll('#heat td')].map((td) => td.textContent).join(' ')"
        assert "▼10" not in page.evaluate(texts)
        page.select_option("select[name=n]", "20")
        assert "▼10" in page.evaluate(texts)
        page.select_option("select[name=numbers]", "never")
        assert "▼10" not in page.evaluate(texts)
        page.select_option("select[name=numbers]", "always")
        page.select_option("select[name=n]", "50")
        assert "▼10" in page.evaluate(texts)
        assert "numbers=always" in page.evaluate("location.hash")
        assert overflow(page) <= 0
        assert violations(page) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_commits_and_names_stay_when_the_heatmap_is_scrolled(browser, site, size) -> None:
    with opened(browser, site / "heatmap.html", size, fragment="#rows=all", ready="#heat[data-ready]") as page:
        assert page.inner_text("#heat-older").endswith("older commits") or size == DESKTOP
        page.evaluate("document.getElementById('heat-scroll').scrollTo(40, 300)")
        head, name, box = (
            page.locator(one).bounding_box()
            for one in ("#heat thead th >> nth=9", "#heat tbody tr:last-child th", "#heat-scroll")
        )
        assert abs(head["y"] - box["y"]) < 2
        assert abs(name["x"] - box["x"]) < 2


def test_names_in_the_heatmap_are_told_apart(browser) -> None:
    places = ["conda-py3.9", "conda-py3.9-pip-torch1.8-vision", "conda-py3.9-pip-torch1.11-vision"]
    source = (Path(__file__).parents[2] / "tbp/report/static/base/rownames.js").read_text("utf-8")
    with quiet_page(browser) as page:
        page.evaluate("window.tbp = {}")
        page.evaluate(f"{source}; 0")
        assert page.evaluate(f"tbp.told({places})") == [places[0], "torch1.8", "torch1.11"]
        assert page.evaluate("tbp.told(['one machine', 'one machine'])") == ["one machine", "one machine"]
        rows = [{"name": f"s.{name}.time_it", "label": "f=x", "suite": "s"} for name in "ab"]
        assert page.evaluate("(rows) => rows.map(tbp.benchmarkNames(rows))", rows) == ["a", "b"]
        assert page.evaluate("(rows) => rows.map(tbp.values(rows))", rows) == ["x", "x"]


def test_the_keyboard_walks_the_heatmap_and_opens_a_series(browser, site) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        assert page.locator("#heat [tabindex='0']").count() == 1
        page.locator("#heat [tabindex='0']").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("End")
        assert "2026-04-16 00:15 UTC" in page.inner_text("#heat-cell")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowDown")
        assert "2026-04-15 15:15 UTC" in page.inner_text("#heat-cell")
        assert page.locator("#heat [tabindex='0']").count() == 1
        page.keyboard.press("Enter")
        page.wait_for_selector("#chart[data-ready]")
        assert page.evaluate("document.getElementById(location.hash.slice(1)) !== null")


def test_a_finger_s_first_tap_says_and_its_second_opens(browser, site) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto((site / "heatmap.html").as_uri())
    page.wait_for_selector("#heat[data-ready]")
    cell = page.locator("#heat td").filter(has_text="▼").first
    cell.tap()
    assert "lower (worse)" in page.inner_text("#heat-cell")
    cell.tap()
    page.wait_for_selector("#chart[data-ready]")
    context.close()


def test_a_suite_of_the_heatmap_can_be_folded(browser, site) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        before = page.locator("#heat tbody tr").count()
        page.locator("#heat tr.group button").first.click()
        assert page.locator("#heat tbody tr").count() == before - 3
        assert page.locator("#heat tr.group button").first.get_attribute("aria-expanded") == "false"
        page.keyboard.press("Enter")
        assert page.locator("#heat tbody tr").count() == before


def test_the_script_unpacks_every_value_as_it_was(browser, site, plausible_data) -> None:
    with opened(browser, site / "heatmap.html", ready="#heat[data-ready]") as page:
        read = page.evaluate(
            """() => tbp.runs.rows.map((row) => [row.href, tbp.runs.commits.map(({ column }) => {
              const { state, value } = tbp.runs.cell(row, column);
              return [state, value];
            })])"""
        )
        by_series = dict(read)
        for history in with_everything(plausible_data).histories:
            runs = by_series[series_href(history)]
            missing = len(runs) - len(history.points)
            assert all(state == "none" for state, _ in runs[:missing])
            for point, (state, value) in zip(history.points, runs[missing:], strict=True):
                assert state == point.outcome.value
                if math.isfinite(point.value):
                    assert value == pytest.approx(point.value, rel=2e-3)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_two_environments_can_be_held_against_each_other(browser, plausible_data, tmp_path, size) -> None:
    commit = plausible_data.histories[0].points[-1].commit
    versions = {"old": ("2.12", "1.0"), "new": ("2.13", "1.0"), "other": ("2.13", "2.0")}
    runs = tuple(
        Run(commit, "bench-1", name, measured=1, packages=(("numpy", numpy), ("torch", torch)))
        for name, (torch, numpy) in versions.items()
    )
    write_site(replace(plausible_data, runs=runs), tmp_path)
    with opened(browser, tmp_path / "machines.html", size) as page:
        rows = page.locator(".differing tbody tr:visible")
        assert rows.count() == 2
        page.select_option("#inventory-one", label="new")
        page.select_option("#inventory-other", label="old")
        assert [text.split() for text in rows.all_inner_texts()] == [["torch", "2.13", "2.12"]]
        text = "1 fact differs between these two, 1 more between other environments."
        assert page.inner_text("#inventory-said") == text
        assert violations(page) == []
        page.select_option("#inventory-one", label="all of them")
        assert rows.count() == 2
        assert overflow(page) <= 0


@pytest.mark.parametrize("name", ALWAYS)
def test_an_empty_view_says_what_to_run(browser, plausible_data, tmp_path, name) -> None:
    write_site(replace(plausible_data, histories=(), machines=()), tmp_path)
    with opened(browser, tmp_path / f"{name}.html", PHONE) as page:
        assert page.locator(".command code").first.is_visible()
        assert overflow(page) <= 0
        assert violations(page) == []


def test_the_comparison_says_the_same_numbers_as_the_page_without_a_script(browser, site) -> None:
    with opened(browser, site / "compare.html", ready="#compare-form[data-ready]") as page:
        words = page.evaluate(
            """() => [
              [0.00041, [[1e-9, "ns"], [1e-6, "µs"], [1e-3, "ms"], [1, "s"]]], [12345, [[1, "tokens/s"]]],
              [0, [[1e-9, "ns"], [1e-6, "µs"]]], [3.1e8, [[1, "B"], [1024, "KiB"], [1048576, "MiB"]]],
              [9.996, [[1, ""]]], [1e-9, [[1, ""]]], [-2.5, [[1, ""]]],
            ].map(([value, scales]) => tbp.quantity(value, scales)).concat(
              [0.061, 0.12, -0.0999, 12.3, 0].map(tbp.signedPercent))"""
        )
        assert words == [
            "410 µs", "12,345 tokens/s", "0 µs", "296 MiB", "10.0", "1.00e−09", "−2.50",
            "+6.1 %", "+12 %", "−10 %", "+1,230 %", "0 %",
        ]  # fmt: skip


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("name", ALWAYS)
def test_hostile_names_make_no_element_and_no_handler(browser, hostile_site, name, size) -> None:
    with opened(browser, hostile_site.parent / f"{name}.html", size) as page:
        if name == "heatmap":
            page.wait_for_selector("#heat[data-ready]")
            page.locator("#heat td").last.hover()
            assert "<script>" in page.inner_text("#heat-cell")
        if name == "compare":
            page.wait_for_selector("#compare-form[data-ready]")
            page.click("#compare-add")
            assert "<script>" in page.inner_text("#compare-chosen-rows")
            page.fill("#compare-type-0", "<img src=x onerror=alert(1)>")
            page.keyboard.press("Enter")
        assert_harmless(page)


@pytest.mark.parametrize("name", PAGES)
def test_a_view_without_scripts_is_whole(browser, site, name) -> None:
    with without_scripts(browser, (site / f"{name}.html")) as page:
        said = {
            "changes": "+39 % slower", "heatmap": "+39 % slower since 179a071e", "compare": "undecided",
            "machines": "torch 2.12 → 2.13", "compression": "45 % faster, 3.9 × smaller",
        }  # fmt: skip
        assert said[name] in page.locator("main").inner_text()
        assert not page.locator("form .controls, form.controls, .compare-form").first.is_visible()


def test_the_views_of_a_report_of_one_file_work_as_those_of_a_site(browser, plausible_data, tmp_path) -> None:
    path = tmp_path / "report.html"
    write_single_file(with_everything(plausible_data), path)
    with opened(browser, path) as page:
        page.locator("header nav").get_by_text("Compare").click()
        page.wait_for_selector("#compare-form[data-ready]")
        page.locator("#compare-columns select").first.select_option("85")
        said = page.inner_text("#compare-title")
        assert "against 5dbe3023: 3 regressions" in said
        reload(page, "#compare-form[data-ready]")
        assert page.inner_text("#compare-title") == said
        page.locator("header nav").get_by_text("Heatmap").click()
        page.wait_for_selector("#heat[data-ready]")
        page.select_option("select[name=n]", "20")
        page.locator("#heat td").filter(has_text="▼").first.click()
        page.wait_for_selector("#chart")
        assert "tokens_per_second" in page.inner_text("h1")
        page.go_back()
        page.wait_for_selector("#heat[data-ready]")
        assert page.locator("#heat thead th").count() == 21
