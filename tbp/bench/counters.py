"""Counters: numbers of a step that need no clock, and so carry no noise.

Takes a step (or anything to call), gives numbers of operators or bytes. Each is measured in a pass of its own,
because counting slows what it counts.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: int = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        self.operators += 1
        return func(*args, **(kwargs or {}))


def operators(call: Callable[[], object]) -> int:
    """ATen operators dispatched by one call, below autograd; dispatch and kernel launches cost time for each."""
    call()  # makes what is made once: caches, optimizer state
    with _Counting() as counting:
        call()
    return int(counting.operators)


def peak_bytes(call: Callable[[], object], device: str) -> int:
    """Most bytes of tensors alive at once during one call, above what was alive before it.

    On CUDA the caching allocator's peak; on the CPU, whose allocator keeps no peak, the profiler's memory events.
    """
    call()
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated() - before)
    if device != "cpu":
        raise ValueError(f"unknown device {device!r}: tbp knows how to read peak memory on 'cpu' and 'cuda' only")
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    return _peak_of_events(_exported(profiler))


def _exported(profiler: profile) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8", errors="replace"), strict=False)["traceEvents"]
    assert isinstance(events, list)
    return events


def _peak_of_events(events: list[dict[str, Any]]) -> int:
    """Highest running sum of the allocator's events; 0 when nothing was allocated."""
    memory = [event for event in events if event.get("name") == "[memory]"]
    alive = peak = 0
    for event in sorted(memory, key=lambda event: float(event["ts"])):
        alive += int(event["args"]["Bytes"])
        peak = max(peak, alive)
    return peak


def model_bytes(module: nn.Module) -> int:
    """Bytes of the module's serialised state: parameters, persistent buffers, packed quantised weights."""
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    return buffer.getbuffer().nbytes
