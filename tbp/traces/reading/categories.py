"""The kinds of events, and the one table of the names that recorders have for them.

Takes the text of an event's "cat", gives a ``Category``. Where a text does not decide, the event's process does
(``processes``). ``docs/reference/trace-events.md`` shows the table to users; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct


class Category(IntEnum):
    """The kinds of events; only the first three are nested in each other on the host."""

    OPERATOR = 1
    ANNOTATION = 2  # record_function, optimizer steps, ProfilerStep#…
    RUNTIME = 3  # the host side of a launch, copy or synchronisation
    KERNEL = 4  # on the device, as the next two
    COPY = 6
    FILL = 7
    PYTHON = 5  # python_function, with_stack=True
    OTHER = 0


ON_DEVICE = (Category.KERNEL, Category.COPY, Category.FILL)

LONGEST = 200  # characters of a category that are read; kineto's have up to 24

# The side of events whose category leaves it open.
UNDECIDED = -1  # none: an operator of a host, or work of a device
DEVICE_OPERATOR = -2  # work of a device, but a runtime call where a host's process has it (kineto says both of hpu_op)


class Meaning(Struct, frozen=True):
    """One row of the table."""

    category: int  # a Category, UNDECIDED or DEVICE_OPERATOR
    writer: str


_KINETO, _OLD, _TORCH = "kineto", "kineto until 2021", "torch.autograd"

# kineto: libkineto/src/ActivityType.cpp, as torch 2.13 has it, and "Operator", "Kernel" and their like until 2021. The
# sides are those of torch/csrc/profiler/kineto_shim.cpp. In lower case; texts are compared without regard to case.
CATEGORIES: Mapping[str, Meaning] = {
    "": Meaning(UNDECIDED, f"{_TORCH}, and other recorders"),  # EventList.export_chrome_trace
    "cpu_op": Meaning(Category.OPERATOR, _KINETO),
    "operator": Meaning(Category.OPERATOR, _OLD),  # annotations, too
    "user_annotation": Meaning(Category.ANNOTATION, _KINETO),
    "python_function": Meaning(Category.PYTHON, _KINETO),
    "python": Meaning(Category.PYTHON, _OLD),
    "runtime": Meaning(Category.RUNTIME, _OLD),
    "cuda_runtime": Meaning(Category.RUNTIME, f"{_KINETO}: NVIDIA and AMD"),
    "cuda_driver": Meaning(Category.RUNTIME, f"{_KINETO}: NVIDIA"),
    "hip_runtime": Meaning(Category.RUNTIME, f"{_KINETO}: AMD"),
    "xpu_runtime": Meaning(Category.RUNTIME, f"{_KINETO}: Intel"),
    "xpu_driver": Meaning(Category.RUNTIME, f"{_KINETO}: Intel"),
    "mtia_runtime": Meaning(Category.RUNTIME, f"{_KINETO}: Meta"),
    "glow_runtime": Meaning(Category.RUNTIME, f"{_KINETO}: Glow"),
    "privateuse1_runtime": Meaning(Category.RUNTIME, f"{_KINETO}: backends of their own"),
    "privateuse1_driver": Meaning(Category.RUNTIME, f"{_KINETO}: backends of their own"),
    "kernel": Meaning(Category.KERNEL, _KINETO),
    "gpu_memcpy": Meaning(Category.COPY, _KINETO),
    "memcpy": Meaning(Category.COPY, _OLD),
    "gpu_memset": Meaning(Category.FILL, _KINETO),
    "memset": Meaning(Category.FILL, _OLD),
    "mtia_ccp_events": Meaning(Category.KERNEL, f"{_KINETO}: Meta"),
    "hpu_op": Meaning(DEVICE_OPERATOR, f"{_KINETO}: Intel Gaudi"),
    # They take no time of their own: waits, marks, and what lies around the work of a device and would count it twice.
    "gpu_user_annotation": Meaning(Category.OTHER, _KINETO),
    "cuda_sync": Meaning(Category.OTHER, f"{_KINETO}: NVIDIA"),
    "cuda_event": Meaning(Category.OTHER, f"{_KINETO}: NVIDIA"),
    "cuda_profiler_range": Meaning(Category.OTHER, f"{_KINETO}: NVIDIA"),
    "collective_comm": Meaning(Category.OTHER, _KINETO),
    "external_correlation": Meaning(Category.OTHER, _KINETO),
    "cpu_instant_event": Meaning(Category.OTHER, _KINETO),
    "overhead": Meaning(Category.OTHER, _KINETO),
    "mtia_counters": Meaning(Category.OTHER, f"{_KINETO}: Meta"),
    "mtia_insight": Meaning(Category.OTHER, f"{_KINETO}: Meta"),
    "xpu_scope_profiler": Meaning(Category.OTHER, f"{_KINETO}: Intel"),
    "trace": Meaning(Category.OTHER, _KINETO),  # the span of the recording
}


class _Rule(Struct, frozen=True):
    pattern: re.Pattern[str]
    category: int


# Of names that the table lacks: each vendor repeats the others' (npu_runtime, mlu_kernel, musa_memcpy).
RULES = tuple(
    _Rule(re.compile(pattern), category)
    for pattern, category in (
        (r"(.*[_ ])?(runtime|driver)(_api)?", Category.RUNTIME),
        (r"(.*[_ ])?mem(ory)?_?cpy", Category.COPY),
        (r"(.*[_ ])?memset", Category.FILL),
        (r"(.*[_ ])?kernels?", Category.KERNEL),
        (r".*[_ ]user_annotation", Category.OTHER),  # a device's
        (r"(gpu|cuda|hip|rocm|xpu|npu|mtia|mps|tpu|mlu|musa|privateuse1)_ops?", DEVICE_OPERATOR),
    )
)


def meaning(text: str) -> int:
    """The Category of an event's "cat", UNDECIDED or DEVICE_OPERATOR; OTHER of a text that nothing here matches.

    Chrome's format allows several categories with commas between them: the first one that is known counts.
    """
    for part in text[:LONGEST].casefold().split(","):
        known = CATEGORIES.get(name := part.strip())
        if known is not None:
            return known.category
        for rule in RULES:
            if rule.pattern.fullmatch(name):
                return rule.category
    return Category.OTHER
