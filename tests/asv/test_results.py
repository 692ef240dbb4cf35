"""A results folder as one frame, and what is to be known of it."""

import json
import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tbp.asv.declarations import benchmark_from_name
from tbp.asv.results import checked, read_results
from tbp.errors import NothingMeasured
from tbp.model.series import Outcome
from tbp.system.python_text import plain_value

from ..result_frames import rows_of

Writer = Callable[..., Path]


def values(path: Path) -> list[Any]:
    return rows_of(read_results(path.parent.parent))


def test_benchmarks_json_names_parameters_and_units(result_file: Writer):
    path = result_file("a", {"track_it": [[3], [["1"]], "v"]})
    declared = {
        "track_it": {"param_names": ["width"], "unit": "tokens/s", "type": "track", "version": "v"},
        "version": 2,
    }
    (path.parent.parent / "benchmarks.json").write_text(json.dumps(declared))
    (found,) = values(path)
    assert (found.parameters, found.unit) == ((("width", "1"),), "tokens/s")


def test_benchmarks_json_holds_what_a_benchmark_runs(result_file: Writer):
    path = result_file("a", {"track_it": [[3], []]})
    declared = {"track_it": {"code": "def track_it():\n    return 3"}, "track_other": {"code": None}, "version": 2}
    (path.parent.parent / "benchmarks.json").write_text(json.dumps(declared))
    found = read_results(path.parent.parent).benchmarks
    assert (found["track_it"].code, found["track_other"].code) == ("def track_it():\n    return 3", "")


def test_machine_json_is_optional(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    result_file("a", {"time_it": [[1.0], []]}, machine="other")
    (path.parent / "machine.json").write_text(json.dumps({"machine": "box", "cpu": "Z80", "num_cpu": "1"}))
    machines = read_results(path.parent.parent).machines
    assert [(m.name, m.facts) for m in machines] == [("box", (("processor", "Z80"), ("cores", "1"))), ("other", ())]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe\x00", b"[" * 100_000, b'{"version": 3}',
        b'{"version": 2, "commit_hash": "a", "results": {}, "result_columns": [], "date": null}',
        b'{"version": 2, "commit_hash": "a", "results": {}, "result_columns": [], "date": 1e300}',
        b'{"version": 2, "commit_hash": "a", "results": {"time_it": [[1], []]}, "date": 1}',
        b'{"version": 2, "commit_hash": "a", "results": {}, "result_columns": ["result\xff"], "date": 1}',
        b'{"version": 2, "commit_hash": "a", "results": {}, "result_columns": {"a": 1e999}, "date": 1}',
    ],
)  # fmt: skip
def test_a_broken_file_is_a_problem_and_the_others_are_read(result_file: Writer, content: bytes):
    path = result_file("a", {"time_it": [[1.0], []]})
    (path.parent / "bbbbbbbb-env.json").write_bytes(content)
    results = read_results(path.parent.parent)
    assert len(results.frame) == 1
    assert len(results.problems) == 1
    assert "bbbbbbbb-env.json was left out" in results.problems[0]


def test_one_run_in_two_files_counts_once(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    (path.parent / "copy.json").write_bytes(path.read_bytes())
    results = read_results(path.parent.parent)
    assert len(results.frame) == 1
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
        ("'\\d'", "\\d"),  # of which Python has something to remark
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


def test_machines_environments_and_pythons_stay_apart(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    result_file("a", {"time_it": [[2.0], []]}, machine="other", python="3.12")
    (path.parent / "aaaaaaaa-third.json").write_text(path.read_text().replace('"env"', '"third"'))
    found = [(v.machine, v.environment, v.python, v.value) for v in values(path)]
    assert found == [("box", "env", "3.11", 1.0), ("box", "third", "3.11", 1.0), ("other", "env", "3.12", 2.0)]


def test_a_benchmark_that_vanished_from_benchmarks_json_is_still_read(result_file: Writer):
    path = result_file("a", {"peakmem_gone": [[1], []]})
    (path.parent.parent / "benchmarks.json").write_text('{"time_new": {"unit": "seconds"}, "version": 2}')
    (found,) = values(path)
    assert (found.unit, found.type) == ("bytes", "peakmemory")


def test_without_machine_json_the_newest_run_says_what_the_machine_is(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]}, day=2, params={"machine": "box", "cpu": "new", "ram": "8 GB"})
    result_file("b", {"time_it": [[1.0], []]}, day=1, params={"machine": "box", "cpu": "old"})
    (machine,) = read_results(path.parent.parent).machines
    assert (machine.name, machine.facts) == ("box", (("processor", "new"), ("memory", "8 GB")))


