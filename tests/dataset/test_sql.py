"""The questions of docs/reference/store.md, each asked of a small store, and what is no question."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

from tbp.__main__ import main
from tbp.dataset.tables import TABLES, columns

from ..command_line import Run
from ..result_folders import write_result

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "store.md").read_text()
TINYFORMER = ROOT / "tests" / "data" / "tinyformer" / "results"
QUESTIONS = dict(re.findall(r"^([A-Z][^\n]*(?:\n[^\n`]+)*):\n\n```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
# The beginning of each question → the first row of its answer, or the part of it that is settled.
ANSWERS = {
    "What is slowest today": {"machine": "vm", "benchmark": "inference.Inference.track_peak_bytes"},
    "What one benchmark took": {"commit": "7d37e295"},
    "What became slower": {"commit": "ed5bf5e8", "percent": 640.3},
    "Which commits moved most series": {"commit": "ed5bf5e8", "series": 5, "machines": 1},
    "How noisy each machine is": {"machine": "vm"},
    "Which runners were not heard of": {"machine": "vm", "runs": 8},
    "What failed or was skipped": {"machine": "vm", "outcome": "measured", "cells": 9},
    "How much slower each machine is": {"machine": "vm", "times": 1.0},
    "Where the time of a step goes": {"benchmark": "inference.Inference.torchtime_step"},
    "How often one operator was called": {"commit": "ed5bf5e8"},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small project, with what a report finds in it."""
    store = tmp_path_factory.mktemp("sql") / "store"
    assert main(["ingest", str(TINYFORMER), "--store", str(store), "--judge"]) == 0
    return store


@pytest.mark.parametrize("beginning", ANSWERS)
def test_a_question_of_the_page_has_its_answer(store: Path, run: Run, beginning: str):
    ((_, query),) = [entry for entry in QUESTIONS.items() if entry[0].startswith(beginning)]
    code, out, _ = run("sql", query, "--store", store, "--json")
    rows = json.loads(out)
    assert (code, {name: rows[0][name] for name in ANSWERS[beginning]}) == (0, ANSWERS[beginning])


def test_the_page_has_ten_questions_and_every_column_that_is_there_to_be_asked():
    assert len(QUESTIONS) == len(ANSWERS) == 10
    internal = {"file_key", "recorded", "cell", "position", "facts", "problems", "event", "doubt", "is_recovery"}
    named = set(re.findall(r"`(\w+)`", PAGE))
    for table in ("points", "runs", "sessions", "changes"):
        assert set(TABLES[table]) - internal - named == set(), table
    assert {"operator", "calls", "self_us"} <= set(columns("operators"))


@pytest.mark.parametrize("query", ["DELETE FROM runs", "SELECT 1; SELECT 2", "COPY runs TO 'out.csv'", ""])
def test_a_query_only_reads(store: Path, run: Run, query: str):
    line = "tbp: one SELECT is asked at a time, and nothing else: a store changes by `tbp ingest` only\n"
    assert run("sql", query, "--store", store) == (2, "", line)


def test_a_query_without_an_answer_says_why(store: Path, run: Run):
    code, out, error = run("sql", "FROM results", "--store", store)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.endswith("; the tables are series, points, runs, sessions, operators, changes, benchmarks, machines\n")
    assert run("sql", "SELEC 1", "--store", store)[2].startswith("tbp: this is no SQL: ")
    code, _, error = run("sql", "SELECT benchmrk FROM points", "--store", store)
    assert (code, 'Candidate bindings: "benchmark"' in error.replace("\n", " ")) == (2, True)


def test_a_machine_s_name_acts_nowhere(tmp_path: Path, run: Run):
    """Not as markup of the table, a sequence of the terminal, a command in a log or a formula of a spreadsheet."""
    hostile = "=HYPERLINK(1)[red]\x1b[31m'\"|é"
    write_result(tmp_path / "results", "a" * 40, {"suite.time_a": [[1.0], [], "v"]}, machine=hostile)
    run("ingest", tmp_path / "results", "--store", tmp_path / "store")
    out = {
        form: run("sql", "SELECT machine FROM runs", "--store", tmp_path / "store", *form)[1]
        for form in ((), ("--csv",), ("--json",))
    }
    assert all("\x1b" not in text for text in out.values())
    assert "=HYPERLINK(1)[red]\ufffd[31m'\"|é" in out[()]
    assert list(csv.reader(io.StringIO(out["--csv",])))[1] == ["'=HYPERLINK(1)[red]\ufffd[31m'\"|é"]
    assert json.loads(out["--json",]) == [{"machine": hostile}]


def test_numbers_are_short_in_a_table_and_whole_in_csv(store: Path, run: Run):
    query = "SELECT 37933056::DOUBLE AS size, 'nan'::DOUBLE AS none"
    assert "3.79331e+07" in run("sql", query, "--store", store)[1]
    assert run("sql", query, "--store", store, "--csv")[1] == "size,none\n37933056.0,\n"


def test_more_rows_than_a_screen_are_counted(store: Path, run: Run):
    out = run("sql", "SELECT value FROM points", "--store", store)[1]
    assert out.splitlines()[-1] == "… and 22 more rows; --csv FILE writes all"
    assert run("sql", "SELECT 1 WHERE false", "--store", store)[1] == "no rows\n"


def test_many_columns_stand_below_each_other(store: Path, run: Run):
    out = run("sql", "SELECT * FROM runs ORDER BY date LIMIT 2", "--store", store)[1]
    lines = [line.split() for line in out.splitlines() if line.startswith(("row", "machine", "measured"))]
    of_vm = [["machine", "vm"], ["measured", "9"]]
    assert lines == [["row", "1"], *of_vm, ["row", "2"], *of_vm]
