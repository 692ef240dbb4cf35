"""A distributed step: two real processes that torchrun starts, measured, traced and ended."""

from contextlib import suppress
from pathlib import Path

import pytest
import torch

import benchmarks.workloads.distributed as workloads
from tbp.asv.leftovers import remove_abandoned
from tbp.asv.session_files import read_sessions
from tbp.bench import Case, Skip, distributed, ranks
from tbp.bench.cell import counts
from tbp.bench.clock import Timing
from tbp.bench.devices import device
from tbp.bench.oracle import closeness
from tbp.bench.ranks import RanksFailed
from tbp.bench.recorder import Destination, Further, record
from tbp.bench.workloads import find
from tbp.traces.devices.per_step import devices
from tbp.traces.operators.one_run import one_a_run
from tbp.traces.read_recording import read_recording

from ..processes import all_end

SHAPE = {"batch": 8, "sequence_length": 8, "d_model": 32, "heads": 4, "micro_batches": 2}
CASE = Case(SHAPE, torch.float32, "cpu")
TIMING = Timing(number=1, wall_s=(0.5,) * 10, cpu_s=(0.5,) * 10, involuntary_switches=(0,) * 10)


def processes_of(folder: str) -> list[int]:
    """The processes whose command line names a file in ``folder``."""
    named = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended just now
            if f"{folder}/".encode() in (process / "cmdline").read_bytes():
                named.append(int(process.name))
    return named


@pytest.mark.slow
def test_a_step_of_two_ranks_is_one_session_with_the_traces_of_both(tmp_path: Path):
    workload = find("distributed", "accumulated")
    step = workload.build(CASE)
    close = closeness(workload, CASE, step)
    assert close.error < 1e-5  # both ranks apply the gradient of the whole ragged batch
    counted = counts(step, device("cpu"), close)
    assert (counted.tokens, counted.operators, counted.error) == (64, None, close.error)
    used_s = step.cpu_s()
    step.run()
    assert step.cpu_s() > used_s

    destination = Destination(tmp_path / "box" / "0123-env.traces", "run", "0123456789abcdef", "env", "box")
    path = record(
        destination,
        "distributed.Nightly",
        {},
        device("cpu"),
        TIMING,
        step.run,
        further=Further(rank_traces=step.rank_traces),
    )
    assert path is not None
    assert remove_abandoned(tmp_path) == 0
    sessions = read_sessions(tmp_path)
    (session,) = sessions.sessions
    assert sessions.problems == ()
    recordings = [read_recording(trace) for trace in session.traces]
    assert {recording.about.benchmark for recording in recordings} == {"distributed.Nightly"}
    view = devices([recording.rank for recording in recordings])
    assert (view.runs, view.world_size, view.backend, view.missing) == (1, 2, "gloo", ())
    assert (view.ranks["communication_us"] > 0).all()
    (run,) = one_a_run([recording.session for recording in recordings])
    frame = run.table.frame.set_index("operator")
    # Of the ranks' mean: gradients once a step, the count of labels, and the loss.
    assert frame.loc["c10d::allreduce_", "calls"] == 3

    folder = str(step.rank_traces.__self__._folder)
    team = processes_of(folder)
    assert len(team) == 3  # torchrun and its ranks
    del step
    assert all_end(team, within_s=10.0)
    assert not Path(folder).exists()


@pytest.mark.slow
def test_ranks_that_fail_are_quoted_and_ended():
    with pytest.raises(RanksFailed, match=r"(?s)Traceback.*KeyError: 'd_model'"):
        distributed(workloads.accumulated_rank, Case({}, torch.float32, "cpu"))


def test_on_cuda_each_rank_has_its_gpu_and_nccl_connects_before_a_sample(monkeypatch: pytest.MonkeyPatch):
    called: list[object] = []
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "set_device", called.append)
    monkeypatch.setattr(ranks.dist, "init_process_group", lambda backend, **more: called.append((backend, more)))
    ranks._join("cuda")
    ranks._join("cpu")
    gpu = torch.device("cuda", 1)
    assert called == [gpu, ("nccl", {"device_id": gpu}), ("gloo", {})]


@pytest.mark.cuda
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_gpus_apply_the_gradient_of_the_whole_batch():
    workload, case = find("distributed", "accumulated"), Case(SHAPE, torch.float32, "cuda")
    assert closeness(workload, case, workload.build(case)).error < 1e-5


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="the skip shows without two CUDA devices")
def test_ranks_need_as_many_devices():
    with pytest.raises(Skip, match="2 ranks need as many CUDA devices"):
        distributed(workloads.accumulated_rank, Case(SHAPE, torch.float32, "cuda"))
