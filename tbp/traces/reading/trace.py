"""A trace: the timed events of one profiler file as numpy columns.

It takes nothing and gives the value that ``tbp.traces.reading.read`` fills and everything else here works on. Which
operator holds which event, and what they add up to, is left to ``nesting`` and ``operators``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.loss import NOTHING_LOST, Loss
from tbp.traces.reading.processes import Process

Codes: TypeAlias = NDArray[np.int32]
Nanoseconds: TypeAlias = NDArray[np.int64]

NS_PER_US = 1000

STEP_NAME = re.compile(r"ProfilerStep#\d+$")
ABSENT = -1  # in correlation and external_id: the event carries none, or 0, which recorders write for none

UNNAMED = "(unnamed)"  # the name of an event that has none, or one of blanks

HOST_MEMORY = 0  # torch's device type of the CPU (c10::DeviceType)

_SDPA = "aten::_scaled_dot_product_"
_ATTENTION = ("flash_attention", "efficient_attention", "cudnn_attention", "flash_attention_for_cpu")

# Operators whose FLOPs and bytes are counted (calls/flops.py): of these scalar arguments (stride, padding, …) and types
# are kept.
COUNTED = frozenset(
    {
        *("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::linear"),
        *("aten::_scaled_mm", "aten::_addmm_activation", "aten::_int_mm"),
        *("aten::convolution", "aten::_convolution", "aten::convolution_overrideable", "aten::convolution_backward"),
        *(f"{_SDPA}{kind}{end}" for kind in _ATTENTION for end in ("", "_backward")),
        f"{_SDPA}fused_attention_overrideable",
        "aten::_flash_attention_forward",
    }
)


class Allocations(Struct, frozen=True, eq=False):
    """Memory that was allocated and freed, in file order, where the trace was recorded with ``profile_memory=True``."""

    start_ns: Nanoseconds
    thread_code: Codes  # into the trace's ``threads``
    size_bytes: Indices  # negative where memory was freed
    address: Indices  # of the block; ABSENT where none was recorded
    total_bytes: Indices  # allocated on the device after this, with all before the trace; ABSENT where not recorded
    device_type: Indices  # torch's number: HOST_MEMORY, 1 for CUDA
    device: Indices  # torch's index of it

    def __len__(self) -> int:
        return len(self.start_ns)


class Trace(Struct, frozen=True, eq=False):
    """Timed events ("ph": "X") in file order; every array has one entry per event.

    Times are nanoseconds on the file's own clock, exact: µs with three decimals lose nothing. A code indexes the
    tuple beside it.
    """

    names: tuple[str, ...]  # UNNAMED for an empty one
    name_code: Codes
    category: NDArray[np.int8]  # a Category each
    threads: tuple[str, ...]  # "pid/tid"; a device stream is a thread too, its pid the device's number
    thread_code: Codes
    processes: tuple[Process, ...]
    process_of: Codes  # of each thread
    start_ns: Nanoseconds
    duration_ns: Nanoseconds  # never negative
    correlation: Indices  # ties a launch to what it started; ABSENT where there is none
    external_id: Indices  # of the operator, as the recorder numbered it; ABSENT where there is none
    shapes: tuple[str, ...]  # JSON text of "Input Dims"; "" where none was recorded
    shape_code: Codes
    settings: tuple[tuple[str, str], ...]  # JSON of "Concrete Inputs", "Input type", of COUNTED operators; "" elsewhere
    settings_code: Codes
    stacks: tuple[tuple[str, str], ...]  # "Call stack" and "Module Hierarchy", innermost function first; "" elsewhere
    stack_code: Codes
    collectives: tuple[tuple[str, str], ...]  # JSON of a kernel's collective and of its process group; "" elsewhere
    collective_code: Codes
    sequence: Codes  # autograd's: a backward operator has that of its forward one; ABSENT where there is none
    forward_thread: NDArray[np.int16]  # 0 of a forward operator, the number of its thread of a backward one; ABSENT
    copied_bytes: Indices  # of a copy or fill on the device; ABSENT where none was recorded
    occupancy_percent: NDArray[np.int8]  # of a kernel, as kineto estimates it; ABSENT where none was recorded
    metadata: Mapping[str, str]  # the file's other top-level keys, each value as JSON text ("tbp" among them)
    memory: Allocations
    sources: Mapping[str, str]  # the file of each kernel that Inductor generated, by the kernel's name
    loss: Loss = NOTHING_LOST  # what the file held that could not be used

    def __len__(self) -> int:
        return len(self.name_code)

    @property
    def losses(self) -> tuple[str, ...]:
        """Losses in sentences; empty for a whole file."""
        return self.loss.sentences

    def selected(self, keep: NDArray[np.bool_], loss: Loss) -> Trace:
        """The events where ``keep`` is true, in the same order, with ``loss`` added to that of the trace."""
        return replace(self, **{name: getattr(self, name)[keep] for name in COLUMNS}, loss=self.loss + loss)

    @property
    def process_code(self) -> Codes:
        """The process of each event, into ``processes``."""
        return self.process_of[self.thread_code]

    @property
    def end_ns(self) -> Nanoseconds:
        return self.start_ns + self.duration_ns


# The arrays with an entry per event.
COLUMNS = (
    "name_code",
    "category",
    "thread_code",
    "start_ns",
    "duration_ns",
    "correlation",
    "external_id",
    "shape_code",
    "settings_code",
    "stack_code",
    "collective_code",
    "sequence",
    "forward_thread",
    "copied_bytes",
    "occupancy_percent",
)
