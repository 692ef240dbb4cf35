import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tbp.asv.session_files import read_sessions
from tbp.asv.sessions import MIN_SAMPLES, Sessions, without_result
from tbp.model.cells import CellCounted
from tbp.model.series import SeriesKey

KEY = SeriesKey("m.time_it", (("variant", "sdpa"), ("length", "256")), "box", "env")
STORED: dict[str, Any] = {
    "format": 1, "run": "1", "session": "s1", "benchmark": "m.time_it", "commit": "a" * 40, "environment": "env",
    "parameters": {"variant": "sdpa", "length": "256"}, "machine": "box", "started": "2026-01-01T00:00:00+00:00",
    "torch": "2.13", "python": "3.11", "device": "cpu", "device_name": "", "threads": 2, "number": 1,
    "wall_s": [3.0, 1.0, 2.0], "cpu_s": [], "involuntary_switches": [], "trace": None, "trace_note": "",
}  # fmt: skip


def written(results: Path, session: str = "s1", trace: bool | str = False, **changed: Any) -> Path:
    folder = results / "box" / "aaaaaaaa-env.traces" / "m.time_it"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"cell.{session}.pt.trace.json.gz"
    path = folder / f"cell.{session}.session.json.gz"
    facts = {**STORED, "session": session, "trace": name if trace is True else trace or None, **changed}
    path.write_bytes(gzip.compress(json.dumps(facts).encode()))
    if trace is True:
        (folder / name).write_bytes(b"a trace")
    return path


def test_sessions_are_given_by_series_and_commit(tmp_path: Path):
    written(tmp_path, "s1", trace=True)
    written(tmp_path, "s2", wall_s=[4.0], started="2026-01-01T00:00:01Z")
    sessions = read_sessions(tmp_path)
    assert sessions.problems == ()
    assert sessions.medians_s(KEY, "a" * 40) == (2.0, 4.0)
    assert [path.name for path in sessions.traces(KEY, "a" * 40)] == ["cell.s1.pt.trace.json.gz"]
    assert sessions.trace_note(KEY, "a" * 40) == "no trace was recorded"
    assert sessions.medians_s(KEY, "b" * 40) == ()


def test_a_session_has_its_ratios_and_counts_and_an_older_one_has_none(tmp_path: Path):
    written(tmp_path, "s1")
    turns = {"naive": {"wall": [0.5, 0.25], "cpu": [0.5, 0.5]}}
    counts = {
        "tokens": 64,
        "flops": None,
        "dispatched": {"aten::mm": 2},
        "learning_rates": [0, 0.5],
        "of_a_later_tbp": 1,
    }
    written(tmp_path, "s2", ratios=turns, counts=counts, first_call_s=0.5, isa="AVX2", cpu_mhz=None)
    older, newer = read_sessions(tmp_path).sessions
    assert (older.ratios, older.counts, older.first_call_s) == ({}, None, 0.0)
    assert newer.ratios["naive"].wall == (0.5, 0.25)
    assert newer.counts == CellCounted(tokens=64, dispatched={"aten::mm": 2}, learning_rates=(0.0, 0.5))
    assert (newer.first_call_s, newer.isa, newer.processor_mhz) == (0.5, "AVX2", 0)


def test_the_traces_of_the_only_timing_beside_it_tell_of_a_counter(tmp_path: Path):
    counter = SeriesKey("m.track_operators", KEY.parameters, "box", "env")
    other = SeriesKey("m.track_operators", (("variant", "math"), ("length", "256")), "box", "env")
    written(tmp_path, trace=True)
    sessions = read_sessions(tmp_path)
    assert (sessions.traced(KEY), sessions.traced(counter), sessions.traced(other)) == (KEY, KEY, other)
    written(tmp_path, "s2", benchmark="m.time_backward")
    assert read_sessions(tmp_path).traced(counter) == counter


