"""CUDA graphs on the CPU: the operators that are dispatched while a graph is recorded run again at each replay.

They read and write the memory that they had then, and nothing of Python runs again, as on CUDA. What the recording
itself writes into tensors that were there before is undone: on CUDA it computes nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class RecordedGraph(TorchDispatchMode):
    """A graph of ``torch.cuda``: entered it records, ``replay`` repeats."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any], Any]] = []
        self.replays = 0
        self._overwritten: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")  # torch's words on CUDA
        for argument, value in zip(func._schema.arguments, args, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                self._overwritten += [(x, x.clone()) for x in tree_leaves(value) if isinstance(x, Tensor)]
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, result))
        return result

    @torch.inference_mode()
    def undo(self) -> None:
        for tensor, value in reversed(self._overwritten):
            tensor.copy_(value)

    @torch.inference_mode()
    def replay(self) -> None:
        self.replays += 1
        for func, args, kwargs, recorded in self.calls:
            for old, new in zip(tree_leaves(recorded), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def record_graphs(monkeypatch: pytest.MonkeyPatch) -> list[RecordedGraph]:
    """Put such graphs into ``torch.cuda``; gives those that are made from then on."""
    made: list[RecordedGraph] = []

    def new() -> RecordedGraph:
        made.append(RecordedGraph())
        return made[-1]

    @contextmanager
    def recording(graph: RecordedGraph) -> Iterator[None]:
        with graph:
            yield
        graph.undo()

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, simulated in {
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
        "CUDAGraph": new,
        "graph": recording,
    }.items():
        monkeypatch.setattr(torch.cuda, name, simulated)
    return made
