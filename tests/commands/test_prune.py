"""``tbp trace prune``: raw traces go, and nothing that is said changes."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from msgspec.structs import fields

from tbp.__main__ import main
from tbp.asv.session_files import read_sessions
from tbp.asv.sessions import Session, Sessions
from tbp.errors import UnreadableTrace
from tbp.history.kept_traces import PrunePlan, kept_runs, prune_plan
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State  # fmt: skip
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey
from tbp.project.policy import Policy
from tbp.report.site.load import report_data, stored
from tbp.traces import operator_files
from tbp.traces.operator_files import read_operators, write_operators
from tbp.traces.pruned import prune, same
from tbp.traces.read_recording import read_recording

A, B = "a" * 40, "b" * 40
NOTHING_KEPT = Policy(keep_traces_of_newest_runs=0)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def files(results: Path, end: str) -> list[str]:
    return sorted(path.name for path in results.glob(f"*/*.traces/*/*{end}"))


def plan(results: Path) -> PrunePlan:
    """The plan of a project that keeps the traces beside changes only."""
    own = stored(None, results)
    return prune_plan(own.results, own.sessions, own.commits, NOTHING_KEPT)


def project(results: Path) -> None:
    """An asv project around the results that keeps the traces of its newest run only."""
    (results.parent / "asv.conf.json").write_text('{"results_dir": "results"}')
    (results.parent / "pyproject.toml").write_text("[tool.tbp]\nkeep_traces_of_newest_runs = 1\n")


def test_a_table_is_kept_to_the_last_digit(tmp_path: Path, recorded_traces: dict[str, list[Path]]):
    recording, path = read_recording(recorded_traces[A][0]), tmp_path / "x.operators.json.gz"
    write_operators(recording, path)
    kept = read_operators(path)
    assert kept.about == recording.about
    for part in fields(recording.session):
        one, other = getattr(kept.session, part.name), getattr(recording.session, part.name)
        if part.name == "table":
            pd.testing.assert_frame_equal(one.frame, other.frame, check_dtype=False, check_exact=True)
            assert (one.steps, one.sessions) == (other.steps, other.sessions)
            assert one.loss == other.loss
        elif isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other, check_dtype=False, check_exact=True)
        elif part.name == "frames":
            pd.testing.assert_frame_equal(one.rows, other.rows, check_dtype=False, check_exact=True)
            assert (one.steps, one.step_ns, one.sessions) == (other.steps, other.step_ns, other.sessions)
        else:
            assert one == other
    assert path.stat().st_size < recorded_traces[A][0].stat().st_size


@pytest.mark.parametrize("name", ["mi250/mi250_minitoy_train_ROCm6_2_kineto.json.gz", "a100/nccl_data.json.gz"])
def test_what_the_device_did_is_kept_too(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]):
    folder = os.environ.get("TBP_TEST_DATA")
    if not folder:
        pytest.skip("TBP_TEST_DATA names no folder of recorded traces")
    raw, table = Path(folder, "traces", name), tmp_path / "x.operators.json.gz"
    recording = read_recording(raw)
    write_operators(recording, table)
    assert same(read_operators(table), recording)
    before, after = (run(capsys, "hotspots", path, "--top", 50)[1] for path in (raw, table))
    assert "Device" in before
    assert after.partition("per step, under")[2] == before.partition("per step, under")[2]
    written = read_operators(table)
    assert written.rank is not None
    written.rank.device.devices.loc[0, "busy_us"] += 1e-9
    assert not same(written, recording)


def test_a_dry_run_says_what_it_would_free_and_changes_nothing(
    traced_results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    project(traced_results)
    monkeypatch.chdir(traced_results.parent)
    before = sorted(traced_results.rglob("*"))
    code, out, _ = run(capsys, "trace", "prune")
    assert code == 0
    assert out.startswith("would replace 3 raw traces by operator tables and free at most ")
    assert "3 stay: those of the 1 newest runs of each series, those beside 0 changes" in out
    assert "nothing was changed" in out
    assert sorted(traced_results.rglob("*")) == before


def test_pruned_traces_are_read_from_their_tables(
    traced_results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    project(traced_results)
    monkeypatch.chdir(traced_results.parent)
    shown = [run(capsys, "hotspots", *sides) for sides in (("aaaa",), ("aaaa", "bbbb"))]
    code, out, err = run(capsys, "trace", "prune", "--apply")
    assert (code, out.startswith("replaced 3 raw traces by operator tables and freed ")) == (0, True), err
    older, newer = (traced_results / "box" / f"{commit[:8]}-env.traces" / "suite.time_thing" for commit in (A, B))
    assert len(list(older.glob("*.operators.json.gz"))) == len(list(newer.glob("*.pt.trace.json.gz"))) == 3
    assert not list(older.glob("*.pt.trace.json.gz"))
    assert [run(capsys, "hotspots", *sides) for sides in (("aaaa",), ("aaaa", "bbbb"))] == shown
    assert read_sessions(traced_results).problems == ()
    assert run(capsys, "trace", "prune", "--apply")[1].startswith("nothing to prune")
    code, _, err = run(capsys, "export", "--plain", "out", "aaaa")
    assert (code, "was pruned" in err) == (2, True)


def test_a_report_says_the_same_of_what_was_pruned(traced_results: Path):
    (before,) = report_data(None, traced_results).histories
    prune(plan(traced_results).removable)
    assert files(traced_results, ".pt.trace.json.gz") == []
    (after,) = report_data(None, traced_results).histories
    assert before.operators is not None
    assert after.operators is not None
    pd.testing.assert_frame_equal(after.operators.frame, before.operators.frame, check_dtype=False, check_exact=True)
    assert after.operators_commit == before.operators_commit
    assert before.frames is not None
    assert after.frames is not None
    pd.testing.assert_frame_equal(after.frames.rows, before.frames.rows, check_dtype=False, check_exact=True)


def test_a_table_from_before_frames_were_kept_has_none(tmp_path: Path, recorded_traces: dict[str, list[Path]]):
    path = tmp_path / "x.operators.json.gz"
    write_operators(read_recording(recorded_traces[A][0]), path)
    content = json.loads(gzip.decompress(path.read_bytes()))
    del content["frames"]
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    assert read_operators(path).session.frames is None


@pytest.mark.parametrize(
    ("column", "value"), [("parent", 1), ("parent", 2**80), ("kind", "<b>"), ("self_ns", None), ("name", 10**6)]
)
def test_frames_that_are_no_tree_are_refused(
    tmp_path: Path, recorded_traces: dict[str, list[Path]], column: str, value: object
):
    path = tmp_path / "x.operators.json.gz"
    write_operators(read_recording(recorded_traces[A][0]), path)
    content = json.loads(gzip.decompress(path.read_bytes()))
    content["frames"]["rows"][column][0] = value
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    with pytest.raises(UnreadableTrace, match="holds no operator table"):
        read_operators(path)


def test_a_trace_stays_where_its_table_cannot_be_written(traced_results: Path, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(operator_files, "write_whole", full)
    pruned = prune(plan(traced_results).removable)
    assert (pruned.removed, len(pruned.problems)) == (0, 6)
    assert "No space left" in pruned.problems[0]
    assert len(files(traced_results, ".pt.trace.json.gz")) == 6
    assert files(traced_results, ".operators.json.gz") == []


def test_a_trace_that_cannot_be_read_stays(traced_results: Path):
    first, *others = plan(traced_results).removable
    first.write_bytes(b"no trace")
    pruned = prune([first, *others])
    assert (pruned.removed, len(pruned.problems)) == (5, 1)
    assert first.read_bytes() == b"no trace"


def test_an_interruption_between_table_and_removal_leaves_both(traced_results: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prune(plan(traced_results).removable)
    assert len(files(traced_results, ".pt.trace.json.gz")) == 6
    assert len(files(traced_results, ".operators.json.gz")) == 1
    assert all(path.name.endswith(".pt.trace.json.gz") for path in plan(traced_results).removable)
    assert prune(plan(traced_results).removable).removed == 6


def test_traces_of_runs_without_a_result_stay(traced_results: Path):
    (traced_results / "box" / f"{A[:8]}-env.json").unlink()
    found = plan(traced_results)
    assert (len(found.removable), found.kept_traces, found.unplaced) == (3, 3, 3)


KEY = SeriesKey("suite.time_thing", (), "box", "env")


def history(traced: str, changes: tuple[int, ...]) -> tuple[History, Sessions]:
    """A series with a run for each character of ``traced``: "t" has a raw trace, "o" its table, "." neither."""
    commits = [Commit(f"{place:040x}", datetime(2026, 1, 1, tzinfo=UTC)) for place in range(len(traced))]
    ends = {"t": ".pt.trace.json.gz", "o": ".operators.json.gz"}
    sessions = tuple(
        Session(
            key=KEY, commit=commit.hash, run="1", session="s", started=commit.date, wall_s=(1.0,) * 10, cpu_s=(),
            involuntary_switches=(), number=1, threads=1, device="cpu", device_name="", torch="", python="",
            trace=Path(f"x{ends[mark]}") if mark in ends else None, trace_note="", skipped="",
        )
        for commit, mark in zip(commits, traced, strict=True)
    )  # fmt: skip
    made = History(
        key=KEY, unit="seconds", better=Better.LOWER, state=State.NO_CHANGE,
        points=tuple(Point(commit, Outcome.MEASURED, 1.0) for commit in commits),
        changes=tuple(ChangeEvidence(a_change(place)) for place in changes),
    )  # fmt: skip
    return made, Sessions(sessions)


def a_change(index: int) -> Change:
    return Change(index=index, before=1.0, after=2.0, p_value=0.001, confirmed=True, kind=ChangeKind.CODE)


@pytest.mark.parametrize(
    ("traced", "changes", "most", "kept"),
    [
        ("tttttt", (), 2, {4, 5}),
        ("tttttt", (), 0, set()),
        ("ttttt.", (), 2, {3, 4}),  # the newest with a trace
        ("tttttt", (2,), 1, {1, 2, 5}),
        ("tt..tt", (3,), 1, {1, 4, 5}),  # the nearest on both sides
        ("t.o.tt", (3,), 0, {0, 4}),
        ("tttttt", (2, 4), 0, {1, 2, 3, 4}),
        ("tt..tt", (2, 4), 0, {1, 4}),  # never across another change
    ],
)
def test_the_newest_runs_and_both_sides_of_a_change_keep_theirs(
    traced: str, changes: tuple[int, ...], most: int, kept: set[int]
):
    assert {int(commit, 16) for _, commit in kept_runs(*history(traced, changes), most)} == kept


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no operator table"),
        (b"\x1f\x8b\x08", "holds no operator table"),
        (gzip.compress(b"[]"), "holds no operator table"),
        (gzip.compress(b'{"format": 2}'), "update tbp"),
        (gzip.compress(b'{"format": 1}'), "holds no operator table"),
    ],
)
def test_a_damaged_table_is_said_in_a_sentence(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "x.operators.json.gz"
    path.write_bytes(content)
    with pytest.raises(UnreadableTrace, match=words):
        read_recording(path)


def test_a_column_that_a_table_is_too_old_for_is_unknown(tmp_path: Path, recorded_traces: dict[str, list[Path]]):
    path = tmp_path / "x.operators.json.gz"
    write_operators(read_recording(recorded_traces[A][0]), path)
    content = json.loads(gzip.decompress(path.read_bytes()))
    del content["table"]["total_us"], content["table"]["shapes"]
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    frame = read_operators(path).session.table.frame
    assert frame["total_us"].isna().all()
    assert set(frame["shapes"]) == {""}
    assert frame["self_us"].notna().all()
