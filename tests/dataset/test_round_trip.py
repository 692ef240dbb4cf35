"""From a results folder into a store and back: the same values, the same report, and nothing twice."""

import filecmp
import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

import tbp
from tbp.asv.ratios import Ratio, add_ratios, read_ratios
from tbp.asv.reasons import read_reasons, write_outputs
from tbp.asv.results import Results, read_results
from tbp.asv.session_files import read_sessions
from tbp.dataset.compaction import compact
from tbp.dataset.database import Wanted
from tbp.dataset.files import StoreFiles
from tbp.dataset.ingest import Ingested, ingest
from tbp.dataset.source import StoreSource, store_source
from tbp.errors import NothingMeasured, UsageError
from tbp.model.series import SeriesKey
from tbp.traces.operator_files import operator_bytes
from tbp.traces.read_recording import read_recording

from ..command_line import Run
from ..result_folders import write_result

TINYFORMER = Path(__file__).parents[1] / "data" / "tinyformer" / "results"
DAY_MS = 86_400_000
A, B, C = "a" * 40, "b" * 40, "c" * 40
# Two parameters, of which a cell failed and another was skipped; and one benchmark without any.
GRID = [[1.0, None, 3.0, float("nan")], [["1", "2"], ["'x'", "'y'"]], "v1", 1_700_000_000_000, 1.0, None, None,
        [0.9, None, 2.9, None], [1.1, None, 3.1, None], [10, None, 10, None]]  # fmt: skip
PLAIN = [[5.0], [], "v2"]


def small(folder: Path) -> Path:
    """Three runs on two machines, two of them in one month, and every kind of file beside them."""
    write_result(folder, A, {"suite.time_grid": GRID, "suite.time_plain": PLAIN}, 0, "box-1")
    write_result(folder, B, {"suite.time_plain": [[6.0, 7.0], [], "v2"]}, 40, "box-1")
    write_result(folder, C, {"suite.time_plain": PLAIN}, 1, "box 2/é".replace("/", "%"), python="3.12")
    (folder / "box-1" / "machine.json").write_text('{"machine": "box-1", "cpu": "Xeon", "gpu": "H200"}')
    declared = {"suite.time_grid": {"type": "time", "unit": "seconds", "param_names": ["n", "kind"],
                                    "params": [["1", "2"], ["'x'", "'y'"]]}, "version": 2}  # fmt: skip
    (folder / "benchmarks.json").write_text(json.dumps(declared))
    write_outputs(
        folder / "box-1" / f"{A[:8]}-env.reasons", "box-1", "env", A, {("suite.time_grid", ("1", "'y'")): "asv: boom"}
    )
    add_ratios(folder, [(SeriesKey("suite.time_plain", (), "box-1", "env"), Ratio(A, B, (0.1, 0.2)))])
    return folder


def stored(folder: Path, store: Path | str, now_ms: int = 0) -> Ingested:
    return ingest(StoreFiles(str(store)), folder, "sample", (), now_ms)


def source(store: Path | str) -> StoreSource:
    return store_source(str(store))


def assert_equal(left: Results, right: Results) -> None:
    pd.testing.assert_frame_equal(left.frame, right.frame)
    for name in ("benchmarks", "machines", "problems", "left_out", "remarks"):
        assert getattr(left, name) == getattr(right, name), name


@pytest.mark.parametrize("address", ["{tmp}/store", "file://{tmp}/store", "memory://store-of-{name}"])
def test_a_store_gives_what_the_folder_has(tmp_path: Path, address: str):
    folder, store = small(tmp_path / "results"), address.format(tmp=tmp_path, name=tmp_path.name)
    added = stored(folder, store)
    assert (added.runs, added.points, added.problems) == (3, 7, ())
    assert_equal(source(store).results(), read_results(folder))
    assert source(store).ratios() == read_ratios(folder)
    assert source(store).sessions().reasons == read_reasons(folder)
    assert source(store).folder == folder


def test_sessions_and_their_traces_come_back(tmp_path: Path):
    stored(TINYFORMER, tmp_path / "store")
    recorded, back = read_sessions(TINYFORMER), source(tmp_path / "store").sessions()
    assert len(recorded.sessions) > 10
    assert back == recorded


