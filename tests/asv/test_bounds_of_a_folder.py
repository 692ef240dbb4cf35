"""A results folder is read file by file: what cannot be read is named and counted, the rest is reported."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tbp.asv import results as results_module
from tbp.asv.ratios import read_ratios
from tbp.asv.results import read_results
from tbp.asv.session_files import read_sessions
from tbp.system.python_text import plain_value

Writer = Callable[..., Path]


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_loop, "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "No such file"),
        (lambda path: path.symlink_to("/dev/zero"), "no plain file"),
        (os.mkfifo, "no plain file"),
        (Path.mkdir, "no plain file"),
    ],
)
def test_what_is_no_file_is_named_and_counted_and_the_rest_is_read(result_file: Writer, make, reason: str):
    path = result_file("a", {"time_it": [[1.0], []]})
    make(path.with_name("bbbbbbbb-env.json"))
    read = read_results(path.parent.parent)
    assert (len(read.frame), read.left_out) == (1, 1)
    assert "bbbbbbbb-env.json was left out" in read.problems[0]
    assert reason in read.problems[0]


@pytest.mark.parametrize("name", ["machine.json", "../benchmarks.json", "../other/machine.json"])
@pytest.mark.parametrize("make", [os.mkfifo, _loop, lambda path: path.symlink_to("/dev/zero")])
def test_descriptions_that_are_no_files_are_named(result_file: Writer, name: str, make):
    path = result_file("a", {"time_it": [[1.0], []]})
    (path.parent.parent / "other").mkdir()
    make(path.parent / name)
    read = read_results(path.parent.parent)
    assert len(read.frame) == 1
    assert [Path(name).name in problem for problem in read.problems] == [True]


def test_a_machine_s_folder_that_is_none_is_named(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    _loop(path.parent.parent / "loop")
    read = read_results(path.parent.parent)
    assert (len(read.frame), len(read.problems)) == (1, 1)
    assert "loop was left out: it cannot be opened (Too many levels of symbolic links)" in read.problems[0]


def test_halves_of_characters_and_odd_numbers_in_a_run_s_facts_are_shown(result_file: Writer):
    params = {"machine": "box", "gpu": "\ud800", "x": float("nan"), "y": [float("inf")]}
    path = result_file("a", {"time_it": [[1.0], []]}, params=params, requirements={"numpy": "\udfff"})
    read = read_results(path.parent.parent)
    assert read.frame["requirements"][0] == "numpy=?"
    assert "gpu=?" in read.frame["hardware"][0]


def test_halves_of_characters_in_declarations_become_question_marks(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], [["'\\ud800'"]]]})
    declared = {"time_it": {"param_names": ["\ud800"], "unit": "s\udc00", "code": "\ud83d"}}
    (path.parent.parent / "benchmarks.json").write_text(json.dumps(declared))
    read = read_results(path.parent.parent)
    benchmark = read.benchmarks["time_it"]
    assert (benchmark.parameter_names, benchmark.unit, benchmark.code) == (("?",), "s?", "?")
    assert list(read.frame["parameters"]) == [(("?", "?"),)]


@pytest.mark.parametrize("text", ["'a'" + "+'1'" * 3000, "'" + "(" * 300, '"' + "x" * 5000 + '"', "'a'" + "*9" * 400])
def test_a_long_repr_is_shown_as_it_is(text: str):
    assert plain_value(text) == text


def test_a_parameter_with_a_long_repr_is_reported(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], [["'a'" + "+'1'" * 2000]]]})
    assert len(read_results(path.parent.parent).frame) == 1


def test_values_beyond_any_use_are_failed_or_zero(result_file: Writer):
    values = [5e-324, -1e-200, 1e-99, 2.0, 1e99, 1e101, -1e250]
    path = result_file("a", {"track_it": [values, [list("1234567")]]})
    read = read_results(path.parent.parent)
    np.testing.assert_array_equal(read.frame["value"], [0.0, 0.0, 1e-99, 2.0, 1e99, np.nan, np.nan])
    assert list(read.frame["outcome"]) == ["measured"] * 5 + ["failed"] * 2
    assert "2 values beyond ±1e+100 count as failed" in read.problems[0]


def test_the_cells_of_one_file_are_bounded_together(result_file: Writer):
    grid = [[str(number) for number in range(250)]] * 2  # 62,500 cells
    path = result_file("a", {"time_a": [None, grid], "time_b": [None, grid], "time_c": [[1.0], []]})
    read = read_results(path.parent.parent)
    assert set(read.frame["benchmark"]) == {"time_a", "time_c"}
    assert "time_b claims 62,500 combinations" in read.problems[0]


@pytest.mark.parametrize("row", [("time_" + "x" * 10_000, []), ("time_it", [["v" * 10_001]])])
def test_a_text_beyond_the_bounds_is_left_out_by_a_short_name(result_file: Writer, row: tuple[str, list[list[str]]]):
    name, parameters = row
    path = result_file("a", {name: [[1.0], parameters], "time_good": [[1.0], []]})
    read = read_results(path.parent.parent)
    assert set(read.frame["benchmark"]) == {"time_good"}
    assert "more than 10,000 characters" in read.problems[0]
    assert len(read.problems[0]) < 500


@pytest.mark.parametrize(("bound", "most"), [("MOST_SERIES", 4), ("MOST_VALUES", 5)])
def test_a_folder_is_read_up_to_its_bounds(result_file: Writer, monkeypatch: pytest.MonkeyPatch, bound: str, most: int):
    monkeypatch.setattr(results_module, bound, most)
    for letter in "abc":
        path = result_file(letter, {f"time_{letter if bound == 'MOST_SERIES' else 'x'}": [[1.0, 2.0], [["1", "2"]]]})
    read = read_results(path.parent.parent)
    assert (len(read.frame), read.left_out) == (4, 1)
    assert "1 result files were left out" in read.problems[-1]


SESSION = {
    "format": 1, "run": "r", "session": "s", "benchmark": "a", "parameters": {}, "commit": "0" * 40,
    "environment": "e", "machine": "m", "started": "2026-01-01T00:00:00+00:00", "wall_s": [1.0],
}  # fmt: skip


def _session(folder: Path, content: bytes) -> Path:
    path = folder / "m" / "00000000-e.traces" / "a" / "0.s.session.json.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("trace", ["", "x" * 300, "x" * 255, "é" * 200, "é" * 120, "a\0b", "..", "../x", "/etc/passwd"])
def test_a_session_whose_trace_has_an_impossible_name_is_read_without_it(tmp_path: Path, trace: str):
    _session(tmp_path, gzip.compress(json.dumps({**SESSION, "trace": trace}).encode()))
    read = read_sessions(tmp_path)
    assert [session.trace for session in read.sessions] == [None]
    assert len(read.problems) == 1


def test_a_session_that_unpacks_without_end_is_left_out(tmp_path: Path):
    blanks = gzip.compress(b" " * 1_000_000)
    _session(tmp_path, blanks * 70 + gzip.compress(json.dumps(SESSION).encode()))
    read = read_sessions(tmp_path)
    assert read.sessions == ()
    assert "larger than the 64 MB" in read.problems[0]


@pytest.mark.parametrize("make", [os.mkfifo, _loop])
def test_sessions_and_ratios_that_are_no_files_are_named(tmp_path: Path, make):
    path = _session(tmp_path, b"")
    path.unlink()
    make(path)
    make(tmp_path / "m" / "x.paired")
    assert len(read_sessions(tmp_path).problems) == len(read_ratios(tmp_path).problems) == 1
