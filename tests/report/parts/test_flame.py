"""Flame graphs as data: what the script draws adds up, the table tells the top, and words say what colours mean."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.asv.stored_traces import StoredTraces, chosen
from tbp.model.changes import Change, ChangeEvidence, History
from tbp.model.series import Commit
from tbp.report.parts import addresses
from tbp.report.parts.flame import Flame, change_flame, newest_flame
from tbp.report.parts.flame_rows import MOST_ROWS, NAME_LENGTH
from tbp.report.site.build import write_site
from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.differences.frame_difference import frame_difference
from tbp.traces.frames.frames import Frames

from ...flames import Rows, frames
from ...trace_differences import certain_difference

Make = Callable[..., Any]

BEFORE: Rows = {
    "linear": ("operator", 4, 1_000_000, 0),
    "linear > mm": ("operator", 4, 2_000_000, 0),
    "linear > mm > gemm": ("device", 4, 0, 5_000_000),
    "old": ("operator", 2, 600_000, 0),
}
AFTER: Rows = {
    "linear": ("operator", 4, 1_000_000, 0),
    "linear > mm": ("operator", 12, 4_000_000, 0),
    "linear > mm > gemm": ("device", 12, 0, 9_000_000),
    "linear > masked_fill_": ("operator", 8, 500_000, 0),
}


def changed(history: History, **fields: object) -> Flame:
    found = frame_difference(frames(BEFORE), frames(AFTER))
    evidence = ChangeEvidence(Change(3, 1e-3, 1.2e-3, 0.001, True), certain_difference(**fields), "", found)
    return change_flame(history, evidence)


def newest(history: History, found: Frames) -> Flame:
    return newest_flame(replace(history, frames=found, operators_commit=history.points[-1].commit))


def test_what_is_drawn_is_per_step_and_adds_up(make_history: Make) -> None:
    flame = newest(make_history(), frames(AFTER))
    payload = flame.payload
    assert payload["names"] == ["linear", "mm", "gemm", "masked_fill_"]
    assert payload["parent"] == [NO_PARENT, 0, 1, 0]
    assert payload["kind"] == "oodo"
    assert payload["calls"] == [2, 6, 6, 4]
    assert payload["host"] == [500_000, 2_000_000, 0, 250_000]
    assert payload["device"] == [0, 0, 4_500_000, 0]
    assert payload["step"] == 4_000_000
    assert (flame.clock, flame.has_device) == ("device", True)
    assert "kernel time" in flame.caption
    assert "3 traced sessions" in flame.caption


def test_the_top_is_a_table_largest_first_below_its_caller(make_history: Make) -> None:
    rows = {name: row for name, row in AFTER.items() if "gemm" not in name}
    rows["tiny"] = ("operator", 2, 2_000, 0)
    flame = newest(make_history(), frames(rows))
    assert [(row.name, row.level, row.time, row.share, row.calls) for row in flame.rows] == [
        ("linear", 0, "2.75 ms", "69 %", "2"),
        ("mm", 1, "2.00 ms", "50 %", "6"),
        ("masked_fill_", 1, "250 µs", "6.2 %", "4"),
    ]


def test_the_table_is_bounded(make_history: Make) -> None:
    many: Rows = {f"n{place}": ("operator", 1, 1_000_000, 0) for place in range(19)}
    deep = {f"{'n0 > ' * level}n0": ("operator", 1, 1_000_000, 0) for level in range(40)}
    assert len(newest(make_history(), frames({**many, **deep})).rows) <= MOST_ROWS


def test_threads_that_overlap_are_said(make_history: Make) -> None:
    said = newest(make_history(), frames(AFTER, step_ns=4_000_000)).caption
    assert "On the host threads ran at once: together they took 2.75 ms in a step of 2.00 ms." in said


def test_a_difference_has_both_sides_and_a_mark_for_each_frame(make_history: Make) -> None:
    flame = changed(make_history())
    payload = flame.payload
    assert payload["names"] == ["linear", "mm", "gemm", "masked_fill_", "old"]
    assert payload["calls"] == [2, 6, 6, 4, 0]
    assert payload["before"] == {
        "calls": [2, 2, 2, 0, 1],
        "host": [500_000, 1_000_000, 0, 0, 300_000],
        "device": [0, 0, 2_500_000, 0, 0],
        "step": 4_000_000,
    }
    assert payload["marks"] == {"host": "SS.NG", "device": "SSSNG"}
    assert flame.gone
    assert [(row.name, row.before, row.time, row.delta, row.calls, row.mark) for row in flame.rows] == [
        ("linear", "1.50 ms", "2.75 ms", "+1.25 ms", "2", "slower"),
        ("mm", "1.00 ms", "2.00 ms", "+1.00 ms", "2 → 6", "slower"),
        ("masked_fill_", "0 µs", "250 µs", "+250 µs", "0 → 4", "new"),
        ("old", "300 µs", "0 µs", "−300 µs", "1 → 0", "gone"),
    ]


def test_doubt_is_a_mark_of_its_own(make_history: Make) -> None:
    flame = changed(make_history(), certain=("other",))
    assert flame.payload["marks"]["host"].startswith("ss.")
    assert flame.rows[0].mark == "slower, not certain"


def test_a_slower_machine_is_said_and_not_coloured(make_history: Make) -> None:
    flame = changed(make_history(), factor=2.0, certain=("other",))
    assert "took 2.00 × their time: only what goes beyond that is coloured" in flame.caption
    assert flame.payload["marks"]["host"][:2] == ".."
    assert "×" not in changed(make_history()).caption


def test_several_small_frames_are_told_by_their_number(make_history: Make) -> None:
    found = frames({"a": ("operator", 1, 10, 0), "": ("smaller", 7, 10, 0), "b": ("operator", 1, 1, 0)})
    found.rows["merged"] = [1, 1200, 1]
    assert newest(make_history(), found).payload["names"] == ["a", "(1,200 smaller)", "b"]
    found.rows["merged"] = [1, 0, 1]
    assert "(deeper calls)" in str(newest(make_history(), found).payload["names"])


def test_no_frames_is_no_graph(make_history: Make) -> None:
    assert newest_flame(make_history()) is None
    assert change_flame(make_history(), ChangeEvidence(Change(3, 1.0, 2.0, 0.1, True))) is None


def test_each_series_has_its_data_in_a_file_of_its_own(tmp_path: Path, make_history: Make, make_report: Make) -> None:
    two = [
        replace(make_history(machine=name), frames=frames(AFTER), operators_commit=make_history().points[-1].commit)
        for name in ("m1", "m2")
    ]
    site = write_site(make_report(*two, make_history(benchmark="bare")), tmp_path).parent
    found = sorted(site.glob("data/*.flame.js"))
    assert len(found) == 2
    page = next(site.glob("benchmarks/attention*.html")).read_text()
    for path in found:
        assert page.count(f'data-source="../data/{path.name}"') == 1
        text = path.read_text().removeprefix("// written by tbp report\ntbp.flame(").removesuffix(");\n")
        assert json.loads(text)["names"][0] == "linear"
    assert "flame-box" not in next(site.glob("benchmarks/bare*.html")).read_text()
    write_site(make_report(make_history(benchmark="bare")), tmp_path)
    assert not list(site.glob("data/*.flame.js"))


@pytest.mark.parametrize(
    "text", ["</script><img src=x onerror=alert(1)>", "\u202e\u2028\x00\udc80", "{{7*7}}", "x" * 9999]
)
def test_hostile_names_stay_text(tmp_path: Path, make_history: Make, make_report: Make, text: str) -> None:
    found = frames({text: ("operator", 1, 10_000, 0)})
    made = replace(make_history(), frames=found, operators_commit=make_history().points[-1].commit)
    site = write_site(make_report(made), tmp_path).parent
    data = next(site.glob("data/*.flame.js")).read_bytes()
    page = next(site.glob("benchmarks/*.html")).read_text("utf-8")
    assert data.isascii()
    assert b"<" not in data
    assert "onerror=alert(1)>" not in page
    assert "\u202e" not in page
    assert len(json.loads(data.partition(b"tbp.flame(")[2][:-3])["names"][0]) <= NAME_LENGTH


def test_the_command_finds_the_traces_of_its_series_only(
    traced_results: Path, make_history: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = chosen("aaaa", StoredTraces(results=traced_results))
    assert source.key is not None
    commit = Commit("a" * 40, make_history().points[0].commit.date)
    command = addresses.raw_traces(source.key, commit)
    assert command.startswith("tbp export --perfetto traces-aaaaaaaa --bench ")
    pattern = command.split("'")[1]
    assert len(chosen("aaaaaaaa", StoredTraces(results=traced_results, bench=(pattern,)))) == 1
    assert addresses.raw_traces(source.key, replace(commit, hash="$(rm)")) == ""
    bare = replace(source.key, parameters=())
    assert "\\(" in addresses.raw_traces(bare, commit)
