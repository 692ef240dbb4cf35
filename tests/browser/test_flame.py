"""Flame graphs in a real browser: they draw when they come into view, zoom, search, and say what they show."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from tbp.__main__ import main
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.series import Better, Outcome, Point, SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_site
from tbp.traces.differences.frame_difference import frame_difference
from tbp.traces.frames.frames import Frames
from tbp.wording import words

from ..flames import Rows, frames
from ..histories import commit, commit_order
from ..trace_differences import certain_difference
from ..trace_events import event
from .opening import DESKTOP, PHONE, overflow, quiet_page, violations, without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "%{x}<b><img src=x onerror=document.title='owned'>\"'`</b></script>{{7*7}}\u202e\x00"

BEFORE: Rows = {
    "linear": ("operator", 4, 1_000_000, 0), "linear > mm": ("operator", 4, 2_000_000, 0),
    "linear > mm > gemm": ("device", 4, 0, 2_000_000), "old": ("operator", 2, 600_000, 0),
    "optimizer": ("annotation", 2, 800_000, 0), HOSTILE: ("operator", 2, 100_000, 0),
}  # fmt: skip
AFTER: Rows = {
    "linear": ("operator", 4, 1_000_000, 0), "linear > mm": ("operator", 12, 4_000_000, 0),
    "linear > mm > gemm": ("device", 12, 0, 3_000_000), "linear > masked_fill_": ("operator", 8, 500_000, 0),
    "optimizer": ("annotation", 2, 400_000, 0), "optimizer > mm": ("operator", 2, 100_000, 0),
    HOSTILE: ("operator", 2, 100_000, 0),
}  # fmt: skip


def many(number: int) -> Frames:
    """A tree of so many frames, each wide enough to be drawn on a wide screen."""
    chance, rows = random.Random(3), {}
    paths = [f"top{place}" for place in range(40)]
    while len(paths) < number:
        paths.append(f"{chance.choice(paths)} > n{len(paths)}")
    for path in paths:
        rows[path] = ("operator", 2, 10_000, 0)
    return frames(rows)


def history(name: str, after: Frames, before: Frames | None = None, machine: str = "box") -> History:
    points = tuple(Point(commit(place), Outcome.MEASURED, 1e-3) for place in range(6))
    changes: tuple[ChangeEvidence, ...] = ()
    if before is not None:
        traced = certain_difference(1.1, ("mm",)), "", frame_difference(before, after)
        changes = (ChangeEvidence(Change(3, 1e-3, 1.2e-3, 0.001, True), *traced),)
    of = SeriesKey(name, (), machine, "env"), "seconds", Better.LOWER, points
    made = History(*of, State.REGRESSION if changes else State.NO_CHANGE, changes)
    return replace(made, frames=after, operators_commit=points[-1].commit)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = (
        history("changed", frames(AFTER), frames(BEFORE)),
        *(history("many", many(2_000), machine=machine) for machine in ("one", "two")),
    )
    data = ReportData("example", found, commits=commit_order(found))
    return write_site(data, tmp_path_factory.mktemp("flames")).parent


def page_of(site: Path, name: str) -> Path:
    return next(site.glob(f"benchmarks/{name}*.html"))


def ready(page: Any, which: str = "-3") -> Any:
    """The graph whose id ends so, drawn."""
    box = page.locator(f".flame-box[data-flame$='{which}']")
    box.scroll_into_view_if_needed()
    page.wait_for_selector(f".flame-box[data-flame$='{which}'][data-ready]")
    return box


def texts(box: Any) -> list[str]:
    return [text.removesuffix("…") for text in box.locator(".flame-graph .frame").all_text_contents() if text]


def status(box: Any) -> str:
    return str(box.locator(".flame-status").text_content())


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of 1280 px, or of the size and scheme a test asks for; nothing may complain or ask for more than files."""
    with quiet_page(browser, *getattr(request, "param", ())) as found:
        yield found


def opened(page: Any, site: Path, name: str = "changed", which: str = "-3") -> Any:
    page.goto(page_of(site, name).as_uri())
    return ready(page, which)