def test_traces_that_are_gone_are_read_from_the_store(tmp_path: Path):
    folder = shutil.copytree(TINYFORMER, tmp_path / "results")
    stored(folder, tmp_path / "store")
    recorded = [session.trace for session in read_sessions(folder).sessions if session.trace]
    contents = [operator_bytes(read_recording(trace)) for trace in recorded]
    shutil.rmtree(folder)
    back = source(tmp_path / "store").sessions()
    traces = [session.trace for session in back.sessions if session.trace]
    assert [operator_bytes(read_recording(trace)) for trace in traces] == contents
    assert (len(contents), back.problems) == (len(recorded), ())


def test_what_is_known_is_not_added_again(tmp_path: Path):
    folder, store = small(tmp_path / "results"), tmp_path / "store"
    stored(folder, store)
    before = sorted(store.rglob("*"))
    again = stored(folder, store, 1)
    assert (again.runs, again.known, sorted(store.rglob("*"))) == (0, 7, before)
    write_result(folder, "d" * 40, {"suite.time_plain": PLAIN}, 81, "box-1")
    assert stored(folder, store, 2).runs == 1
    assert_equal(source(store).results(), read_results(folder))


def test_of_a_file_that_grew_every_benchmark_counts_once(tmp_path: Path):
    """asv adds the benchmarks of a later run to the file of a commit; two runners of one name may do so at once."""
    ours, theirs, store = tmp_path / "ours", tmp_path / "theirs", tmp_path / "store"
    late, early = 1_700_000_000_000, 1_600_000_000_000
    write_result(ours, A, {"s.time_a": [[1.0], [], "v", early], "s.time_b": [[2.0], [], "v", late]})
    write_result(theirs, A, {"s.time_a": [[9.0], [], "v", late], "s.time_c": [[3.0], [], "v", early]})
    for folder in (ours, theirs):
        stored(folder, store)
    frame = source(store).results().frame
    assert dict(zip(frame["benchmark"], frame["value"], strict=True)) == {
        "s.time_a": 9.0,
        "s.time_b": 2.0,
        "s.time_c": 3.0,
    }
    compact(StoreFiles(str(store)), 0)
    pd.testing.assert_frame_equal(source(store).results().frame, frame)


def test_ratios_of_two_runners_are_all_there(tmp_path: Path):
    key, store = SeriesKey("s.time_a", (), "box", "env"), tmp_path / "store"
    for name, effect in (("ours", 0.1), ("theirs", 0.3)):
        write_result(tmp_path / name, A, {"s.time_a": PLAIN})
        add_ratios(tmp_path / name, [(key, Ratio(B, A, (effect,)))])
        stored(tmp_path / name, store)
    assert {ratio.effects for ratio in source(store).ratios().of[key]} == {(0.1,), (0.3,)}


def test_the_newest_declaration_is_today_s_also_when_an_earlier_one_comes_back(tmp_path: Path):
    folder, store = small(tmp_path / "results"), tmp_path / "store"
    first = (folder / "benchmarks.json").read_text()
    for now_ms, text in enumerate((first, "{}", first)):
        (folder / "benchmarks.json").write_text(text)
        stored(folder, store, now_ms)
        assert source(store).results().benchmarks == read_results(folder).benchmarks


def test_one_series_is_read_without_the_others(tmp_path: Path):
    store = tmp_path / "store"
    stored(small(tmp_path / "results"), store)
    wanted = Wanted("sample", ("suite.time_grid",), "box-1", "env", "n=2, kind=x")
    (value,) = msgspec.structs.replace(source(store), wanted=wanted).results().frame["value"]
    assert value == 3.0
    months = msgspec.structs.replace(wanted, benchmarks=(), parameters=None, months=("2023-12", "2024-01"))
    assert list(msgspec.structs.replace(source(store), wanted=months).results().frame["commit"].unique()) == [B]


def test_a_compacted_store_gives_the_same_from_fewer_files_and_keeps_old_ones_for_a_day(tmp_path: Path):
    folder, store = tmp_path / "results", tmp_path / "store"
    for place, letter in enumerate("abcdef"):
        write_result(folder, letter * 40, {"suite.time_plain": PLAIN}, place)
        stored(folder, store, place)
    before, files = source(store).results(), len(list(store.rglob("*.parquet")))
    done = compact(StoreFiles(str(store)), 10)
    assert (done.files_before, done.files_after, done.removed) == (files, 3, 0)
    assert_equal(source(store).results(), before)
    write_result(folder, "9" * 40, {"suite.time_plain": PLAIN}, 9)
    later = 4 * 10**12  # in the year 2096, as the files are of today
    stored(folder, store, later)
    swept = compact(StoreFiles(str(store)), later)
    assert (swept.removed, len(list(store.glob("parts/*")))) == (6 + files - 1, 3)  # all have the same grid
    assert_equal(source(store).results(), read_results(folder))


