"""The processes and threads of a trace, and which of them are devices.

Takes the names and labels that a file gives its processes and threads ("M" events), decides the events whose category
leaves their side open. Categories that do not are left to ``categories``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import digits

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.traces.reading.categories import DEVICE_OPERATOR, ON_DEVICE, UNDECIDED, Category

MOST_LABELS = 20_000  # as many as threads; more are of no recording
LONGEST_LABEL = 1_000

_NAMES = {"process_name": "name", "process_labels": "labels", "thread_name": "name"}

# The start of a name is a rank in files that several were merged into: "[TP01] GPU 0", "rank 3: NPU".
_RANK = re.compile(r"(\[[^\]]*\]|\(?rank[ _-]?\d+\)?)[\s:/_-]*", re.IGNORECASE)
# "GPU 7", "CUDA functions", "/device:TPU:0", "Ascend Hardware"; not "gpu_train.py".
_DEVICE = re.compile(
    r"(.*\bdevice:)?(gpu|cuda|hip|rocm|dcu|xpu|npu|ascend|mtia|hpu|gaudi|mps|metal|tpu|mlu|musa|privateuse(1|one)|device)"
    r"(?!:cpu|[a-z_.]|-[a-z])",
    re.IGNORECASE,
)
_HOST = re.compile(r"(/host:|.*\bdevice:cpu|(cpu|host|python|cann)(?![a-z_]))", re.IGNORECASE)
_STREAM = re.compile(r"(stream|queue)\b", re.IGNORECASE)

# On a device: threads and processes that repeat its work, put together or taken apart, or show what is not work. XLA's
# profiler and Ascend's write them.
_REPEATED = re.compile(
    r"steps?|step trace|xla (modules|traceme)|framework (name scope|ops)|tensorflow (name scope|ops)|source code"
    r"|overlap analysis|communication\(not overlapped\)|computing|free|plane \d+|ai core freq|hbm|aicore.*",
    re.IGNORECASE,
)
_LAUNCHING = re.compile(r"cann\b", re.IGNORECASE)  # Ascend's runtime has a process of its own
_STEP = "ProfilerStep#"  # a step on a device lies around its work
_COPY = re.compile(r"(?:aclrt|hip|cuda?)?mem(?:ory)?[ _]?c(?:o)?py", re.IGNORECASE)
_FILL = re.compile(r"(?:aclrt|hip|cuda?)?mem(?:ory)?[ _]?set", re.IGNORECASE)


class Process(Struct, frozen=True):
    """One process of a trace; a device counts as one. Its texts are empty where the file has none."""

    pid: str
    name: str = ""
    label: str = ""

    @property
    def is_device(self) -> bool | None:
        """True of a device, False of a host; None where its texts leave that open.

        kineto gives a device the name of the program and tells it apart by its label, so no name tells of a host.
        """
        side = _side(self.label)
        return True if side is None and (_side(self.name) or _side(self.pid)) else side

    @property
    def family(self) -> str:
        """The text that a rank's processes have in common, in a file of several ranks; empty where there is none."""
        for text in (self.label, self.name):
            rank = _RANK.match(text)
            if rank:
                return rank[1].casefold()
        # "[TP00] 83" and "[TP00] 0", "rank0_83" and "rank0_0", "83 of A" and "0 of A".
        pid = self.pid.strip()
        without = pid.rstrip(digits)
        return (without if without != pid else pid.lstrip(digits)).strip()


class Thread(Struct, frozen=True):
    """One thread or stream of a process."""

    process: int
    tid: str
    name: str = ""

    @property
    def is_stream(self) -> bool:
        return any(_STREAM.match(text) for text in (self.name, self.tid))


class Labels:
    """The names and labels of a file's processes and threads, which grow while it is read."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str, str], str] = {}

    def add(self, kind: str, pid: str, tid: str, arguments: Mapping[str, msgspec.Raw]) -> None:
        """Take an "M" event; anything but a name or label is passed over. The first text counts."""
        key = _NAMES.get(kind)
        if key is None or len(self._texts) >= MOST_LABELS:
            return
        text = _decoded(arguments[key])
        if text:
            self._texts.setdefault((kind, pid, tid if kind == "thread_name" else ""), text)

    def process(self, pid: str) -> Process:
        """The process of this id."""
        return Process(
            pid, self._texts.get(("process_name", pid, ""), ""), self._texts.get(("process_labels", pid, ""), "")
        )

    def thread(self, process: int, pid: str, tid: str) -> Thread:
        """The thread of this id in a process."""
        return Thread(process, tid, self._texts.get(("thread_name", pid, tid), ""))


def written(value: int | str | float | None) -> str:
    """An id as text; 83, 83.0 and "83" are the same process."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def decided(
    category: NDArray[np.int8],
    name_code: NDArray[np.int32],
    thread_code: NDArray[np.int32],
    names: Sequence[str],
    processes: Sequence[Process],
    threads: Sequence[Thread],
) -> NDArray[np.int8]:
    """The categories, with a Category for every event that had none: by its process, its thread, and the rest there."""
    is_open = category < 0
    if not is_open.any():
        return category
    process_of = np.array([thread.process for thread in threads], dtype=np.int32)
    clear = ~is_open & (category != Category.OTHER)
    is_work = np.isin(category, ON_DEVICE)
    has_work, has_host = (
        np.bincount(process_of[thread_code[clear & side]], minlength=len(processes)) > 0 for side in (is_work, ~is_work)
    )
    kinds = np.array(
        [_kinds(processes[each.process], each, has_work[each.process], has_host[each.process]) for each in threads],
        dtype=np.int8,
    )
    result = category.copy()
    events = np.flatnonzero(is_open)
    result[events] = kinds[thread_code[events], np.where(category[events] == UNDECIDED, 0, 1)]
    events = events[result[events] == Category.KERNEL]
    by_name = np.array([_work(name) for name in names], dtype=np.int8)
    result[events] = by_name[name_code[events]]
    return result


def by_itself(category: int) -> Category:
    """The Category of an event of which nothing but its own category is known."""
    return {UNDECIDED: Category.OPERATOR, DEVICE_OPERATOR: Category.KERNEL}.get(category) or Category(category)


def _kinds(process: Process, thread: Thread, has_work: bool, has_host: bool) -> tuple[int, int]:
    """The categories of UNDECIDED and of DEVICE_OPERATOR events on a thread; the flags are of its process."""
    side = process.is_device
    if side if side is not None else thread.is_stream or (has_work and not has_host):
        is_repeated = _REPEATED.fullmatch(thread.name) or _REPEATED.fullmatch(process.name)
        kind = Category.OTHER if is_repeated else Category.KERNEL
        return kind, kind
    launches = Category.RUNTIME if side is False or has_host else Category.KERNEL
    return (Category.RUNTIME if _LAUNCHING.match(process.name) else Category.OPERATOR), launches


def _work(name: str) -> int:
    """The category of work on a device by its name."""
    if name.startswith(_STEP):
        return Category.OTHER
    return Category.COPY if _COPY.match(name) else Category.FILL if _FILL.match(name) else Category.KERNEL


def _side(text: str) -> bool | None:
    text = text[:LONGEST_LABEL].strip()
    rank = _RANK.match(text)
    text = text[rank.end() :] if rank else text
    if _HOST.match(text):
        return False
    return True if _DEVICE.match(text) else None


def _decoded(text: msgspec.Raw) -> str:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    return value[:LONGEST_LABEL].strip() if isinstance(value, str) else ""
