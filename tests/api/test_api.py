"""``import tbp`` as scripts and notebooks use it: its names, its results, and the examples in its docstrings."""

import ast
import doctest
import inspect
import math
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import asdict

import tbp
from tbp.api.commits import CommitComparison
from tbp.asv.results import COLUMNS
from tbp.errors import UsageError
from tbp.model import relevance
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.traces.differences.difference import ROW_COLUMNS

RESULTS = (
    Path(__file__).parent.parent / "data" / "tinyformer" / "results"
)  # of eight real commits; the fourth is slower
OLD, NEW = "0ba96705", "ed5bf5e8"
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\n::error::"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the examples are run in: results, and two traces of them."""
    (tmp_path / "results").symlink_to(RESULTS)
    for name, commit in (("before", OLD), ("after", NEW)):
        (tmp_path / f"{name}.pt.trace.json.gz").symlink_to(next(RESULTS.glob(f"vm/{commit}*/*/*.pt.trace.json.gz")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names_for_type_checkers() -> set[str]:
    block = next(
        node
        for node in ast.parse(Path(tbp.__file__).read_text("utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    return {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_every_name_is_there_for_people_and_for_type_checkers():
    assert names_for_type_checkers() | {"__version__"} == set(tbp.__all__)
    assert set(tbp.__all__) <= set(dir(tbp))
    assert [name for name in tbp.__all__ if not getattr(tbp, name)] == []
    with pytest.raises(AttributeError, match="module 'tbp' has no attribute 'hotspot'"):
        _ = tbp.hotspot  # type: ignore[attr-defined]


def test_no_room_has_the_name_of_a_function():
    """Whoever imports a room makes it an attribute of ``tbp``, in place of the function."""
    rooms = {path.name for path in Path(tbp.__file__).parent.iterdir() if (path / "__init__.py").exists()}
    assert rooms & set(tbp.__all__) == set()
    assert "false_discovery_rate" in inspect.signature(tbp.gate).parameters


@pytest.mark.parametrize("module", ["levels", "results", "traces", "commits"])
def test_the_examples_in_docstrings_are_true(module: str, folder: Path):
    tests = doctest.DocTestFinder().find(import_module(f"tbp.api.{module}"), globs={"tbp": tbp})
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    shown: list[str] = []
    for test in tests:
        runner.run(test, out=shown.append)
    assert (runner.summarize(verbose=False).failed, "".join(shown)) == (0, "")
    assert sum(len(test.examples) for test in tests) > 0


def test_the_page_on_this_runs(folder: Path):
    """All but the gate, which tests/turns runs."""
    page = (Path(__file__).parent.parent.parent / "docs" / "how-to" / "python-api.md").read_text("utf-8")
    blocks = [
        block for block in re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) if "gate(" not in block
    ]
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert [name for name in tbp.__all__ if name[0].islower() and f"| `tbp.{name}` |" not in page] == []


def test_change_points_are_a_tuple_and_a_frame():
    values = [1.0, 1.1, 0.9, 1.0, 1.1, 2.0, 2.1, 1.9, 2.0, 2.1]
    points = tbp.change_points(values)
    assert [point.index for point in points] == [5]
    assert points == tbp.change_points(pd.Series(values)) == tbp.change_points(np.array(values))
    assert points.frame[["index", "before", "after", "confirmed"]].values.tolist() == [[5, 1.0, 2.0, True]]
    none = tbp.change_points([1.0, 1.0, 1.0])
    assert (none, repr(none), len(none.frame)) == ((), "<tbp.ChangePoints: none>", 0)
    assert "1 change point" in points._repr_html_()


def test_hotspots_have_their_documented_columns_and_the_table_of_the_verb(folder: Path):
    hotspots = tbp.hotspots(NEW, results_dir="results")
    documented = ("operator", "share", "calls", "self_us", "total_us", "self_device_us")
    assert [
        name for name in documented if name not in hotspots.frame or f"``{name}``" not in tbp.hotspots.__doc__
    ] == []
    assert hotspots.frame["share"].sum() == pytest.approx(1)
    assert hotspots.frame["self_us"].sum() == pytest.approx(hotspots.whole)
    assert repr(hotspots) == "<tbp.HotspotTable of ed5bf5e8: 28 operators by self, the largest is aten::_softmax>"
    assert "aten::_softmax" in str(hotspots)
    assert (hotspots.cell.partition(" ")[0], hotspots.losses) == ("inference.Inference.torchtime_step", ())
    with pytest.raises(
        UsageError, match="by must be one of 'self', 'device', 'total', 'flops', 'memory', not 'slowest'"
    ):
        tbp.hotspots(NEW, by="slowest", results_dir="results")


def test_several_files_are_sessions_of_one_cell(folder: Path):
    files = sorted(RESULTS.glob(f"vm/{NEW}*/*/*.pt.trace.json.gz"))
    together = tbp.hotspots([*files, folder / "after.pt.trace.json.gz"])
    assert together.ranking.facts.traces == len(files) + 1
    difference = tbp.difference(folder / "before.pt.trace.json.gz", files)
    assert difference.frame["operator"].iloc[0] == "aten::_softmax"
    with pytest.raises(tbp.errors.UnreadableTrace, match="nowhere"):
        tbp.hotspots(["nowhere.json", "neither.json"])


def test_a_difference_is_a_frame_and_a_sentence(folder: Path):
    difference = tbp.difference(OLD, NEW, results_dir="results")
    assert [name for name in ROW_COLUMNS if name not in difference.frame] == []
    assert difference.explanation.startswith("aten::_softmax 0 → 1 calls")
    assert repr(difference).startswith("<tbp.OperatorDifference of 0ba96705 and ed5bf5e8: aten::_softmax 0 → 1 calls")
    moved = difference.lost_us + difference.gained_us
    assert moved == pytest.approx(difference.frame["delta_us"].sum())
    assert "Calls, exact" in str(difference)


def test_two_stored_commits_are_the_verb_s_comparison(folder: Path):
    comparison = tbp.compare(OLD, NEW, "results", bench="peak")
    assert {str(name) for name in comparison.frame["benchmark"]} == {"inference.Inference.track_peak_bytes"}
    assert comparison.frame["state"].tolist() == ["regression", "regression", "no change"]
    assert (comparison.is_regressed, comparison.verdict[:13]) == (True, "2 regressions")
    assert comparison.to_json().startswith('{\n  "format": 1,')
    assert comparison.to_markdown().startswith("### 2 regressions")
    assert str(comparison).startswith("2 regressions")


def test_the_defaults_of_a_gate_are_those_of_the_verb():
    defaults = {name: parameter.default for name, parameter in inspect.signature(tbp.gate).parameters.items()}
    assert defaults["relevant"] == relevance.TWO_COMMITS == 0.02
    assert defaults["excluded"] == relevance.EXCLUDED
    assert defaults["budget_minutes"] == math.inf


def test_a_report_is_shown_by_its_events(folder: Path):
    report = tbp.report_data("results")
    assert repr(report).startswith("<tbp.ReportFrames of tinyformer: 5 regressions in 9 series;")
    assert repr(report).endswith(" 9 changes, 2 events>")
    assert "<table" in report._repr_html_()


def test_load_has_every_column_in_its_docstring():
    assert [name for name in COLUMNS if f"``{name}``" not in tbp.load.__doc__] == []


def test_foreign_names_act_in_no_notebook_and_no_terminal():
    judgement = Judgement(HOSTILE, (("n", HOSTILE),), State.REGRESSION, unit="<b>", before=1.0, after=2.0, effect=1.0,
                          reason=HOSTILE, operators=(HOSTILE,))  # fmt: skip
    commit = ComparedCommit("<i>", "a" * 40, HOSTILE)
    comparison = CommitComparison("<u>", commit, commit, "<p>", (judgement,), machine=HOSTILE, notes=(HOSTILE,))
    html = comparison._repr_html_()
    assert [tag for tag in ("<script", "<i>", "<b>", "<u>", "\x1b", "\u202e") if tag in html] == []
    assert html.count("&lt;script&gt;") >= 5
    assert repr(comparison).isprintable()
    assert asdict(comparison)["judgements"] == (judgement,)