def test_a_result_that_cannot_be_used_is_named_and_the_rest_is_there(tmp_path: Path):
    folder = small(tmp_path / "results")
    (folder / "box-1" / "torn.json").write_text('{"version": 2, "comm')
    added = stored(folder, tmp_path / "store")
    assert [problem.partition(" was left out")[0] for problem in added.problems] == [
        str(folder / "box-1" / "torn.json")
    ]
    assert added.runs == 3


def same_files(left: Path, right: Path) -> bool:
    """True where two sites have the same files with the same bytes."""
    names = [
        sorted(str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()) for site in (left, right)
    ]
    return names[0] == names[1] and filecmp.cmpfiles(left, right, names[0], shallow=False)[0] == names[0]


def test_a_report_of_a_store_is_that_of_its_folder(tmp_path: Path, run: Run):
    run("ingest", TINYFORMER, "--store", tmp_path / "store")
    for name, where in (("folder", ("--results", TINYFORMER)), ("site", ("--store", tmp_path / "store"))):
        assert run("report", *where, "--out", tmp_path / name)[0] == 3
    assert same_files(tmp_path / "folder", tmp_path / "site")


@pytest.mark.slow
def test_a_report_of_3000_real_runs_is_the_same_from_a_store(tmp_path: Path, run: Run, real_results):
    results = real_results("lightning")
    run("ingest", results, "--store", tmp_path / "store")
    codes = {
        run("report", *where, "--out", tmp_path / name)[0]
        for name, where in (("folder", ("--results", results)), ("site", ("--store", tmp_path / "store")))
    }
    assert len(codes) == 1
    assert same_files(tmp_path / "folder", tmp_path / "site")


@pytest.mark.parametrize(
    "words", ["compare 0ba96705 ed5bf5e8 --json", "hotspots ed5bf5e8 --bench . --json", "notify --json --dry-run"]
)
def test_verbs_say_the_same_of_a_store(tmp_path: Path, run: Run, words: str):
    config = tmp_path / "asv.conf.json"
    config.write_text(json.dumps({"project": "sample", "repo": "https://example.org/x.git", "results_dir": "results"}))
    results = shutil.copytree(TINYFORMER, tmp_path / "results")
    run("ingest", results, "--store", tmp_path / "store")
    of_store = run(*words.split(), "--config", config, "--store", tmp_path / "store")
    of_folder = run(*words.split(), "--config", config, "--results", results)
    assert of_store[:2] == of_folder[:2]


def test_numbers_are_exact(tmp_path: Path):
    """No value passes through text or a narrower type on its way."""
    values = [0.1 + 0.2, 1e-99, 1e99, np.nextafter(1.0, 2.0)]
    write_result(
        tmp_path / "results", A, {"s.track_a": [[float(each) for each in values], [["1", "2", "3", "4"]], "v"]}
    )
    stored(tmp_path / "results", tmp_path / "store")
    assert source(tmp_path / "store").results().frame["value"].tolist() == values


def test_a_file_s_name_need_not_be_text(tmp_path: Path):
    write_result(tmp_path / "results", A, {"suite.time_plain": PLAIN}, environment="env-\udcff")
    assert stored(tmp_path / "results", tmp_path / "store").runs == 1
    assert len(source(tmp_path / "store").results().frame) == 1
    assert stored(tmp_path / "results", tmp_path / "store").runs == 0


@pytest.mark.filterwarnings("ignore:.*has 2 results for 1")
def test_load_gives_the_frame_of_a_store_or_of_a_part_of_it(tmp_path: Path):
    folder, store = small(tmp_path / "results"), str(tmp_path / "store")
    stored(folder, store)
    pd.testing.assert_frame_equal(tbp.load(store=store), tbp.load(folder))
    of_grid = tbp.load(store=store, benchmark="suite.time_grid", machine="box-1", environment="env")
    assert of_grid["parameters"].tolist() == [(("n", n), ("kind", kind)) for n in "12" for kind in "xy"]
    with pytest.raises(UsageError, match="name a results folder alone, or a store"):
        tbp.load(folder, store=store)
    with pytest.raises(NothingMeasured):
        tbp.load(store=store, benchmark="suite.time_none")
