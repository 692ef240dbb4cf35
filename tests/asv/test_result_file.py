"""One result file as rows: what asv writes, what it wrote, and what no asv ever wrote."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tbp.asv.result_file import memory
from tbp.asv.results import read_results
from tbp.model.series import Outcome

from ..result_frames import rows_of

Writer = Callable[..., Path]
NAN, INF = float("nan"), float("inf")


def values(path: Path) -> list[Any]:
    return rows_of(read_results(path.parent.parent))


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
        "benchmark_version": {"time_it": "v"}, "started_at": {"time_it": 1000}, "version": 1,
    }  # fmt: skip
    path = folder / "cccccccc-py3.6.json"
    path.write_text(json.dumps(content))
    found = {(v.benchmark, v.parameters): v for v in values(path)}
    assert found["time_plain", ()].value == 2.5
    first = found["time_it", (("param1", "1"),)]
    assert (first.value, first.q25, first.number, first.version, first.environment) == (1.0, 0.9, 3, "v", "py3.6")
    assert found["time_it", (("param1", "2"),)].outcome is Outcome.FAILED
    assert [pd.isna(value.started) for value in found.values()] == [True, False, False]


def test_a_run_says_its_python_requirements_and_hardware(result_file: Writer):
    params = {
        "machine": "box",
        "cpu": "Z80; fast",
        "num_cpu": 8,
        "ram": str(64 * 2**30),
        "arch": "x86_64",
        "os": "Linux 5",
    }
    path = result_file("a", {"time_it": [[1.0], []]}, params=params, requirements={"torch": "2.13", "numpy": ""})
    result_file("b", {"time_it": [[1.0], []]}, python=None, requirements=None)
    first, second = values(path)
    assert (first.python, first.requirements) == ("3.11", "numpy=;torch=2.13")
    assert first.hardware == "cpu=Z80, fast;num_cpu=8;ram=64 GiB;arch=x86_64;os=Linux 5"
    assert (second.python, second.requirements, second.hardware) == ("", "", "")


@pytest.mark.parametrize(
    ("ram", "said"), [("67416002560", "62.8 GiB"), ("65836440", "62.8 GiB"), ("64 GB", "64 GB"), ("²", "²"), ("", "")]
)
def test_memory_is_bytes_or_the_kilobytes_of_older_versions_of_asv(ram: str, said: str):
    assert memory(ram) == said


ODD_ROW = {"track_odd": [["a text"], []]}


@pytest.mark.parametrize("more", [{}, ODD_ROW], ids=["at once", "value by value"])
def test_both_ways_of_reading_say_the_same(result_file: Writer, more: dict[str, Any]):
    """One row of another shape than asv's sends the whole file the slow way."""
    rows = {
        "time_stats": [[0.5, NAN, None], [["'NaN'", "Infinity", "é"]], "v", 1, 1.0, [-INF, None, None],
                       [INF, None, None], [0.4, NAN, None], [0.6, INF], [10, None, None], [3], [[0.5], None, None]],
        "time_NaN": [[-INF, 1], [["1", "2"]], "NaN"],
        "track_flag": [[True], [], "v"],
        "peakmem_it": [[2**40], [], "v"],
        "time_short": [None],
    }  # fmt: skip
    found = [value for value in values(result_file("a", rows | more)) if value.benchmark != "track_odd"]
    cells = [(v.benchmark, *(text for _, text in v.parameters), v.outcome.value) for v in found]
    assert cells == [
        ("time_stats", "NaN", "measured"), ("time_stats", "Infinity", "skipped"), ("time_stats", "é", "failed"),
        ("time_NaN", "1", "failed"), ("time_NaN", "2", "measured"), ("track_flag", "measured"),
        ("peakmem_it", "measured"), ("time_short", "failed"),
    ]  # fmt: skip
    assert [v.value for v in found if v.outcome is Outcome.MEASURED] == [0.5, 1.0, 1.0, 2.0**40]
    assert [v.q25 for v in found if v.q25 == v.q25] == [0.4]
    assert [v.q75 for v in found if v.q75 == v.q75] == [0.6]
    assert [v.version for v in found][2:4] == ["v", "NaN"]


