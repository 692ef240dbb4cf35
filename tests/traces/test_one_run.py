"""The ranks of a distributed run are one session, whatever names them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

from tbp.traces.devices import per_step, waits
from tbp.traces.devices.per_step import Devices, devices
from tbp.traces.differences.difference import difference
from tbp.traces.operator_files import operator_bytes, stored_recording
from tbp.traces.operators.one_run import by_run, one_a_run
from tbp.traces.operators.operators import TraceSession, session
from tbp.traces.operators.origin import UNKNOWN, RankOrigin, located
from tbp.traces.pruned import same
from tbp.traces.read_recording import read_recording
from tbp.traces.reading.trace import Trace
from tbp.traces.recording import Recording
from tbp.wording.device_words import straggler_sentence

from ..trace_events import event

ANNOTATION = {"cat": "user_annotation"}
GLOO = {"cat": "user_annotation", "tid": 9}
MS = 1_000_000
HOUR_NS = 3600 * 10**9


def origin(
    rank: int, start_ms: float = 0, end_ms: float = 50, size: int = 3, backend: str = "gloo", path: str = "t.json"
) -> RankOrigin:
    return located(Path(path), RankOrigin(rank, size, backend, int(start_ms * MS), int(end_ms * MS)))


@pytest.mark.parametrize(
    ("origins", "groups"),
    [
        ([origin(2), origin(0, 5), origin(1, 3)], [[1, 2, 0]]),
        # a run of the same script ten seconds later
        ([origin(0), origin(1), origin(0, 10_000, 10_050), origin(1, 10_001, 10_050)], [[0, 1], [2, 3]]),
        # the second cycle of a schedule, and rank 1 has no file of the first
        ([origin(0), origin(0, 60, 110), origin(1, 61, 110)], [[0], [1, 2]]),
        # clocks of two machines: one second apart is near
        ([origin(0), origin(1, 400, 450)], [[0, 1]]),
        ([origin(0), origin(1, 1_000, 1_050)], [[0, 1]]),
        ([origin(0), origin(1, 1_001, 1_050)], [[0], [1]]),
        ([origin(0, path="r/rank0.json"), origin(1, 5_000, 5_050, path="r/rank1.json")], [[0, 1]]),
        ([origin(0, path="r/rank0.json"), origin(1, HOUR_NS / MS - 1, path="r/rank1.json")], [[0, 1]]),
        ([origin(0, path="r/rank0.json"), origin(1, HOUR_NS / MS, path="r/rank1.json")], [[0], [1]]),
        # two jobs at once
        (
            [origin(0, path=f"{job}/rank0.json") for job in "ab"]
            + [origin(1, path=f"{job}/rank1.json") for job in "ba"],
            [[0, 3], [1, 2]],
        ),
        # other worlds, other backends
        ([origin(0), origin(1, size=2)], [[0], [1]]),
        ([origin(0), origin(1, backend="mpi")], [[0], [1]]),
        # no ranks: repetitions, also at the same time
        ([origin(0, size=1), origin(0, size=1), None], [[0], [1], [2]]),
        # the rank only in the names
        ([origin(0, size=1, path="a/rank_0.json"), origin(0, size=1, path="a/rank_1.json")], [[0, 1]]),
        ([origin(0, size=1, path="rank-0/t.json"), origin(0, size=1, path="rank-1/t.json")], [[0, 1]]),
        ([origin(0, size=1, path="a/worker0.1.json"), origin(0, size=1, path="a/worker0.2.json")], [[0], [1]]),
    ],
)
def test_files_are_grouped_by_run(origins: list[RankOrigin | None], groups: list[list[int]]) -> None:
    assert by_run(origins) == groups


def test_a_rank_in_a_name_counts_only_where_the_file_notes_none() -> None:
    named = located(Path("x/rank7.json"), RankOrigin(0, 1, "", 0, 1))
    assert (named.rank, named.world_size, named.family) == (7, UNKNOWN, "x/rank *.json")
    assert located(Path("x/rank7.json"), RankOrigin(2, 4, "nccl", 0, 1)).rank == 2
    assert located(Path("frank7.json"), RankOrigin(0, 1, "", 0, 1)).family == ""


Write = Callable[..., Path]


def rank_file(write: Write, rank: int, work_us: float, run: int = 0, size: int = 3, folder: str = "run") -> Recording:
    """Two steps of 1,000 µs: an operator works, then a collective waits for the slowest rank."""
    events: list[dict[str, Any]] = []
    for step in range(2):
        at = 10_000_000 * run + 1_000 * step
        events += [
            event(f"ProfilerStep#{step}", at, 1_000, ANNOTATION),
            event("aten::mm", at + 10, work_us),
            event("c10d::allreduce_", at + 20 + work_us, 5),
            event("gloo:all_reduce", at + 30 + work_us, 960 - work_us, GLOO),
        ]
    noted = {"backend": "gloo", "rank": rank, "world_size": size}
    name = f"{folder}{run}-rank{rank}.json"
    return read_recording(write({"traceEvents": events, "distributedInfo": noted}, name))


def test_ranks_that_differ_make_no_change_certain(write: Write) -> None:
    """Three ranks of one run passed for three sessions: what differs between ranks seemed to differ between runs."""
    before = [rank_file(write, rank, 300 + 100 * rank, folder="a").session for rank in range(3)]
    after = [rank_file(write, rank, 600 + 100 * rank, folder="b").session for rank in range(3)]
    measured = difference(before, after)
    assert (measured.sessions_before, measured.sessions_after) == (1, 1)
    assert not measured.rows["certain"].any()
    runs = [[rank_file(write, r, 300 + 100 * r, run, folder=side).session for run in range(3) for r in range(3)]
            for side in "cd"]  # fmt: skip
    assert (difference(*runs).sessions_before, difference(*runs).sessions_after) == (3, 3)


def test_a_run_is_the_mean_of_its_ranks(write: Write) -> None:
    (run,) = one_a_run([rank_file(write, rank, 300 + 100 * rank).session for rank in range(3)])
    frame = run.table.frame.set_index("operator")
    assert frame.loc["aten::mm", ["calls", "self_us"]].tolist() == [1, 400]
    assert run.per_step[run.per_step["operator"] == "aten::mm"]["self_us"].tolist() == [400, 400]
    assert (run.table.steps, run.step_us) == (2, 1_000)
    assert run.detail is not None
    assert run.detail.set_index("operator").loc["aten::mm", "self_us"] == 400
    assert run.frames is not None
    assert (run.frames.sessions, run.frames.rows["self_ns"].sum() / run.frames.steps) == (1, 965_000)


def test_ranks_on_one_side_alone_are_left_out_and_named(write: Write) -> None:
    before = [rank_file(write, rank, 300 + 100 * rank, folder="a").session for rank in range(3)]
    after = [rank_file(write, rank, 300 + 100 * rank, folder="b").session for rank in (0, 1)]
    measured = difference(before, after)
    assert measured.left_out == (2,)
    assert measured.rows.set_index("operator").loc["aten::mm", "delta_us"] == 0
    assert "rank 2 left out, as not every run has its trace" in measured.losses


def devices_of(recordings: list[Recording]) -> Devices | None:
    return devices([recording.rank for recording in recordings if recording.rank is not None])


def test_kernels_of_all_ranks_are_those_of_the_run(trace_of: Callable[..., Trace]) -> None:
    def rank(number: int, *kernels: str) -> TraceSession:
        launched = {"cat": "cuda_runtime", "args": {"correlation": 1}}
        work = [(name, 20, 5, {"cat": "kernel", "tid": 7, "args": {"correlation": 1}}) for name in kernels]
        trace = trace_of(("aten::mm", 0, 10), ("cudaLaunchKernel", 1, 1, launched), *work, ("aten::add", 12, 1))
        return replace(session(trace), origin=origin(number, size=3))

    (run,) = one_a_run([rank(0, "gemm"), rank(1, "gemm", "fill"), rank(2)])
    assert run.detail is not None
    kernels = run.detail.set_index("operator")["kernels"]
    assert (kernels["aten::mm"], kernels["aten::add"]) == ("fill\ngemm", "")


def test_what_one_rank_does_not_know_the_run_does_not(write: Write) -> None:
    ranks = [rank_file(write, rank, 300).session for rank in range(3)]
    (run,) = one_a_run([*ranks[:2], replace(ranks[2], frames=None)])
    assert (run.frames is None, run.detail is None) == (True, False)
    (run,) = one_a_run([*ranks[:2], replace(ranks[2], detail=None)])
    assert (run.frames is None, run.detail is None) == (False, True)


def test_sides_without_a_rank_in_common_are_compared_over_all(write: Write) -> None:
    zero, two = (rank_file(write, rank, 300 + 100 * rank, folder=f"f{rank}").session for rank in (0, 2))
    assert (difference([zero], [two]).left_out, difference([zero], [two]).sessions_after) == ((), 1)
    assert difference([zero], [two]).rows.set_index("operator").loc["aten::mm", "delta_us"] == 200


def test_ranks_against_a_run_without_any_are_compared_over_all(write: Write) -> None:
    ranks = [rank_file(write, rank, 300 + 100 * rank).session for rank in range(3)]
    alone = replace(rank_file(write, 0, 300, folder="alone").session, origin=None)
    measured = difference([alone], ranks)
    assert measured.left_out == ()
    assert measured.rows.set_index("operator").loc["aten::mm", "delta_us"] == 100  # the ranks' mean is 400


def test_the_table_of_ranks_needs_no_device(write: Write) -> None:
    view = devices_of([rank_file(write, rank, 300 if rank else 800) for rank in range(3)])
    assert view is not None
    assert view.ranks["rank"].tolist() == [0, 1, 2]
    assert view.ranks["communication_us"].tolist() == [160, 660, 660]
    assert view.ranks["exposed_communication_us"].tolist() == [160, 660, 660]
    assert view.ranks["communication_share"].tolist() == pytest.approx([0.16, 0.66, 0.66])
    assert view.ranks["busy_share"].isna().all()
    assert view.straggler is not None
    assert (view.straggler.rank, view.straggler.work_us, view.straggler.usual_us) == (0, 1_000, 500)
    assert (view.straggler.last, view.straggler.collectives, view.straggler.also) == (2, 2, ())
    assert view.ranks["wait_us"].tolist() == [0, 500, 500]
    alike = devices_of([rank_file(write, rank, 300) for rank in range(3)])
    assert alike is not None
    assert alike.straggler is None


@pytest.mark.parametrize(("waits_us", "rank"), [((101.0, 20.0, 100.0), 1), ((100.0, 100.0, 99.0), None)])
def test_ranks_that_only_wait_have_a_straggler_where_one_works(waits_us: tuple[float, ...], rank: int | None) -> None:
    run = pd.DataFrame({"rank": range(3), "step_us": 100.0, "communication_us": waits_us, "last": 0, "collectives": 0})
    late = per_step._straggler(run.assign(work_us=100.0 - pd.Series(waits_us)), waits_are_sure=True)
    assert (late.rank if late else None) == rank


def test_where_waits_are_not_sure_work_is_the_step_without_communication_alone(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "AGREEING", -1.0)
    view = devices_of([rank_file(write, rank, 300 if rank else 800) for rank in range(3)])
    assert view is not None
    assert view.straggler is not None
    assert (view.straggler.rank, view.straggler.work_us, view.straggler.collectives) == (0, 840, 0)
    assert "without communication its step takes 840 µs, theirs 340 µs" in straggler_sentence(view.straggler)


def test_all_late_ranks_are_named(write: Write) -> None:
    view = devices_of([rank_file(write, rank, 900 - rank if rank < 2 else 100, size=8) for rank in range(8)])
    assert view is not None
    assert view.straggler is not None
    assert (view.straggler.rank, view.straggler.also) == (0, (1,))
    much_less = devices_of([rank_file(write, rank, (900, 400)[rank] if rank < 2 else 100, size=8) for rank in range(8)])
    assert much_less is not None
    assert much_less.straggler is not None
    assert (much_less.straggler.rank, much_less.straggler.also) == (0, ())


def test_a_missing_rank_is_named(write: Write) -> None:
    view = devices_of([rank_file(write, rank, 300) for rank in (0, 2)])
    assert view is not None
    assert (view.world_size, view.missing) == (3, (1,))


def test_collectives_beside_operators_are_not_exposed(write: Write) -> None:
    events = [event("ProfilerStep#0", 0, 100, ANNOTATION), event("mm", 10, 50), event("gloo:all_reduce", 40, 40, GLOO)]
    noted = {"backend": "gloo", "rank": 0, "world_size": 2}
    rank = read_recording(write({"traceEvents": events, "distributedInfo": noted})).rank
    assert rank is not None
    assert (rank.host.communication_us, rank.host.exposed_us, rank.host.window_us) == (40, 20, 100)


def test_a_stored_table_keeps_its_rank(write: Write) -> None:
    recording = rank_file(write, 1, 300)
    path = recording.path.with_name("run0-rank1.operators.json.gz")
    back = stored_recording(path, operator_bytes(recording))
    assert same(back, recording)
    assert back.session.origin is not None
    assert (back.session.origin.rank, back.session.origin.world_size) == (1, 3)
    assert back.rank is not None
    assert back.rank.host == recording.rank.host if recording.rank else False
    assert json.dumps(str(path.parent)) not in operator_bytes(recording).decode("latin-1")