def test_a_difference_is_drawn_and_says_what_changed(page: Any, site: Path) -> None:
    box = opened(page, site)
    assert texts(box)[:3] == ["the step", "▲ linear", "▼ optimizer"]
    box.get_by_role("treeitem", name="▲ mm").hover()
    assert status(box) == (
        "▲ mm: +1.00 ms (1.00 ms → 2.00 ms), 2 → 6 calls, +818 µs had the machine kept its speed, "
        "50 % of the step, certain"
    )
    box.get_by_role("treeitem", name="+ masked_fill_").hover()
    assert status(box) == "+ masked_fill_: new, +250 µs, 0 → 4 calls, 6.3 % of the step, certain"
    assert "1.10 × their time" in page.locator(".flame").first.inner_text()


def test_widths_are_shares_of_what_is_around(page: Any, site: Path) -> None:
    box = opened(page, site, which="-now")
    box.get_by_label("host").check()
    wide = {
        name: box.locator(f".frame[aria-label^='{name}:']").bounding_box()["width"] for name in ("the step", "linear")
    }
    assert wide["linear"] / wide["the step"] == pytest.approx(2.75 / 4, abs=0.005)


def test_what_is_gone_can_be_shown_at_its_old_width(page: Any, site: Path) -> None:
    box = opened(page, site)
    assert box.get_by_role("treeitem", name="− old").count() == 0
    box.get_by_label("show what is gone (300 µs)").check()
    gone = box.get_by_role("treeitem", name="− old")
    step = box.locator(".frame.step")
    assert gone.bounding_box()["width"] / step.bounding_box()["width"] == pytest.approx(0.3 / 4, abs=0.005)
    gone.hover()
    assert status(box) == "− old: gone, −300 µs, 1 → 0 calls, certain"


def test_the_clock_can_be_changed(page: Any, site: Path) -> None:
    box = opened(page, site, which="-now")
    assert texts(box) == ["the step", "linear", "mm", "gemm"]
    box.get_by_label("host").check()
    assert texts(box)[:3] == ["the step", "linear", "optimizer"]
    assert "gemm" not in texts(box)
    assert status(box) == "the step: 4.00 ms, 950 µs outside operators"


def test_a_click_zooms_and_the_button_goes_back(page: Any, site: Path) -> None:
    box = opened(page, site)
    box.get_by_role("treeitem", name="▲ mm").click()
    assert texts(box) == ["the step", "▲ linear", "▲ mm"]
    whole = box.locator(".flame-graph").bounding_box()["width"]
    assert box.get_by_role("treeitem", name="▲ mm").bounding_box()["width"] == pytest.approx(whole, abs=2)
    box.get_by_role("button", name="Show all").click()
    assert "▼ optimizer" in texts(box)
    assert box.get_by_role("button", name="Show all").is_disabled()


