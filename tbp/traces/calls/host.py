"""The host side of a trace as a forest: callers, steps, and the time that each call spent itself.

Takes a ``Trace``, gives a ``HostTree``; leaves device work to ``kernels`` and tables to ``operators``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.names import NameRule, Names, comparable_names
from tbp.traces.calls.nesting import NO_PARENT, absorbed, parents
from tbp.traces.calls.steps import StepWindows
from tbp.traces.reading.categories import Category
from tbp.traces.reading.numbers import LARGEST_NS
from tbp.traces.reading.trace import STEP_NAME, Codes, Nanoseconds, Trace

# torch leaves these out of its own tables (_filter_name in torch/autograd/profiler_util.py).
UNCOUNTED = frozenset(
    {
        "[memory]",
        "[OutOfMemory]",
        "profiler::_record_function_enter",
        "profiler::_record_function_enter_new",
        "profiler::_record_function_exit",
        "aten::is_leaf",
        "aten::output_nr",
        "aten::_version",
    }
)


class HostTree(Struct, frozen=True, eq=False):
    """One entry per host event (operator, annotation, runtime call; if asked for, Python function), in file order.

    Indices are into these entries.
    """

    event: Indices  # the event in the trace
    name_code: Codes  # into ``names``
    comparable: Names  # of all events of the trace
    parent: Indices  # innermost enclosing event, NO_PARENT at the top
    stands_for: Indices  # the entry it is counted with: itself, but for doubles (nesting.absorbed)
    total_ns: Nanoseconds  # with everything it called
    self_ns: Nanoseconds  # without; 0 for doubles
    process: Codes  # into the trace's ``processes``
    step: Indices  # counted from 0 in its process; OUTSIDE where no step holds its start
    is_step: NDArray[np.bool_]  # the entry is a ProfilerStep annotation itself
    windows: StepWindows

    @property
    def names(self) -> tuple[str, ...]:
        """The names that compare between runs."""
        return self.comparable.texts

    @property
    def counted(self) -> NDArray[np.bool_]:
        """The entries that are counted as calls: all but doubles."""
        return np.equal(self.stands_for, np.arange(len(self.event)))

    @property
    def steps(self) -> int:
        """Steps annotated in the trace, in one process; 0 where it was recorded without a schedule."""
        return self.windows.count


# Python functions (with_stack=True) are no operators: they would take the time between operators away from the
# annotation around them, in those traces only. They are nested where torch's own table is wanted.
HOST = (Category.OPERATOR, Category.ANNOTATION, Category.RUNTIME)


def host_tree(trace: Trace, rules: Sequence[NameRule] = (), *, python: bool = False) -> HostTree:
    """Nest the host events of a trace, thread by thread; with ``python`` also Python functions.

    ``rules`` are the project's for names, beside ``names.RULES``.
    """
    return nested(trace, comparable_names(trace.names, partial(_first_ns, trace), rules), python)


def nested(trace: Trace, comparable: Names, python: bool) -> HostTree:
    """``host_tree`` of a trace whose names are known."""
    uncounted = np.array([name in UNCOUNTED for name in trace.names], dtype=bool)
    on_host = np.isin(trace.category, (*HOST, Category.PYTHON) if python else HOST)
    event = np.flatnonzero(on_host & ~uncounted[trace.name_code])
    start_ns, end_ns = trace.start_ns[event], trace.end_ns[event]
    parent = parents(trace.thread_code[event], start_ns, end_ns)
    name_code = comparable.code_of[trace.name_code[event]]
    is_step = _step_codes(trace.names)[trace.name_code[event]]
    # torch compares names before addresses are stripped: two functions at two addresses are two.
    stands_for = absorbed(parent, np.where(is_step, -1, trace.name_code[event]).astype(np.int32))
    total_ns = trace.duration_ns[event]
    process = trace.process_code[event]
    windows = StepWindows.of(start_ns[is_step], end_ns[is_step], process[is_step])
    return HostTree(
        event=event,
        name_code=name_code,
        comparable=comparable,
        parent=parent,
        stands_for=stands_for,
        total_ns=total_ns,
        self_ns=_self_ns(parent, stands_for, total_ns),
        process=process,
        step=windows.at(start_ns, process),
        is_step=is_step,
        windows=windows,
    )


def _self_ns(parent: Indices, stands_for: Indices, total_ns: Nanoseconds) -> Nanoseconds:
    """Total time less that of the children. Exact in float64 up to 2**53 ns, 104 days."""
    counted = stands_for == np.arange(len(parent))
    child = np.flatnonzero(counted & (parent != NO_PARENT))
    inner_ns = np.bincount(stands_for[parent[child]], weights=total_ns[child], minlength=len(parent))
    return np.where(counted, total_ns - inner_ns.astype(np.int64), 0)


def _first_ns(trace: Trace) -> Indices:
    """The start of the first event of each name."""
    first = np.full(len(trace.names), LARGEST_NS, dtype=np.int64)
    np.minimum.at(first, trace.name_code, trace.start_ns)
    return first


def _step_codes(names: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.array([STEP_NAME.match(name) is not None for name in names], dtype=bool)