def test_only_the_newest_run_counts(tmp_path: Path):
    written(tmp_path, "s1", run="1", trace=True)
    written(tmp_path, "s2", run="2", wall_s=[9.0])
    sessions = read_sessions(tmp_path)
    assert len(sessions.sessions) == 2
    assert sessions.medians_s(KEY, "a" * 40) == (9.0,)
    assert sessions.traces(KEY, "a" * 40) == ()


def test_a_quick_run_does_not_replace_a_real_one(tmp_path: Path):
    written(tmp_path, "s1", run="1", wall_s=[1.0] * 10)
    written(tmp_path, "s2", run="2", wall_s=[2.0] * 10)
    written(tmp_path, "s3", run="3", wall_s=[9.0])
    assert read_sessions(tmp_path).medians_s(KEY, "a" * 40) == (2.0,)


def test_a_newer_run_that_skips_the_cell_counts(tmp_path: Path):
    written(tmp_path, "s1", run="1", wall_s=[1.0] * 10)
    written(tmp_path, "s2", run="2", wall_s=[], skipped="no CUDA device")
    assert read_sessions(tmp_path).reason(KEY, "a" * 40) == "no CUDA device"


def test_enough_samples_are_what_the_ruler_takes_at_least():
    pytest.importorskip("torch")
    from tbp.bench.clock import SamplingPlan

    assert SamplingPlan().min_samples == MIN_SAMPLES


def test_the_order_of_parameters_does_not_matter(tmp_path: Path):
    written(tmp_path, parameters={"length": "256", "variant": "sdpa"})
    assert read_sessions(tmp_path).medians_s(KEY, "a" * 40) == (2.0,)


def test_why_a_cell_was_skipped_is_kept(tmp_path: Path):
    written(tmp_path, wall_s=[], skipped="no CUDA device")
    sessions = read_sessions(tmp_path)
    assert (sessions.reason(KEY, "a" * 40), sessions.medians_s(KEY, "a" * 40)) == ("no CUDA device", ())


@pytest.mark.parametrize(
    "changed",
    [{"format": 2}, {"commit": ""}, {"wall_s": "no"}, {"started": "yesterday"}, {"started": "2026-01-01T00:00:00"}],
)
def test_a_session_that_cannot_be_used_is_a_problem(tmp_path: Path, changed: dict[str, Any]):
    written(tmp_path, **changed)
    sessions = read_sessions(tmp_path)
    assert (len(sessions.sessions), len(sessions.problems)) == (0, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x1f\x8b", gzip.compress(b'{"format": 1}', mtime=0)[:-9], gzip.compress(b"[1", mtime=0),
        gzip.compress(b"\xff", mtime=0), b"{}",
    ],
)  # fmt: skip
def test_a_half_written_session_is_a_problem(tmp_path: Path, content: bytes):
    written(tmp_path, "s1")
    written(tmp_path, "s2").write_bytes(content)
    sessions = read_sessions(tmp_path)
    assert (len(sessions.sessions), len(sessions.problems)) == (1, 1)
    assert "was left out" in sessions.problems[0]


def test_a_missing_trace_and_a_lone_trace_are_said(tmp_path: Path):
    path = written(tmp_path, "s1", trace=True)
    (path.parent / "cell.s1.pt.trace.json.gz").unlink()
    (path.parent / "cell.s9.pt.trace.json.gz").write_bytes(b"")
    problems = read_sessions(tmp_path).problems
    assert len(problems) == 2
    assert "is missing" in problems[0]
    assert "no session file" in problems[1]


def test_the_traces_of_all_ranks_are_of_one_session(tmp_path: Path):
    path = written(tmp_path, "s1", trace=True, rank_traces=["cell.s1.rank1.pt.trace.json.gz", "gone.json"])
    of_rank = path.with_name("cell.s1.rank1.pt.trace.json.gz")
    of_rank.write_bytes(b"a trace")
    read = read_sessions(tmp_path)
    assert [trace.name for trace in read.traces(KEY, "a" * 40)] == ["cell.s1.pt.trace.json.gz", of_rank.name]
    assert read.medians_s(KEY, "a" * 40) == (2.0,)
    assert len(read.problems) == 1
    assert "its trace gone.json is missing" in read.problems[0]
    of_rank.rename(of_rank.with_name("cell.s1.rank1.operators.json.gz"))  # as tbp trace prune leaves it
    assert read_sessions(tmp_path).traces(KEY, "a" * 40)[1].name == "cell.s1.rank1.operators.json.gz"


