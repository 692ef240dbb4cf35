"""``tbp trace prune``: raw traces go, and nothing that is said changes."""

from pathlib import Path

import pandas as pd
import pytest
from msgspec.structs import replace

from tbp.asv.session_files import read_sessions
from tbp.history.kept_traces import PrunePlan, prune_plan
from tbp.history.stored import stored
from tbp.project.policy import Policy
from tbp.report.site.load import report_data
from tbp.traces.pruned import prune

from ..command_line import Run

A, B = "a" * 40, "b" * 40
NOTHING_KEPT = Policy(keep_traces_of_newest_runs=0)


def plan(results: Path) -> PrunePlan:
    """The plan of a project that keeps the traces beside changes only."""
    return prune_plan(replace(stored(None, results), policy=NOTHING_KEPT))


def project(results: Path) -> None:
    """An asv project around the results that keeps the traces of its newest run only."""
    (results.parent / "asv.conf.json").write_text('{"results_dir": "results"}')
    (results.parent / "pyproject.toml").write_text("[tool.tbp]\nkeep_traces_of_newest_runs = 1\n")


def test_a_dry_run_says_what_it_would_free_and_changes_nothing(
    traced_results: Path, monkeypatch: pytest.MonkeyPatch, run: Run
):
    project(traced_results)
    monkeypatch.chdir(traced_results.parent)
    before = sorted(traced_results.rglob("*"))
    code, out, _ = run("trace", "prune")
    assert code == 0
    assert out.startswith("would replace 3 raw traces by operator tables and free at most ")
    assert "3 stay: those of the 1 newest runs of each series, those beside 0 changes" in out
    assert "nothing was changed" in out
    assert sorted(traced_results.rglob("*")) == before


def test_pruned_traces_are_read_from_their_tables(traced_results: Path, monkeypatch: pytest.MonkeyPatch, run: Run):
    project(traced_results)
    monkeypatch.chdir(traced_results.parent)
    shown = [run("hotspots", *sides) for sides in (("aaaa",), ("aaaa", "bbbb"))]
    code, out, err = run("trace", "prune", "--apply")
    assert (code, out.startswith("replaced 3 raw traces by operator tables and freed ")) == (0, True), err
    older, newer = (traced_results / "box" / f"{commit[:8]}-env.traces" / "suite.time_thing" for commit in (A, B))
    assert len(list(older.glob("*.operators.json.gz"))) == len(list(newer.glob("*.pt.trace.json.gz"))) == 3
    assert not list(older.glob("*.pt.trace.json.gz"))
    assert [run("hotspots", *sides) for sides in (("aaaa",), ("aaaa", "bbbb"))] == shown
    assert read_sessions(traced_results).problems == ()
    assert run("trace", "prune", "--apply")[1].startswith("nothing to prune")
    code, _, err = run("export", "--plain", "out", "aaaa")
    assert (code, "was pruned" in err) == (2, True)


def test_a_report_says_the_same_of_what_was_pruned(traced_results: Path):
    (before,) = report_data(None, traced_results).histories
    prune(plan(traced_results).removable)
    assert list(traced_results.rglob("*.pt.trace.json.gz")) == []
    (after,) = report_data(None, traced_results).histories
    pd.testing.assert_frame_equal(after.operators.frame, before.operators.frame, check_dtype=False, check_exact=True)
    assert after.operators_commit == before.operators_commit
    pd.testing.assert_frame_equal(after.frames.rows, before.frames.rows, check_dtype=False, check_exact=True)
