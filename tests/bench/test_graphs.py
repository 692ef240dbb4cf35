"""CUDA graphs against a simulated torch.cuda: what is recorded, and that a run only replays it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch

from tbp.bench.devices import Skip
from tbp.bench.graphs import WARM_RUNS, graphed
from tbp.bench.workloads import Case, Step

ON_CUDA = Case({}, torch.float32, "cuda")


class SimulatedGraphs:
    """Records which calls were made while recording, and replays them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.state = "eager"
        stream = SimpleNamespace(wait_stream=lambda other: self.calls.append("waits"))
        monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
        monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
        monkeypatch.setattr(
            torch.cuda, "CUDAGraph", lambda: SimpleNamespace(replay=lambda: self.calls.append("replay"))
        )
        monkeypatch.setattr(torch.cuda, "graph", self.recording)

    @contextmanager
    def recording(self, graph: object) -> Iterator[None]:
        self.state = "recorded"
        yield
        self.state = "eager"

    def run(self) -> torch.Tensor:
        self.calls.append(self.state)
        return torch.ones(2)


def test_a_graph_is_recorded_after_warm_runs_and_then_only_replayed(monkeypatch: pytest.MonkeyPatch):
    cuda = SimulatedGraphs(monkeypatch)
    step = graphed(Step(cuda.run, cuda.run, flops=4, tokens=2), ON_CUDA)
    assert cuda.calls == ["waits", *["eager"] * WARM_RUNS, "waits", "recorded"]
    cuda.calls.clear()
    step.run()
    first, second = step.output(), step.output()
    assert cuda.calls == ["replay"] * 3
    assert first.data_ptr() != second.data_ptr(), "a replay would overwrite an output that is kept"
    assert (step.flops, step.counted, step.tokens) == (4, 0, 2)


def test_a_step_without_an_output_is_refused(monkeypatch: pytest.MonkeyPatch):
    SimulatedGraphs(monkeypatch)
    with pytest.raises(TypeError, match="return it from run"):
        graphed(Step(lambda: None, lambda: torch.ones(2)), ON_CUDA)


def test_the_cpu_has_no_graphs():
    with pytest.raises(Skip, match="on CUDA only"):
        graphed(Step(lambda: None, lambda: torch.ones(2)), Case({}, torch.float32, "cpu"))
