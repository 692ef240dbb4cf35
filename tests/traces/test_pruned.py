"""Raw traces that are replaced by their tables, and whatever comes between."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.history.kept_traces import prune_plan
from tbp.history.stored import stored
from tbp.project.policy import Policy
from tbp.traces import operator_files
from tbp.traces.pruned import prune


def files(results: Path, end: str) -> list[Path]:
    return sorted(results.glob(f"*/*.traces/*/*{end}"))


def raw(results: Path) -> list[Path]:
    return files(results, ".pt.trace.json.gz")


def test_a_trace_stays_where_its_table_cannot_be_written(traced_results: Path, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(operator_files, "write_whole", full)
    pruned = prune(raw(traced_results))
    assert (pruned.removed, len(pruned.problems)) == (0, 6)
    assert "No space left" in pruned.problems[0]
    assert len(raw(traced_results)) == 6
    assert files(traced_results, ".operators.json.gz") == []


def test_a_trace_that_cannot_be_read_stays(traced_results: Path):
    first, *others = raw(traced_results)
    first.write_bytes(b"no trace")
    pruned = prune([first, *others])
    assert (pruned.removed, len(pruned.problems)) == (5, 1)
    assert first.read_bytes() == b"no trace"


def test_an_interruption_between_table_and_removal_leaves_both(traced_results: Path, monkeypatch: pytest.MonkeyPatch):
    removable = raw(traced_results)
    unlink = Path.unlink

    def interrupted(path: Path, missing_ok: bool = False) -> None:
        if path in removable:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prune(removable)
    assert len(raw(traced_results)) == 6
    assert len(files(traced_results, ".operators.json.gz")) == 1
    plan = prune_plan(replace(stored(None, traced_results), policy=Policy(keep_traces_of_newest_runs=0)))
    assert sorted(plan.removable) == raw(traced_results)
    assert prune(raw(traced_results)).removed == 6


def test_traces_that_another_process_pruned_meanwhile_are_no_problem(traced_results: Path):
    first, second, *_ = removable = raw(traced_results)
    assert prune([first]).removed == 1
    second.unlink()
    pruned = prune(removable)
    assert (pruned.removed, pruned.problems) == (4, ())


def test_a_plan_passes_over_a_trace_that_goes_meanwhile(traced_results: Path):
    store = replace(stored(None, traced_results), policy=Policy(keep_traces_of_newest_runs=0))
    raw(traced_results)[0].unlink()
    plan = prune_plan(store)
    assert len(plan.removable) == 6