def test_a_trace_outside_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "secret").write_text("x")
    written(tmp_path, "s1", trace="../../../secret")
    sessions = read_sessions(tmp_path)
    assert sessions.traces(KEY, "a" * 40) == ()
    assert "no plain file name" in sessions.problems[0]


def test_no_sessions_are_no_problem(tmp_path: Path):
    assert read_sessions(tmp_path / "absent") == Sessions()


def test_sessions_without_a_result_are_said(tmp_path: Path):
    written(tmp_path)
    sessions = read_sessions(tmp_path)
    assert without_result(sessions, {(KEY, "a" * 40)}) == ()
    (sentence,) = without_result(sessions, set())
    assert "1 sessions of commit aaaaaaaa" in sentence


def test_a_session_that_was_interrupted_most_of_the_time_does_not_count(tmp_path: Path):
    written(tmp_path, "s1", wall_s=[1.0] * 10, cpu_s=[0.97] * 10)
    written(tmp_path, "s2", wall_s=[2.0] * 10, cpu_s=[0.98] * 10, started="2026-01-01T00:00:01Z")
    written(tmp_path, "s3", wall_s=[1.0] * 10, cpu_s=[0.90] * 10, started="2026-01-01T00:00:02Z")
    assert read_sessions(tmp_path).medians_s(KEY, "a" * 40) == (1.0, 1.0)


@pytest.mark.parametrize("share", [0.2, 3.9])
def test_where_all_are_alike_all_count(tmp_path: Path, share: float):
    """What waits for a device, runs on four threads, or had a neighbour in every session."""
    for session in ("s1", "s2"):
        written(tmp_path, session, wall_s=[1.0] * 10, cpu_s=[share] * 10)
    assert read_sessions(tmp_path).medians_s(KEY, "a" * 40) == (1.0, 1.0)


def test_times_are_at_the_machines_usual_speed(tmp_path: Path):
    """The machine was twice as slow in the second session; the step was not."""
    written(tmp_path, "s1", wall_s=[1.0, 1.1, 1.2], yardstick_s=[0.1, 0.1, 0.1])
    written(tmp_path, "s2", wall_s=[2.0, 2.2, 2.4], yardstick_s=[0.2, 0.2, 0.2], started="2026-01-01T00:00:01Z")
    assert read_sessions(tmp_path).medians_s(KEY, "a" * 40) == pytest.approx((1.65, 1.65))


def test_one_session_without_a_yardstick_leaves_all_as_measured(tmp_path: Path):
    written(tmp_path, "s1", wall_s=[1.0, 1.1, 1.2], yardstick_s=[0.1, 0.1, 0.1])
    written(tmp_path, "s2", wall_s=[2.0, 2.2, 2.4], started="2026-01-01T00:00:01Z")
    assert read_sessions(tmp_path).medians_s(KEY, "a" * 40) == pytest.approx((1.1, 2.2))


def test_samples_are_on_the_scale_of_the_medians(tmp_path: Path):
    """The machine was twice as slow in the second session, and at its usual speed between the two."""
    written(tmp_path, "s1", wall_s=[1.0, 1.2], yardstick_s=[0.1, 0.1])
    written(tmp_path, "s2", wall_s=[2.0, 2.6], yardstick_s=[0.2, 0.2], started="2026-01-01T00:00:01Z")
    first, second = read_sessions(tmp_path).samples_s(KEY, "a" * 40)
    assert first == pytest.approx((1.5, 1.8))
    assert second == pytest.approx((1.5, 1.95))
    written(tmp_path, "s3", wall_s=[3.0], started="2026-01-01T00:00:02Z")
    assert read_sessions(tmp_path).samples_s(KEY, "a" * 40) == ((1.0, 1.2), (2.0, 2.6), (3.0,))
