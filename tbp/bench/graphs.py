"""CUDA graphs: a step recorded once and replayed, which launches all of its kernels at once.

A step of small kernels waits for the host that launches them: an encoder of 159 µs on an H200 took 1,485 µs of wall
time, and 174 µs as a graph. The graphed variant beside the plain one shows how much of a time is launching.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .devices import Skip
from .workloads import Case, Step

# Runs before the recording: allocations and lazy initialisation are no part of a graph (torch's notes on CUDA graphs).
WARM_RUNS = 3


def graphed(step: Step, case: Case) -> Step:
    """``step`` whose run replays a CUDA graph of it; its run must give its output, and read no value back.

    Raises:
        Skip: the case is not on CUDA.
    """
    if case.device != "cuda":
        raise Skip("CUDA graphs run on CUDA only")
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_RUNS):
            step.run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        recorded = step.run()
    if not isinstance(recorded, Tensor):
        raise TypeError("a step to be graphed gives its output as a tensor: return it from run")

    def output() -> Tensor:
        graph.replay()
        return recorded.clone()  # the next replay writes into the same memory

    # A replay dispatches nothing, so that torch counts no FLOPs of it.
    return replace(step, run=graph.replay, output=output, counted=0)
