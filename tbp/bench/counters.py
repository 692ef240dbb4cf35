"""Counters: numbers of a step that need no clock, and so carry no noise.

Takes a step (or anything to call), gives numbers of operators or bytes, and the seconds that a GPU works. Each is
measured in a pass of its own, because counting slows what it counts.
"""

from __future__ import annotations

import bisect
import io
import json
import statistics
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function, schedule
from torch.utils._python_dispatch import TorchDispatchMode

# A GPU's time moves little between calls: of a 157 µs step, medians of three runs were 156.4 to 156.7 µs (H200).
DEVICE_STEPS = 10
ATTENTION = "aten::scaled_dot_product_attention"
_COUNTED_CALL = "tbp: the counted call"
_ON_THE_DEVICE = {"kernel", "gpu_memcpy", "gpu_memset"}  # the profiler's categories


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.kernels: Counter[str] = Counter()  # of attention
        self._is_inside = False

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Compiled code is counted as it is; torch would compute it eagerly beside any other mode, or refuse."""
        return True

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = str(func.name()).partition(".")[0]
        (self.kernels if self._is_inside else self.calls)[name] += 1
        if name != ATTENTION:
            return func(*args, **(kwargs or {}))
        # Without autograd attention is dispatched whole: its parts tell which kernel it took.
        self._is_inside = True
        try:
            with self:
                return func.decompose(*args, **(kwargs or {}))
        finally:
            self._is_inside = False


def operators(call: Callable[[], object]) -> int:
    """ATen operators dispatched by one call, below autograd; dispatch and kernel launches cost time for each."""
    return sum(_counted(call).calls.values())


def dispatched(call: Callable[[], object]) -> dict[str, int]:
    """Calls of each operator of one call, by name, and of the operators within attention, which name its kernel."""
    counting = _counted(call)
    return dict(counting.calls + counting.kernels)


def _counted(call: Callable[[], object]) -> _Counting:
    call()  # makes what is made once: caches, optimizer state
    counting = _Counting()
    with counting:
        call()
    return counting


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
    with quiet_profiler(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        # The allocator reports the end of those blocks only whose beginning it has seen: a training step frees the
        # gradients of the one before. Without this call its peak was 6.4, 8.5 or 9.5 MB, from one reading to the next.
        call()
        with record_function(_COUNTED_CALL):
            call()
    return _peak_of_events(_exported(profiler))


def device_seconds(call: Callable[[], object]) -> float:
    """Seconds of one call in which the current CUDA device has work: kernels, copies and fills, overlaps counted once.

    The median of ``DEVICE_STEPS`` calls. A small step's wall time is the host's, which launches the kernels: on an H200
    it was 6 × the GPU's, and moved by a half from run to run.
    """
    plan = schedule(wait=0, warmup=1, active=DEVICE_STEPS, repeat=1)
    activities = [ProfilerActivity.CPU, ProfilerActivity.CUDA]
    with quiet_profiler(), profile(activities=activities, schedule=plan) as profiler:
        for _ in range(1 + DEVICE_STEPS):
            call()
            torch.cuda.synchronize()
            profiler.step()
    return statistics.median(_busy_s_of_steps(_exported(profiler)))


def _busy_s_of_steps(events: list[dict[str, Any]]) -> list[float]:
    """Seconds with work on the device in each profiled step; the device is idle where one step ends."""
    starts = sorted(
        float(event["ts"])
        for event in events
        if str(event.get("name")).startswith("ProfilerStep#") and event.get("cat") == "user_annotation"
    )
    work = sorted(
        (float(event["ts"]), float(event["ts"]) + float(event["dur"]))
        for event in events
        if event.get("cat") in _ON_THE_DEVICE
    )
    busy_us = [0.0] * len(starts)
    done_us = 0.0
    for start, end in work:
        step = bisect.bisect_right(starts, start) - 1
        if step >= 0:
            busy_us[step] += max(0.0, end - max(start, done_us))
        done_us = max(done_us, end)
    return [microseconds / 1e6 for microseconds in busy_us]


@contextmanager
def quiet_profiler() -> Iterator[None]:
    """Silence torch 2.11's warning, at each start of a profiler, that it forgets the events of an earlier cycle."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*Profiler clears events at the end of each cycle", category=UserWarning
        )
        yield


def _exported(profiler: profile) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8", errors="replace"), strict=False)["traceEvents"]
    assert isinstance(events, list)
    return events


def _peak_of_events(events: list[dict[str, Any]]) -> int:
    """Highest running sum of the allocator's events during the counted call; 0 when nothing was allocated."""
    start = next(float(event["ts"]) for event in events if event.get("name") == _COUNTED_CALL)
    memory = [event for event in events if event.get("name") == "[memory]" and float(event["ts"]) >= start]
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


def memory_bytes(module: nn.Module) -> int:
    """Bytes of the module's parameters and buffers, shared ones once; packed quantised weights are not among them."""
    tensors = {id(tensor): data_bytes(tensor) for tensor in (*module.parameters(), *module.buffers())}
    return sum(tensors.values())


def data_bytes(tensor: Tensor) -> int:
    """Bytes of the data; of a subclass that holds others (torchao's, 2:4 sparsity) those of the tensors inside it.

    ``nbytes`` of such a weight is what a plain one of its shape would take.
    """
    if not hasattr(tensor, "__tensor_flatten__"):
        return tensor.nbytes
    return sum(data_bytes(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])
