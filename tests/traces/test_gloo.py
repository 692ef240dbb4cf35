"""A real distributed run: three processes with gloo, recorded twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from tbp.traces.devices.per_step import devices
from tbp.traces.differences.difference import difference
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import Recording

pytest.importorskip("torch")

RANKS, STEPS = 3, 6
SCRIPT = """
import sys
import torch
import torch.distributed as dist

rank, ranks, steps, folder = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks)
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(128, 128))
x = torch.rand(131072 if rank == 1 else 16, 128)
profiler = torch.profiler
with profiler.profile(
    activities=[profiler.ProfilerActivity.CPU],
    schedule=profiler.schedule(wait=0, warmup=2, active=steps, repeat=1),
    on_trace_ready=lambda profile: profile.export_chrome_trace(f"{folder}/rank{rank}.json"),
) as profile:
    for _ in range(steps + 2):
        model(x).sum().backward()
        profile.step()
dist.destroy_process_group()
"""


def recorded_run(folder: Path) -> list[Recording]:
    folder.mkdir()
    command = [sys.executable, "-c", SCRIPT]
    processes = [subprocess.Popen([*command, *map(str, (rank, RANKS, STEPS, folder))]) for rank in range(RANKS)]
    assert [process.wait(120) for process in processes] == [0] * RANKS
    return [read_recording(path) for path in sorted(folder.glob("rank*.json"))]


@pytest.mark.slow
def test_one_script_run_twice_has_changed_nothing_for_certain(tmp_path: Path) -> None:
    """Ranks taken for sessions made changes certain: of two runs ``c10d::allreduce_`` took +954 %."""
    before, after = recorded_run(tmp_path / "a"), recorded_run(tmp_path / "b")
    measured = difference([each.session for each in before], [each.session for each in after])
    assert (measured.sessions_before, measured.sessions_after) == (1, 1)
    assert not measured.rows["certain"].any()
    view = devices([each.rank for each in before if each.rank is not None])
    assert view is not None
    assert (view.runs, view.world_size, view.backend, view.missing) == (1, RANKS, "gloo", ())
    assert (view.ranks["communication_us"] > 0).all()
    assert view.straggler is not None
    # It has 8,192 times the rows of the others, which stands out on a busy machine, too.
    assert view.straggler.rank == 1