def test_other_columns_in_another_order(result_file: Writer):
    columns = ["params", "surprise", "result", "version"]
    path = result_file("a", {"time_it": [[["1"]], 7, [2.0], "v"]}, result_columns=columns)
    (found,) = values(path)
    assert (found.value, found.version, found.parameters) == (2.0, "v", (("param1", "1"),))


def test_half_a_character_does_not_travel(result_file: Writer):
    (found,) = values(result_file("a", {"time_\ud800": [[1.0], [["'\udfff'"]]]}))
    assert (found.benchmark, found.parameters) == ("time_?", (("param1", "?"),))


def test_a_grid_beyond_all_measure_is_a_problem(result_file: Writer):
    path = result_file("a", {"time_it": [None, [["1"] * 1000] * 5], "time_good": [[1.0], []]})
    results = read_results(path.parent.parent)
    assert list(results.frame["benchmark"]) == ["time_good"]
    assert "time_it claims 1,000,000,000,000,000 combinations" in results.problems[0]


def test_a_benchmark_with_no_cells_is_no_row(result_file: Writer):
    assert [v.benchmark for v in values(result_file("a", {"time_it": [[], [[]]], "time_good": [[1.0], []]}))] == [
        "time_good"
    ]


def test_a_file_without_machine_or_environment_is_named_by_its_path(result_file: Writer):
    (found,) = values(result_file("a", {"time_it": [[1.0], []]}, params={}, env_name=None))
    assert (found.machine, found.environment) == ("box", "env")


def test_all_that_machine_json_says_is_kept(result_file: Writer):
    """The requirements of asv stand among the parameters of a run as well, and are no facts of the machine."""
    said = {
        "machine": "box", "version": 1, "os": "Windows 11", "gpu": ["RTX 4090", "RTX 4090"], "driver": 555.85,
        "cooling": {"fan": "on", "water": None}, "cpu": "", "notes": "two\nlines",
    }  # fmt: skip
    params = {**said, "python": "3.11", "torch": "2.13"}
    path = result_file("a", {"time_it": [[1.0], []]}, params=params, requirements={"torch": "2.13"})
    (found,) = values(path)
    assert found.hardware == "os=Windows 11;cooling=fan on, water;driver=555.85;gpu=RTX 4090, RTX 4090;notes=two lines"
    (path.parent / "machine.json").write_text(json.dumps(said))
    (machine,) = read_results(path.parent.parent).machines
    assert machine.facts == (
        ("system", "Windows 11"), ("machine's cooling", "fan on, water"), ("driver", "555.85"),
        ("GPU", "RTX 4090, RTX 4090"), ("machine's notes", "two lines"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("started_at", "said"),
    [(1_653_791_570_144, "2022-05-29T02:32:50.144000+00:00"), (None, None), (NAN, None), ("soon", None), (-1, None),
     (1e300, None)],
)  # fmt: skip
def test_a_value_says_when_it_was_measured(result_file: Writer, started_at: object, said: str | None):
    (found,) = values(result_file("a", {"time_it": [[1.0], [], "v", started_at]}))
    assert (None if pd.isna(found.started) else found.started.isoformat()) == said


@pytest.mark.parametrize(("digits", "benchmarks"), [(400, ["time_it", "time_it"]), (5_000, ["time_it"])])
@pytest.mark.parametrize("head", ["requirements", "params"])
def test_a_number_beyond_any_use_is_never_fatal(result_file: Writer, head: str, digits: int, benchmarks: list[str]):
    """Of 400 digits it is still a text; Python refuses to read more than 4,300."""
    result_file("a", {"time_it": [[1.0], []]})
    path = result_file("b", {"time_it": [[1.0], []]}, **{head: {"numpy": "huge"}})
    path.write_text(path.read_text().replace('"huge"', "1" * digits))
    results = read_results(path.parent.parent)
    assert results.frame["benchmark"].tolist() == benchmarks
    assert results.left_out == 2 - len(benchmarks)
