"""Downloads, links, words and pictures that a reader takes along, each as a browser really gives it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, RecordedTraces, State
from tbp.model.series import Point
from tbp.report.base.report_data import ReportData
from tbp.report.parts.addresses import series_href
from tbp.report.site.build import write_single_file, write_site

from ..histories import history, operator_table, report
from .opening import DESKTOP, PHONE, opened, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FORMULA = "=cmd|'/c calc'!A1"
SERIES = (
    "benchmark,parameters,machine,environment,unit,better,state,newest,before,after,change,low,high,p,commit,date,"
    "subject,author,last_before,commits,page"
)


def written_by_ann(changed: Any) -> Any:
    points = tuple(
        Point(replace(point.commit, author="Ann", subject="Mask *first* | @all"), point.outcome, point.value)
        for point in changed.points
    )
    return replace(changed, points=points)


def a_report() -> ReportData:
    step = Change(3, 1e-3, 1.2e-3, 0.0004, True, low=0.18, high=0.22)
    changed = written_by_ann(history(changes=(ChangeEvidence(step),)))
    formula = history((2.0, 2.0), State.NO_CHANGE, benchmark=FORMULA, parameters=(("a|b", 'x"\n`y`'),), unit="")
    return report(changed, formula)


@pytest.fixture(scope="module")
def data() -> ReportData:
    return a_report()


@pytest.fixture(scope="module")
def site(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(data, tmp_path_factory.mktemp("take")).parent


def downloaded(page: Any, box: str, label: str) -> tuple[str, bytes]:
    """The name and the content of what the button ``label`` of a download in ``box`` saves."""
    fold = page.locator(f"{box} details.take").first
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    with page.expect_download() as download:
        fold.get_by_role("button", name=label, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def copied(page: Any, button: Any) -> str:
    """The text that a click on ``button`` copies."""
    page.evaluate("void (navigator.clipboard.writeText = async (text) => { window.copied = text; })")
    button.click()
    page.wait_for_selector("button:text-is('Copied')")
    return str(page.evaluate("window.copied"))


def test_a_table_becomes_csv_json_and_markdown_in_which_no_text_acts(browser, site) -> None:
    with opened(browser, site / "index.html") as page:

        def made(form: str, columns: list[str], rows: list[list[object]]) -> str:
            return str(page.evaluate(f"table => tbp.{form}(table)", {"columns": columns, "rows": rows}))

        texts = [[FORMULA], ["-1.5"], ['a,"b"\nc'], ["x;=1"], [" +1 %"], ["\u202ea\x00"], [1e-9], [True], [None]]
        assert made("csv", ["=n"], texts) == (
            '\'=n\r\n\'=cmd|\'/c calc\'!A1\r\n-1.5\r\n"a,""b"" c"\r\n"x;\'=1"\r\n'
            "'+1 %\r\n\ufffda\ufffd\r\n1e-9\r\ntrue\r\n\r\n"
        )
        assert made("json", ["2", "1"], [["é\n", None], [2, True]]) == (
            '[\n{"2": "é\\n", "1": null},\n{"2": 2, "1": true}\n]\n'
        )
        assert made(
            "markdown", ["a|b", "n"], [["<b>`x`</b>\n[l](u) @me #1 https://e.org", 1.5], ["__init__ a_b", None]]
        ) == (
            "| a&#124;b | n |\n| --- | ---: |\n"
            "| &#60;b>&#96;x&#96;&#60;/b> &#91;l&#93;(u) &#64;me &#35;1 https&#58;//e.org | 1.5 |\n"
            "| &#95;&#95;init&#95;&#95; a_b |  |\n"
        )
        assert made("markdown", ["n"], [[1]] * 203).endswith("| 1 |\n\n… and 3 more rows.\n")
        lines = ["- a", "+1 %", "1. a", "> a", "p < 0.001", "&lt;", "---"]
        assert page.evaluate("lines => lines.map(tbp.markdownText)", lines) == [
            "&#45; a", "+1 %", "1&#46; a", "&#62; a", "p < 0.001", "&#38;lt;", "&#45;--",
        ]  # fmt: skip


def test_the_series_that_fit_the_filter_are_saved_with_raw_numbers(browser, site, data) -> None:
    of = {history.key.benchmark: series_href(history) for history in data.histories}
    with opened(browser, site / "index.html", fragment="#q=torchtime", ready="#filter .take") as page:
        name, content = downloaded(page, "#filter", "CSV")
        assert name == "example-series-2026-05-05.csv"
        commits = [point.commit.hash for point in data.histories[0].points]
        assert content.decode() == (
            f"{SERIES}\r\nattention.Quick.torchtime_step,variant=sdpa,bench-1,py3.13,seconds,lower,regression,0.0012,"
            f"0.001,0.0012,0.2,0.18,0.22,0.0004,{commits[3]},2026-05-04T12:00:00+00:00,Mask *first* | @all,Ann,"
            f"{commits[2]},1,{of['attention.Quick.torchtime_step']}\r\n"
        )
        link = copied(page, page.locator("#filter").get_by_role("button", name="Copy link"))
        assert link == (site / "index.html").as_uri() + "#q=torchtime"
        page.locator("#filter input[name=q]").fill("cmd")
        name, content = downloaded(page, "#filter", "JSON")
        (row,) = json.loads(content)
        assert name == "example-series-2026-05-05.json"
        assert (row["benchmark"], row["newest"], row["change"], row["page"]) == (FORMULA, 2, None, of[FORMULA])
        _, content = downloaded(page, "#filter", "CSV")
        assert content.decode().splitlines()[1].startswith('\'=cmd|\'/c calc\'!A1,"a|b=x"" `y`",bench-1,')
        _, content = downloaded(page, "#filter", "Markdown")
        assert (
            content.decode()
            .splitlines()[2]
            .startswith("| =cmd&#124;'/c calc'!A1 | a&#124;b=x\" &#96;y&#96; | bench-1 |")
        )


def test_events_are_saved_and_copied_in_words(browser, site) -> None:
    with opened(browser, site / "changes.html", ready="#changes .take-row") as page:
        _, content = downloaded(page, "#changes-filter", "JSON")
        (event,) = json.loads(content)
        assert (event["author"], event["series"], event["change"]) == ("Ann", 1, 0.2)
        address = (site / event["page"].split("#")[0]).as_uri() + "#" + event["page"].split("#")[1]
        assert copied(page, page.locator("#changes .take-row button").first) == address
        page.wait_for_selector("button:text-is('Copied')", state="detached")
        words = copied(page, page.locator("#changes").get_by_role("button", name="Copy as Markdown"))
        assert words == (
            f"**{event['commit'][:8]} Mask &#42;first&#42; &#124; &#64;all 2026-05-04 12:00 UTC**\n\n"
            "attention.Quick.torchtime_step variant=sdpa ✖ ▲ +20 % slower 1.00 ms → 1.20 ms (+200 µs) "
            "99 % CI +18 to +22 %, p < 0.001\n\n"
            f"Author: Ann\n\nSeen on: bench-1\n\nNext:\n\n~~~~sh\n{event['next']}\n~~~~\n\n<{address}>\n"
        )


def test_buttons_keep_away_from_the_number_that_they_stand_beside(browser, site) -> None:
    with opened(browser, next((site / "benchmarks").glob("*.html")), ready="#findings .take-row") as page:
        word, buttons = (page.locator(f"#findings > {part}").bounding_box() for part in ("dfn", ".take-row"))
        assert buttons["x"] - word["x"] - word["width"] >= 6


def test_without_a_clipboard_the_text_is_there_to_be_copied(browser, site) -> None:
    with opened(browser, site / "index.html", PHONE, ready=".event-card .take-row") as page:
        page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error()))")
        page.evaluate("void (document.execCommand = () => false)")
        page.locator(".event-card").get_by_role("button", name="Copy as Markdown").click()
        text = page.locator("textarea.taken").input_value()
        assert text.startswith("**▲ +20 % slower attention.Quick.torchtime_step variant=sdpa**\n\nCommit ")
        assert " by Ann “Mask &#42;first&#42; &#124; &#64;all” 2026-05-04 12:00 UTC\n\n" in text
        assert "~~~~sh\ntbp gate " in text
        assert text.endswith(">\n")
        assert page.evaluate("document.activeElement.selectionEnd") == len(text)
        page.locator("#filter summary", has_text="Download").click()
        assert overflow(page) <= 0
        assert violations(page) == []
        page.keyboard.press("Tab")
        assert page.locator("textarea.taken").count() == 0


@pytest.fixture(scope="module")
def single(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_single_file(data, tmp_path_factory.mktemp("single") / "report.html")


def test_every_page_of_a_report_of_one_file_gives_its_tables(browser, single, data) -> None:
    page_of = series_href(data.histories[0])
    with opened(browser, single, ready="#filter .take") as page:
        assert downloaded(page, "#filter", "CSV")[1].decode().count("\r\n") == 3
        page.evaluate(f"location.hash = '#/{page_of}'")
        page.wait_for_selector("#findings .take")
        name, content = downloaded(page, "#findings", "CSV")
        assert name == "example-attention-Quick-torchtime_step-series-2026-05-05.csv"
        assert content.decode().count("\r\n") == 2
        link = copied(page, page.locator(".one .take-row button").first)
        assert link == f"{single.as_uri()}#/{page_of}"
        page.evaluate("location.hash = '#/compare.html'")
        page.wait_for_selector("#compare-form[data-ready]")
        _, content = downloaded(page, "#compare-filter", "JSON")
        assert [row["benchmark"] for row in json.loads(content)] == ["attention.Quick.torchtime_step"]
        page.evaluate("location.hash = '#/heatmap.html#rows=all'")
        page.wait_for_selector("#heat[data-ready]")
        _, content = downloaded(page, "#heat-form", "JSON")
        assert [list(row.values())[5:] for row in json.loads(content)] == [
            [2, 2, None, None, None],
            [0.001, 0.001, 0.001, 0.0012, 0.0012],
        ]


def test_a_chart_and_its_numbers_are_saved(browser, site, data) -> None:
    with opened(
        browser, site / series_href(data.histories[0]).split("#")[0], DESKTOP, ready="#chart[data-ready]"
    ) as page:
        with page.expect_download() as download:
            page.get_by_role("button", name="Save the chart as SVG").click()
        assert download.value.suggested_filename == "example-attention-Quick-torchtime_step-2026-05-05.svg"
        drawn = Path(download.value.path()).read_text("utf-8")
        assert drawn.startswith("<svg")
        assert ">attention.Quick.torchtime_step</text>" in drawn
        assert "fill: rgb(255, 255, 255)" in drawn
        with page.expect_download() as download:
            page.get_by_role("button", name="Save the chart as PNG").click()
        assert Path(download.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        page.locator("summary", has_text="Data: 5 runs").click()
        _, content = downloaded(page, "[data-points]", "CSV")
        lines = content.decode().splitlines()
        assert lines[0] == "commit,date,value,low,high,unit,sessions,comparable,remark,subject"
        assert lines[1].endswith(",2026-05-05 12:00 UTC,0.0012,,,seconds,,true,,Mask *first* | @all")


def test_a_raw_trace_is_one_click_away_whatever_its_folders_are_called(browser, tmp_path) -> None:
    file = "my box/a#1?.traces/50% <b>/64-0.s0.pt.trace.json.gz"
    path = tmp_path / "my results" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b"a trace"))
    changed = a_report().histories[0]
    traced = replace(
        changed,
        operators=operator_table(),
        operators_commit=changed.points[-1].commit,
        recorded=RecordedTraces(changed.key, changed.points[-1].commit, (file,)),
    )
    site = write_site(report(traced, results="../my%20results"), tmp_path / "site").parent
    with opened(browser, site / series_href(traced).split("#")[0], ready="#chart[data-ready]") as page:
        with page.expect_download() as download:
            page.locator(".raw-traces a", has_text="64-0.s0.pt.trace.json.gz").click()
        assert gzip.decompress(Path(download.value.path()).read_bytes()) == b"a trace"
