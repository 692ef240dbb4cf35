"""Steps of modules that torch.compile has compiled: on the CPU it needs a C++ compiler, on CUDA Triton."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from tbp import bench


def compiled(step: bench.Step, **options: Any) -> bench.Step:
    """The step of ``bench.inference`` without options, whose module is compiled: here, and not in the first sample.

    Its conditions stay. Its checks are of the module as it was, and for another shape: none is left.

    Raises:
        Skip: it does not compile on this machine.
    """
    assert step.module is not None
    peer = bench.inference(whole(step.module, **options), *step.inputs)
    graphs = graphs_of(peer.run)
    conditions = {**step.conditions, "torch.compile has made a graph of the module": lambda: graphs > 0}
    # Cloned, as a graph that torch.compile records writes its next output into the same memory.
    return replace(
        step, run=peer.run, output=lambda: peer.output().clone(), checks={}, conditions=conditions, counted=0
    )


def whole(module: nn.Module, **options: Any) -> nn.Module:
    """The module under torch.compile, as one graph: where that is impossible its first call raises."""
    made: Any = torch.compile(module, fullgraph=True, **options)
    assert isinstance(made, nn.Module)  # torch's types know functions only
    return made


def graphs_of(run: Callable[[], object]) -> int:
    """Graphs that the first call of ``run`` compiles; 0 where torch.compile is switched off and says nothing.

    Raises:
        Skip: it does not compile on this machine.
    """
    # Imported here: it takes a second, and processes of other cells do without.
    dynamo = importlib.import_module("torch._dynamo")
    stats = dynamo.utils.counters["stats"]
    before = stats["unique_graphs"]
    try:
        run()
    except dynamo.exc.TorchDynamoException as error:  # not every RuntimeError: a fault of a kernel is no skip
        raise bench.Skip(f"torch.compile fails here: {type(error).__name__}") from None
    return int(stats["unique_graphs"] - before)
