"""The ranks of a series over commits: the commit that made a rank slower is named, and a broken trace fails alone."""

import gzip
import json
from pathlib import Path

from msgspec.structs import replace

from tbp.comparison.stored_commits import CompareRequest, compared
from tbp.history.build import histories
from tbp.history.stored import stored
from tbp.report.pages.compare.page import compare_page
from tbp.report.parts.device_use import device_use
from tbp.traces.read_recording import read_recording

from ..histories import report
from ..result_folders import write_result
from ..trace_events import event

COMMITS = ("a" * 40, "b" * 40)
CELL = {"benchmark": "suite.time_thing", "parameters": {}}


def rank_trace(rank: int, work_us: float, slowest_us: float) -> bytes:
    """Three steps in which an operator works, and then all wait for the slowest rank."""
    events = []
    for step in range(3):
        at = 2_000 * step
        events += [
            event(f"ProfilerStep#{step}", at, 1_900, {"cat": "user_annotation"}),
            event("aten::mm", at + 10, work_us),
            event(
                "gloo:all_reduce", at + 20 + work_us, slowest_us + 50 - work_us, {"cat": "user_annotation", "tid": 9}
            ),
        ]
    noted = {"backend": "gloo", "rank": rank, "world_size": 4}
    return gzip.compress(json.dumps({"distributedInfo": noted, "traceEvents": events}).encode())


def store(results: Path, commit: str, day: int, works_us: tuple[float, ...], step_s: float = 1.0) -> Path:
    """One run of a distributed cell with a trace of each rank; gives their folder."""
    result = write_result(results, commit, {"suite.time_thing": [[step_s], [], "1"]}, day)
    folder = result.with_suffix(".traces") / "suite.time_thing"
    folder.mkdir(parents=True)
    names = [f"c.s0{f'.rank{rank}' if rank else ''}.pt.trace.json.gz" for rank in range(len(works_us))]
    for rank, (name, work_us) in enumerate(zip(names, works_us, strict=True)):
        (folder / name).write_bytes(rank_trace(rank, work_us, max(works_us)))
    session = {
        **CELL, "format": 1, "run": "1", "session": "s0", "commit": commit, "environment": "env", "machine": "box",
        "started": f"2026-01-0{day + 1}T00:00:00+00:00", "wall_s": [step_s] * 10, "trace": names[0],
        "rank_traces": names[1:],
    }  # fmt: skip
    (folder / "c.s0.session.json.gz").write_bytes(gzip.compress(json.dumps(session).encode()))
    return folder


def distributed(tmp_path: Path, step_s: float = 1.0) -> Path:
    """Two commits of four ranks, the third of which is late from the second commit on; gives the folder of that."""
    declared = {
        "name": "suite.time_thing",
        "type": "time",
        "unit": "seconds",
        "version": "1",
        "param_names": [],
        "params": [],
    }
    (tmp_path / "box").mkdir()
    (tmp_path / "benchmarks.json").write_text(json.dumps({"suite.time_thing": declared, "version": 2}))
    store(tmp_path, COMMITS[0], 0, (500, 510, 505, 500))
    return store(tmp_path, COMMITS[1], 1, (520, 530, 900, 520), step_s)


def test_the_commit_that_made_a_rank_slower_is_named(tmp_path: Path) -> None:
    folder = distributed(tmp_path)
    (folder / "c.s0.rank3.pt.trace.json.gz").write_bytes(b"cut off")
    project = stored(None, tmp_path)
    problems: list[str] = []
    (history,) = histories(project.results, project.sessions, project.commits, read_recording, problems)
    before, after = history.ranks
    assert [at.commit.hash for at in history.ranks] == [*COMMITS]
    assert (before.straggler, len(before.changes)) == (None, 0)
    assert after.straggler is not None
    assert (after.straggler.rank, after.missing) == (2, (3,))
    assert after.changes.loc[after.changes["stands_out"], "rank"].tolist() == [2]
    assert [problem.count("rank3") for problem in problems] == [1]
    use = device_use(history)
    assert use is not None
    assert "rank_history" in [fold.name for fold in use.folds]
    assert any(sentence.startswith("At bbbbbbbb rank 2 works") for sentence in use.sentences)


def test_a_comparison_names_the_rank_that_changed_alone(tmp_path: Path) -> None:
    distributed(tmp_path, step_s=1.4)
    comparison = compared(None, tmp_path, CompareRequest("aaaa", "bbbb"))
    (note,) = [note for note in comparison.notes if note.startswith("suite.time_thing: ")]
    assert "rank 2 works" in note
    assert "The others wait for rank 2" in note


def test_the_page_of_comparisons_has_the_note_of_tbp_compare(tmp_path: Path) -> None:
    distributed(tmp_path, step_s=1.4)
    (note,) = [note for note in compared(None, tmp_path, CompareRequest("aaaa", "bbbb")).notes if "rank 2" in note]
    project = stored(None, tmp_path)
    known = histories(project.results, project.sessions, project.commits, read_recording, [])
    page = compare_page(report(*known))
    assert page.rank_notes == (f"{note}.",)
    assert page.is_distributed
    still = compare_page(report(*(replace(history, ranks=history.ranks[1:]) for history in known)))
    assert (still.rank_notes, still.is_distributed) == ((), True)


def test_a_comparison_of_what_did_not_move_reads_no_trace(tmp_path: Path) -> None:
    folder = distributed(tmp_path)
    for path in folder.glob("*.pt.trace.json.gz"):
        path.write_bytes(b"cut off")
    assert not [note for note in compared(None, tmp_path, CompareRequest("aaaa", "bbbb")).notes if "rank" in note]