def test_unreadable_files_are_counted(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    (path.parent / "b-env.json").write_bytes(b"")
    (path.parent / "c-env.json").write_bytes(path.read_bytes()[:100])
    (path.parent / "benchmarks.json").write_bytes(b"{")
    (path.parent / "machine.json").write_bytes(b"{")
    results = read_results(path.parent.parent)
    assert results.left_out == 2
    assert ["is empty" in results.problems[0], "half written" in results.problems[1]] == [True, True]
    assert "run `asv machine`" in results.problems[2]


def test_the_frame_has_no_more_categories_than_it_needs(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0, 2.0], [["1", "2"]]]})
    frame = read_results(path.parent.parent).frame
    assert list(frame["outcome"].cat.categories) == [Outcome.MEASURED]
    assert list(frame["parameters"].cat.categories) == [(("param1", "1"),), (("param1", "2"),)]


def test_only_a_frame_with_all_columns_and_their_kinds_is_one_of_results(result_file: Writer):
    frame = read_results(result_file("a", {"time_it": [[1.0], []]}).parent.parent).frame
    assert checked(frame) is frame
    with pytest.raises(TypeError, match="columns are"):
        checked(frame.drop(columns="unit"))
    with pytest.raises(TypeError, match="'value': 'float32'"):
        checked(frame.astype({"value": "float32"}))


def test_commits_have_the_dates_that_asv_wrote(result_file: Writer):
    result_file("b", {"time_it": [[1.0], []]}, day=1)
    path = result_file("a", {"time_it": [[1.0], []]}, day=2)
    commits = read_results(path.parent.parent).commits
    assert {name[0]: date.isoformat() for name, date in commits.items()} == {
        "a": "2023-11-16T22:13:20+00:00", "b": "2023-11-15T22:13:20+00:00",
    }  # fmt: skip
    assert {type(date) for date in commits.values()} == {datetime}


@pytest.mark.parametrize("name", ["lightning", "mjwarp", "pyg"])
def test_asvs_own_reader_says_the_same(real_results: Callable[[str], Path], name: str):
    asv_results = pytest.importorskip("asv.results")
    folder = real_results(name)
    expected: Counter[tuple[object, ...]] = Counter()
    for result in asv_results.iter_results(str(folder)):
        run = result.params["machine"], result.env_name, result.commit_hash
        for key in result.get_all_result_keys():
            params = result.get_result_params(key)
            own, stats = result.get_result_value(key, params), result.get_result_stats(key, params)
            for value, stat in zip(own, stats, strict=True):
                q25 = stat["q_25"] if stat else None
                expected[(key, *run, str(math.nan if value is None else float(value)), str(q25 or math.nan))] += 1
    found = Counter(
        (v.benchmark, v.machine, v.environment, v.commit, str(v.value), str(v.q25))
        for v in rows_of(read_results(folder))
    )
    assert found == expected


@pytest.mark.parametrize(("name", "rows", "machines"), [("lightning", 12289, 1), ("mjwarp", 19572, 1), ("pyg", 102, 2)])
def test_real_results_are_read_whole(real_results: Callable[[str], Path], name: str, rows: int, machines: int):
    results = read_results(real_results(name))
    assert (len(results.frame), len(results.machines), results.problems) == (rows, machines, ())
