"""Stores that are damaged, of another time, shared or missing: one clear line, nothing lost, nothing doubled."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

import tbp.dataset.ingest
from tbp.asv.results import read_results
from tbp.dataset import tables
from tbp.dataset.compaction import compact
from tbp.dataset.files import StoreFiles
from tbp.dataset.ingest import ingest
from tbp.dataset.source import store_source

from ..command_line import Run
from ..result_folders import write_result

RUNS = 6


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Six runs on one machine, of two months."""
    folder = tmp_path / "results"
    for place in range(RUNS):
        rows = {f"suite.time_{name}": [[float(place + 1)], [], "v"] for name in "abc"}
        write_result(folder, f"{place:08x}{place:032x}", rows, 10 * place)
    return folder


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part has one or two runs."""
    monkeypatch.setattr(tbp.dataset.ingest, "PART_POINTS", 4)


def stored(folder: Path, store: Path, now_ms: int = 0) -> None:
    ingest(StoreFiles(str(store)), folder, "sample", (), now_ms)


def frame_of(store: Path) -> pd.DataFrame:
    return store_source(str(store)).results().frame


def assert_whole(store: Path, folder: Path) -> None:
    pd.testing.assert_frame_equal(frame_of(store), read_results(folder).frame)
    rows = store_source(str(store)).results()
    assert (rows.problems, len(rows.frame)) == ((), 3 * RUNS)


class Killed(BaseException):
    pass


@pytest.mark.usefixtures("small_parts")
def test_an_ingest_that_ends_before_any_of_its_files_is_finished_by_the_next(
    tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch
):
    """Every moment between two files of a store is tried."""
    put, moment = StoreFiles.put, 0
    while True:
        store, left = tmp_path / f"store-{moment}", iter(range(moment))

        def put_or_die(self: StoreFiles, name: str, content: bytes, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise Killed
            put(self, name, content)

        monkeypatch.setattr(StoreFiles, "put", put_or_die)
        try:
            stored(results, store)
            break
        except Killed:
            monkeypatch.setattr(StoreFiles, "put", put)
            stored(results, store, 1)
            assert_whole(store, results)
        moment += 1
    assert moment > 10


@pytest.mark.slow
def test_killed_at_random_and_twice_at_once_nothing_is_lost_or_doubled(tmp_path: Path):
    """``tools/kill_ingest.py`` in small; the whole of it kills fifty."""
    tool = Path(__file__).parents[2] / "tools" / "kill_ingest.py"
    arguments = ["--kills", "3", "--pairs", "1", "--runs", "40", "--folder", str(tmp_path)]
    done = subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("small_parts")
def test_two_ingests_of_one_folder_at_once_count_once(tmp_path: Path, results: Path, monkeypatch: pytest.MonkeyPatch):
    """Both looked at the store before either wrote to it; one saw a part of the folder and made other parts."""
    store, nothing = tmp_path / "store", tbp.dataset.ingest._known(StoreFiles(str(tmp_path / "none")), "sample")
    monkeypatch.setattr(tbp.dataset.ingest, "_known", lambda *_: nothing)
    last = sorted(results.rglob("*.json"))[-1]
    content = last.read_bytes()
    last.unlink()
    stored(results, store, 1)
    last.write_bytes(content)
    monkeypatch.setattr(tbp.dataset.ingest, "PART_POINTS", 1_000)
    stored(results, store, 2)
    assert_whole(store, results)
    compact(StoreFiles(str(store)), 3)
    assert_whole(store, results)


def test_two_compactions_at_once_count_once(tmp_path: Path, results: Path):
    store = tmp_path / "store"
    stored(results, store)
    write_result(results, "e" * 40, {"suite.time_a": [[1.0], [], "v"]}, 3)
    stored(results, store, 1)
    parts = {path: path.read_bytes() for path in (store / "parts").iterdir()}
    compact(StoreFiles(str(store)), 2)
    first = next(path for path in (store / "parts").iterdir() if path not in parts)
    first_content = first.read_bytes()
    first.unlink()
    write_result(results, "f" * 40, {"suite.time_a": [[1.0], [], "v"]}, 3)
    stored(results, store, 2)
    before = frame_of(store)
    compact(StoreFiles(str(store)), 3)
    first.write_bytes(first_content)
    for path, content in parts.items():  # which the second one replaces, too
        path.write_bytes(content)
    pd.testing.assert_frame_equal(frame_of(store), before)


@pytest.mark.parametrize("damage", ["missing", "half written", "no part"])
def test_a_damaged_part_is_left_out_and_named_and_comes_back(
    tmp_path: Path, results: Path, run: Run, damage: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tbp.dataset.ingest, "PART_POINTS", 4)
    store = tmp_path / "store"
    stored(results, store)
    part = max((store / "parts").iterdir())
    files = json.loads(part.read_bytes())["files"]
    data = store / next(file["path"] for file in files if file["table"] == "points")
    if damage == "missing":
        data.unlink()
    elif damage == "half written":
        data.write_bytes(data.read_bytes()[:100])
    else:
        part.write_bytes(b'{"format": 1')
    (problem,) = store_source(str(store)).results().problems
    assert problem.startswith(f"{store}: parts/{part.name} was left out: it")
    assert problem.endswith(f"ingest its results again, and remove parts/{part.name}")
    assert len(frame_of(store)) < 3 * RUNS
    assert run("sql", "SELECT count(*) FROM points", "--store", store)[2] == f"tbp: {problem}\n"
    stored(results, store, 1)
    part.unlink()
    assert_whole(store, results)


def test_bytes_that_changed_in_a_file_are_one_clear_line(tmp_path: Path, results: Path, run: Run):
    store = tmp_path / "store"
    stored(results, store)
    data = next((store / "data" / "points").rglob("*.parquet"))
    content = bytearray(data.read_bytes())
    content[-40:-8] = b"\xff" * 32
    data.write_bytes(content)
    code, out, error = run("report", "--store", store, "--out", tmp_path / "site")
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"tbp: the store {store} cannot be read (")


def test_a_store_of_a_newer_tbp_is_refused(tmp_path: Path, results: Path, run: Run):
    store = tmp_path / "store"
    stored(results, store)
    part = next((store / "parts").iterdir())
    part.write_bytes(json.dumps({**json.loads(part.read_bytes()), "format": tables.FORMAT + 1}).encode())
    line = (
        f"tbp: the store {store} has format {tables.FORMAT + 1}, and this tbp reads up to {tables.FORMAT}: update tbp\n"
    )
    for words in (("sql", "FROM runs"), ("ingest", results), ("report", "--out", tmp_path / "site")):
        assert run(*words, "--store", store) == (2, "", line)


def test_a_store_of_an_older_tbp_is_read_and_migrated(
    tmp_path: Path, results: Path, run: Run, monkeypatch: pytest.MonkeyPatch
):
    """The next version has a column more: it is null in what there is, and ``--compact`` writes all anew."""
    store = tmp_path / "store"
    stored(results, store)
    before = frame_of(store)
    monkeypatch.setattr(tables, "FORMAT", tables.FORMAT + 1)
    monkeypatch.setattr("tbp.dataset.parts.FORMAT", tables.FORMAT)
    monkeypatch.setitem(tables.TABLES, "runs", {**tables.TABLES["runs"], "flavour": tables.TEXT})
    write_result(results, "e" * 40, {"suite.time_a": [[1.0], [], "v"]}, 3)
    stored(results, store, 1)
    query = "SELECT count(*) AS runs, count(flavour) AS flavours FROM runs"
    expected = [{"runs": RUNS + 1, "flavours": 0}]
    assert json.loads(run("sql", query, "--store", store, "--json")[1]) == expected
    assert len(frame_of(store)) == len(before) + 1
    compact(StoreFiles(str(store)), 2)
    newest = max(
        (json.loads(path.read_bytes()) for path in (store / "parts").iterdir()), key=lambda part: part["written"]
    )
    assert (newest["format"], len(newest["replaces"])) == (tables.FORMAT, 2)
    assert json.loads(run("sql", query, "--store", store, "--json")[1]) == expected
    assert len(frame_of(store)) == len(before) + 1


def test_what_leads_out_of_a_store_is_no_part_of_it(tmp_path: Path, results: Path):
    store = tmp_path / "store"
    stored(results, store)
    part = next((store / "parts").iterdir())
    content = json.loads(part.read_bytes())
    content["files"][0]["path"] = "data/runs/../../../secret.parquet"
    part.write_text(json.dumps(content))
    assert "names no files of a store" in store_source_problems(store)[0]


def store_source_problems(store: Path) -> tuple[str, ...]:
    from tbp.dataset.parts import live_files

    return live_files(StoreFiles(str(store))).problems


NO_STORE = "there is no store at {tmp}/none; `tbp ingest RESULTS --store {tmp}/none` makes one"
NO_KIND = "--store wrong://host/x: there is no such kind of address; name a folder, or a URL such as s3://…"
NO_PROJECT = "--project other: the store {tmp}/store has results of sample; name one of these"
NO_CHOICE = "--project sample chooses among those of a store: say --store URI too"
NO_RESULTS = (
    "there is no results folder {tmp}/none; run `asv run` in the project, or pass the folder that asv.conf.json calls "
    "results_dir"
)
NO_FOLDER = (
    "the store {tmp}/results/box/00000000-env.json cannot be used (Not a directory); check the address and the rights "
    "to it, and run it again: nothing in it is lost"
)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ("report --store {tmp}/none", 4, NO_STORE),
        ("sql FROM_runs --store {tmp}/none", 4, NO_STORE),
        ("report --store wrong://u:pw@host/x", 2, NO_KIND),
        ("report --store {tmp}/store --project other", 2, NO_PROJECT),
        ("report --project sample --results {tmp}/results", 2, NO_CHOICE),
        ("ingest --store {tmp}/store", 2, "name the results folders to ingest, or say --compact"),
        ("ingest {tmp}/none --store {tmp}/store", 4, NO_RESULTS),
        ("ingest {tmp}/results --store {tmp}/results/box/00000000-env.json", 2, NO_FOLDER),
    ],
)
def test_an_address_that_cannot_be_meant_is_one_clear_line(
    tmp_path: Path, results: Path, run: Run, words: str, code: int, line: str
):
    stored(results, tmp_path / "store")
    out = run(*(word.format(tmp=tmp_path) for word in words.split()))
    assert out == (code, "", f"tbp: {line.format(tmp=tmp_path)}\n")


@pytest.mark.parametrize("module", ["duckdb", "pyarrow", "fsspec"])
def test_without_the_extra_the_message_names_it(tmp_path: Path, results: Path, module: str):
    """In a process of its own, as a module that is imported stays."""
    program = (
        f"import sys; sys.modules[{module!r}] = None; from tbp.__main__ import main; "
        f"sys.exit(main(['ingest', {str(results)!r}, '--store', 'store']) or main(['sql', 'FROM runs', '--store', "
        "'store']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stderr == f"tbp: a store needs {module}, which is not installed: pip install 'tbp-perf[store]'\n"
    assert done.returncode == 2


@pytest.mark.parametrize(("column", "content"), [("facts", "no JSON"), ("file_key", 1)])
def test_rows_that_no_ingest_writes_are_one_clear_line(
    tmp_path: Path, results: Path, run: Run, column: str, content: object
):
    """A file of the right schema with the wrong content, which its part names with the right size."""
    import pyarrow
    import pyarrow.parquet as parquet

    store = tmp_path / "store"
    stored(results, store)
    file = next((store / "data" / "runs").rglob("*.parquet"))
    rows = parquet.read_table(file, partitioning=None)
    field = rows.schema.field(column)
    values = pyarrow.array([content] * RUNS, field.type)
    rows = rows.set_column(rows.column_names.index(column), field, values)
    parquet.write_table(rows, file)
    part = next((store / "parts").iterdir())
    size_before = next(each["size"] for each in json.loads(part.read_bytes())["files"] if each["table"] == "runs")
    part.write_bytes(part.read_bytes().replace(b'"size":%d' % size_before, b'"size":%d' % file.stat().st_size))
    code, out, error = run("report", "--store", store, "--out", tmp_path / "site")
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"tbp: the store {store} holds what no ingest writes (")
