"""A trace: the timed events of one profiler file as numpy columns.

It takes nothing and gives the value that ``tbp.traces.read`` fills and everything else here works on. Which
operator holds which event, and what they add up to, is left to ``nesting`` and ``operators``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.int32]
Nanoseconds: TypeAlias = NDArray[np.int64]
Indices: TypeAlias = NDArray[np.int64]

ABSENT = -1  # in correlation and external_id: the event carries none


class Category(IntEnum):
    """What an event is; only the first three are nested in each other on the host."""

    OPERATOR = 1
    ANNOTATION = 2  # record_function, optimizer steps, ProfilerStep#…
    RUNTIME = 3  # the host side of a launch, copy or synchronisation
    DEVICE = 4  # what ran on the device: kernel, copy, fill
    PYTHON = 5  # python_function, with_stack=True
    OTHER = 0


# Both spellings of kineto's ActivityType: "Operator" until 2021, "cpu_op" since
# (libkineto/src/ActivityType.cpp). An annotation was an "Operator" in the old ones.
CATEGORIES: Mapping[str, Category] = {
    "Operator": Category.OPERATOR,
    "cpu_op": Category.OPERATOR,
    "": Category.OPERATOR,  # EventList.export_chrome_trace writes operators without a category
    "user_annotation": Category.ANNOTATION,
    "Runtime": Category.RUNTIME,
    "cuda_runtime": Category.RUNTIME,
    "cuda_driver": Category.RUNTIME,
    "hip_runtime": Category.RUNTIME,
    "xpu_runtime": Category.RUNTIME,
    "mtia_runtime": Category.RUNTIME,
    "privateuse1_runtime": Category.RUNTIME,
    "privateuse1_driver": Category.RUNTIME,
    "Kernel": Category.DEVICE,
    "kernel": Category.DEVICE,
    "Memcpy": Category.DEVICE,
    "gpu_memcpy": Category.DEVICE,
    "Memset": Category.DEVICE,
    "gpu_memset": Category.DEVICE,
    "python_function": Category.PYTHON,
    "Python": Category.PYTHON,
}


@dataclass(frozen=True)
class Trace:
    """Timed events ("ph": "X") in file order; every array has one entry per event.

    Times are nanoseconds on the file's own clock, exact: µs with three decimals lose nothing. A code indexes the
    tuple beside it.
    """

    names: tuple[str, ...]
    name_code: Codes
    category: Codes  # a Category each
    threads: tuple[str, ...]  # "pid/tid"; a device stream is a thread too
    thread_code: Codes
    start_ns: Nanoseconds
    duration_ns: Nanoseconds  # never negative
    correlation: Indices  # ties a launch to what it started; ABSENT where there is none
    external_id: Indices  # of the operator, as the recorder numbered it; ABSENT where there is none
    shapes: tuple[str, ...]  # JSON text of "Input Dims"; "" where none was recorded
    shape_code: Codes
    metadata: Mapping[str, str]  # the file's other top-level keys, each value as JSON text ("tbp" among them)
    losses: tuple[str, ...] = ()  # sentences: what the file held that could not be read

    def __len__(self) -> int:
        return len(self.name_code)

    def selected(self, keep: NDArray[np.bool_], losses: tuple[str, ...]) -> Trace:
        """The events where ``keep`` is true, in the same order, with ``losses`` added to what was lost."""
        return replace(
            self,
            **{name: getattr(self, name)[keep] for name in _COLUMNS},
            losses=self.losses + losses,
        )

    @property
    def end_ns(self) -> Nanoseconds:
        return self.start_ns + self.duration_ns


_COLUMNS = (
    "name_code",
    "category",
    "thread_code",
    "start_ns",
    "duration_ns",
    "correlation",
    "external_id",
    "shape_code",
)
