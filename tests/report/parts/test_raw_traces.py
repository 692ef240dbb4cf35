"""Links to the files that the profiler wrote: below the results folder, whatever they are called."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest

from tbp.model.changes import RecordedTraces
from tbp.model.series import SeriesKey
from tbp.report.parts.raw_traces import raw_traces, results_address
from tbp.report.site.build import write_single_file, write_site
from tbp.report.site.load import View, report_data

from ...histories import commit

KEY = SeriesKey("suite.time_thing", (("width", "64"),), "box", "env")
FILE = "box/aaaa-env.traces/suite.time_thing/64-0.s0.pt.trace.json.gz"


def recorded(*files: str, ordinal: int = 3, pruned: int = 0) -> RecordedTraces:
    return RecordedTraces(KEY, commit(ordinal), files, pruned)


@pytest.mark.parametrize(
    ("file", "href"),
    [
        (FILE, f"../../results/{FILE}"),
        ("my box/a#1?.traces/50%/x.json.gz", "../../results/my%20box/a%231%3F.traces/50%25/x.json.gz"),
        ("javascript:alert(1)/a/b/c.gz", "../../results/javascript%3Aalert%281%29/a/b/c.gz"),
        ('"><script>/ü\udcff/b/c.gz', "../../results/%22%3E%3Cscript%3E/%C3%BC%FF/b/c.gz"),
        ("../../../etc/passwd", ""),
        ("box/./a/b.gz", ""),
        ("/etc/passwd", ""),
        ("box//a.gz", ""),
    ],
)
def test_each_part_of_a_path_is_encoded_and_none_leads_out(file, href) -> None:
    found = raw_traces([recorded(file)], "../results")
    assert [trace.href for trace in found.sides[0].traces] == [href]


def test_both_sides_of_a_change_have_their_files_and_one_command() -> None:
    files = [f"box/r.traces/b/{number}.pt.trace.json.gz" for number in range(5)]
    found = raw_traces([recorded(FILE, ordinal=2), recorded(*files)], "results")
    assert [(side.commit, len(side.traces), side.rest) for side in found.sides] == [
        ("02c0ffee", 1, ""),
        ("03c0ffee", 3, "2 more"),
    ]
    assert found.command == (
        "tbp export --perfetto traces-02c0ffee-03c0ffee "
        r"--bench '^suite\.time_thing\([^-.\w]?64[^-.\w]?\)$' 02c0ffee 03c0ffee"
    )


def test_what_was_pruned_is_told_and_not_exported() -> None:
    found = raw_traces([recorded(ordinal=2, pruned=3), recorded(FILE)], "results")
    assert found.sides[0].rest == "3 traces pruned, of which only the operators are kept"
    assert found.command.endswith(" 03c0ffee")
    assert raw_traces([recorded(pruned=1)], "results").command == ""
    assert raw_traces([recorded()], "results") is None
    assert raw_traces([], "results") is None


def test_without_the_results_beside_the_site_there_is_no_link() -> None:
    found = raw_traces([recorded(FILE)], "")
    assert [(trace.name, trace.href) for trace in found.sides[0].traces] == [(FILE, "")]


@pytest.mark.parametrize(
    ("folder", "site", "address"),
    [
        ("/work/p/.asv/results", "/work/p/reports/site", "../../.asv/results"),
        ("/work/p/results", "/work/p/site", "../results"),
        ("/work/p/my #1 results", "/work/p/site", "../my%20%231%20results"),
        ("/work/p/site/results", "/work/p/site", "results"),
        ("/work/p/results", "/tmp/site", ""),
        ("/elsewhere/results", "/work/p/site", ""),
        ("/work/pp/results", "/work/p/site", ""),
    ],
)
def test_the_address_of_the_results_stays_in_the_project(folder, site, address) -> None:
    assert results_address(Path(folder), Path(site), Path("/work/p")) == address


def test_every_link_of_a_site_leads_to_a_stored_trace(traced_results: Path, tmp_path: Path) -> None:
    site = tmp_path / "reports" / "site"
    data = report_data(None, traced_results, View(site=site))
    (history,) = data.histories
    assert history.recorded is not None
    newest = history.recorded.commit.hash[:8]
    assert history.recorded.files[0] == f"box/{newest}-env.traces/suite.time_thing/64-0.s0.pt.trace.json.gz"
    write_site(data, site)
    page = next(site.glob("benchmarks/*.html"))
    links = re.findall(r'<a href="([^"]+)" download>', page.read_text("utf-8"))
    assert links
    for link in links:
        file = (page.parent / unquote(unescape(link))).resolve()
        assert file.is_file()
        assert file.is_relative_to(traced_results)
    single = write_single_file(report_data(None, traced_results), tmp_path / "report.html").read_text("utf-8")
    assert " download>" not in single
    assert history.recorded.files[0] in single
