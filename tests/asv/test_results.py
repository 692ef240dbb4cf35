from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.asv.declarations import benchmark_from_name, plain_value
from tbp.asv.results import Value, read_results
from tbp.errors import NothingMeasured
from tbp.history.series import Outcome

Writer = Callable[..., Path]
NAN, INF = float("nan"), float("inf")


def values(path: Path) -> list[Value]:
    return list(read_results(path.parent.parent).values())


def test_a_cell_of_each_outcome(result_file: Writer):
    row = [[0.5, NAN, None, INF], [["'sdpa'", "'math'"], ["256", "512"]], "v1", 1, 1.0, None, None,
           [0.4, NAN, None], [0.6, NAN, None], [10, None, None, None]]  # fmt: skip
    found = values(result_file("a", {"attention.Quick.torchtime_step": row}))
    assert [v.outcome for v in found] == [Outcome.MEASURED, Outcome.SKIPPED, Outcome.FAILED, Outcome.FAILED]
    first = found[0]
    assert first.parameters == (("param1", "sdpa"), ("param2", "256"))
    assert (first.value, first.q25, first.q75, first.number) == (0.5, 0.4, 0.6, 10)
    assert (first.unit, first.type, first.version, first.commit) == ("seconds", "time", "v1", "a" * 40)
    assert first.date.isoformat() == "2023-11-14T22:13:20+00:00"
    assert math.isnan(found[3].value)


def test_a_failed_benchmark_is_null_and_its_row_short(result_file: Writer):
    found = values(result_file("a", {"track_it": [None, [["1", "2"]]]}))
    assert [v.outcome for v in found] == [Outcome.FAILED, Outcome.FAILED]


def test_benchmarks_json_names_parameters_and_units(result_file: Writer):
    path = result_file("a", {"track_it": [[3], [["1"]], "v"]})
    declared = {
        "track_it": {"param_names": ["width"], "unit": "tokens/s", "type": "track", "version": "v"},
        "version": 2,
    }
    (path.parent.parent / "benchmarks.json").write_text(json.dumps(declared))
    (found,) = values(path)
    assert (found.parameters, found.unit) == ((("width", "1"),), "tokens/s")


def test_machine_json_is_optional(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    result_file("a", {"time_it": [[1.0], []]}, machine="other")
    (path.parent / "machine.json").write_text(json.dumps({"machine": "box", "cpu": "Z80", "num_cpu": "1"}))
    machines = read_results(path.parent.parent).machines
    assert [(m.name, m.cpu) for m in machines] == [("box", "Z80"), ("other", "")]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe\x00", b"[" * 100_000, b'{"version": 3}',
        b'{"version": 2, "commit_hash": "a", "results": {}, "result_columns": [], "date": null}',
        b'{"version": 2, "commit_hash": "a", "results": {}, "result_columns": [], "date": 1e300}',
        b'{"version": 2, "commit_hash": "a", "results": {"time_it": [[1], []]}, "date": 1}',
    ],
)  # fmt: skip
def test_a_broken_file_is_a_problem_and_the_others_are_read(result_file: Writer, content: bytes):
    path = result_file("a", {"time_it": [[1.0], []]})
    (path.parent / "bbbbbbbb-env.json").write_bytes(content)
    results = read_results(path.parent.parent)
    assert len(results.points) == 1
    assert len(results.problems) == 1
    assert "bbbbbbbb-env.json was left out" in results.problems[0]


@pytest.mark.parametrize(
    "row",
    [None, 5, [], [[]], [["1.0"], []], [[True], 7], [[10**400], []], [[1.0, 2.0], []], [{"a": 1}, [[]]], [[[1]], []]],
)
def test_an_odd_row_is_never_fatal(result_file: Writer, row: object):
    path = result_file("a", {"time_it": row, "time_good": [[1.0], []]})
    assert "time_good" in [v.benchmark for v in values(path)]


def test_format_1_is_read(tmp_path: Path):
    folder = tmp_path / "results" / "box"
    folder.mkdir(parents=True)
    stats = {"ci_99": [1, 2], "q_25": 0.9, "q_75": 1.1, "number": 3, "repeat": 2}
    content = {
        "commit_hash": "c" * 40, "date": 1000, "params": {"machine": "box"}, "python": "3.6", "requirements": {},
        "results": {
            "time_plain": 2.5,
            "time_it": {"result": [1.0, None], "params": [["1", "2"]], "stats": [stats, None]},
        },
        "benchmark_version": {"time_it": "v"}, "version": 1,
    }  # fmt: skip
    path = folder / "cccccccc-py3.6.json"
    path.write_text(json.dumps(content))
    found = {(v.benchmark, v.parameters): v for v in values(path)}
    assert found["time_plain", ()].value == 2.5
    first = found["time_it", (("param1", "1"),)]
    assert (first.value, first.q25, first.number, first.version, first.environment) == (1.0, 0.9, 3, "v", "py3.6")
    assert found["time_it", (("param1", "2"),)].outcome is Outcome.FAILED


def test_one_run_in_two_files_counts_once(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    (path.parent / "copy.json").write_bytes(path.read_bytes())
    results = read_results(path.parent.parent)
    assert len(results.points) == 1
    assert "two files" in results.problems[0]


def test_nothing_there_says_what_to_run(tmp_path: Path):
    with pytest.raises(NothingMeasured, match="run `asv run`"):
        read_results(tmp_path / "absent")
    (tmp_path / "results").mkdir()
    with pytest.raises(NothingMeasured, match="run `asv run`"):
        read_results(tmp_path / "results")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("'sdpa'", "sdpa"),
        ('"it\'s"', "it's"),
        ("256", "256"),
        ("<class 'int'>", "int"),
        ("'", "'"),
        ("' '", "' '"),
        ("", ""),
    ],
)
def test_a_parameter_loses_its_quotes(text: str, plain: str):
    assert plain_value(text) == plain


def test_parameters_that_would_look_alike_keep_their_quotes(result_file: Writer):
    found = values(result_file("a", {"time_it": [[1.0, 2.0], [["1", "'1'"]]]}))
    assert [v.parameters[0][1] for v in found] == ["1", "'1'"]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("m.S.time_x", "seconds"),
        ("m.TimeX", "seconds"),
        ("m.peakmem_x", "bytes"),
        ("m.torchtime_x", "seconds"),
        ("m.timer", "unknown"),
    ],
)
def test_the_name_says_the_unit_where_nothing_else_does(name: str, unit: str):
    assert benchmark_from_name(name).unit == unit


@pytest.mark.parametrize(("name", "rows", "machines"), [("lightning", 12289, 1), ("mjwarp", 19572, 1), ("pyg", 102, 2)])
def test_real_results_are_read_whole(real_results: Callable[[str], Path], name: str, rows: int, machines: int):
    results = read_results(real_results(name))
    assert (len(results.points), len(results.machines), results.problems) == (rows, machines, ())