def test_the_keyboard_moves_zooms_and_goes_back(page: Any, site: Path) -> None:
    box = opened(page, site)
    box.locator(".flame-graph .frame[tabindex='0']").focus()
    for key, name in (
        ("ArrowDown", "linear"), ("ArrowRight", "optimizer"), ("ArrowLeft", "linear"), ("ArrowDown", "mm"),
        ("ArrowUp", "linear"), ("Home", "the step"), ("ArrowUp", "the step"), ("ArrowDown", "linear"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert name in page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert name in status(box)
    page.keyboard.press("Enter")
    assert "▼ optimizer" not in texts(box)
    page.keyboard.press("Escape")
    assert "▼ optimizer" in texts(box)
    assert "linear" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.classList.contains('frame')")


def test_the_search_marks_matches_and_says_their_share_once(page: Any, site: Path) -> None:
    box = opened(page, site)
    box.get_by_label("Find").fill("MM")
    assert box.locator(".frame.hit").count() == 2
    assert box.locator(".flame-found").text_content() == "51 % of what is shown, 2.05 ms in 2 frames"
    box.get_by_label("Find").fill("nothing like it")
    assert box.locator(".flame-found").text_content() == "no frame has this name"
    box.get_by_role("button", name="Show all").click()
    assert box.get_by_label("Find").input_value() == ""
    assert box.locator(".searching").count() == 0


def test_hostile_names_stay_text(page: Any, site: Path) -> None:
    box = opened(page, site)
    frame = box.get_by_role("treeitem", name="%{x}<b>")
    frame.hover()
    assert status(box).startswith("%{x}<b><img src=x onerror=document.title='owned'>\"'`</b></script>{{7*7}}��:")
    box.get_by_label("Find").fill("<img")
    assert box.locator(".frame.hit").count() == 1
    assert page.locator("main img, main b, [onerror]").count() == 0
    assert page.title() != "owned"


def test_data_is_read_when_its_graph_comes_into_view(page: Any, site: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith(".flame.js") else None)
    page.goto(page_of(site, "many").as_uri())
    page.wait_for_selector("#chart[data-ready]")
    closed = page.locator("details.one:not([open])")
    assert (closed.count(), asked) == (2, [])
    closed.first.locator("summary").first.click()
    page.wait_for_selector(".flame-box[data-ready]")
    assert page.locator(".flame-box[data-ready] .frame").count() > 500
    assert len(asked) == 1


def test_words_are_those_of_the_tables(page: Any, site: Path) -> None:
    page.goto(page_of(site, "changed").as_uri())
    values = [0, 0.4, 1, 999, 999.6, 1234, 250_000, 9_996, 12_345_678, -5_500, 3.2e9, 4.56e12]
    assert page.evaluate("values => values.map(tbp.flames.time)", values) == [
        words.microseconds(ns / 1000) for ns in values
    ]
    assert page.evaluate("values => values.map(tbp.flames.signedTime)", values) == [
        words.signed_microseconds(ns / 1000) for ns in values
    ]
    shares = [0, 0.001, 0.0612, 0.0995, 0.5, 1.5, -0.02]
    assert page.evaluate("values => values.map(tbp.percent)", shares) == [words.percent(share) for share in shares]
    calls = [0, 2, 0.25, 1234, 12.345]
    assert [text.split()[0] for text in page.evaluate("values => values.map(tbp.flames.calls)", calls)] == [
        words.calls(float(number)) for number in calls
    ]


@pytest.mark.parametrize(
    "page", [(size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")], indirect=True
)
def test_graphs_fit_and_have_no_barrier(page: Any, site: Path) -> None:
    box = opened(page, site)
    box.get_by_label("show what is gone").check()
    ready(page, "-now")
    for top in page.locator(".flame-top summary").all():
        top.click()
    assert overflow(page) <= 0
    for search in ("", "mm"):
        box.get_by_label("Find").fill(search)
        assert violations(page, "'.flame'") == []


def test_paper_and_pages_without_scripts_have_the_table(browser: Any, site: Path) -> None:
    with without_scripts(browser, page_of(site, "changed")) as page:
        top = page.locator(".flame-top").first
        top.locator("summary").click()
        assert "2 → 6" in top.locator("tbody tr").filter(has_text="mm").first.inner_text()
        assert not page.locator(".flame-box").first.is_visible()


def test_a_file_of_its_own_draws_and_asks_for_nothing(page: Any, tmp_path: Path) -> None:
    events = [event("linear", 0, 100), event("mm", 10, 60), event(HOSTILE, 200, 50)]
    trace, file = tmp_path / "trace.json", tmp_path / "flame.html"
    trace.write_text(json.dumps({"traceEvents": events}))
    assert main(["hotspots", str(trace), "--flame", str(file)]) == 0
    page.goto(file.as_uri())
    page.wait_for_selector(".flame-box[data-ready]")
    assert texts(page)[:3] == [
        "the trace",
        "linear",
        "%{x}<b><img src=x onerror=document.title='owned'>\"'`</b></script>{{7*7}}��",
    ]
    page.get_by_role("treeitem", name="mm").click()
    assert status(page) == "mm: 60.0 µs, 40 % of the trace, 1 call"
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.title() != "owned"


def test_a_graph_is_saved_as_it_is_drawn(page: Any, site: Path) -> None:
    box = opened(page, site)
    with page.expect_download() as download:
        box.get_by_role("button", name="Save the flame graph as SVG").click()
    assert download.value.suggested_filename == "example-changed-flame-2026-05-06.svg"
    root = ElementTree.fromstring(Path(download.value.path()).read_text("utf-8"))
    of = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{of}svg"
    saved = [frame.findtext(f"{of}text") for frame in root.findall(f"{of}svg")]
    assert saved == box.locator(".flame-graph .frame").all_text_contents()
    assert root.find(f"{of}svg/{of}title").text.startswith("the step: ")
