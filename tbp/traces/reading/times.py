"""Times that cannot be → the times that can.

Takes a ``Trace``, gives one in which no event lies outside of the recording and none lasts longer than is possible, so
that a damaged one can move no window and no share. Both are counted. Sound times stay as they are: on 23 recordings of
NVIDIA's and AMD's devices nothing here changes one.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.categories import ON_DEVICE, Category
from tbp.traces.reading.links import launches
from tbp.traces.reading.loss import Loss
from tbp.traces.reading.trace import ABSENT, STEP_NAME, Codes, Nanoseconds, Trace

_S = 10**9

# A pause in which no event begins. The longest in those recordings has 30 s; a schedule's cycles may be hours apart.
LONGEST_PAUSE_NS = 3600 * _S
# Events behind such a pause are a cycle of their own if they are so many, and not further away.
CYCLE_SHARE = 0.1
CYCLE_NS = 30 * 24 * LONGEST_PAUSE_NS

ROUNDING_NS = 1_000  # old recorders write whole µs, so two events that follow each other may overlap by one

# An event is too long to believe if it goes on after the last one has begun for this, and so many times as long as from
# the first to the last. A compiler's step of 13 s beside 1.3 ms of operators is the longest in those recordings.
LONG_NS = _S
LONG_FACTOR = 100
AWAITED_SHARE = 0.1  # a host that ended this near to a device's event, as a part of its duration, has waited for it
MOST_EXAMINED = 100  # too long operators that are looked at one by one


def possible(trace: Trace) -> Trace:
    """The trace without impossible times."""
    trace = _within_recording(trace)
    end_ns = trace.end_ns
    for bounds in (_by_streams, _by_steps, _by_recording):
        end_ns = bounds(trace, end_ns)
    bounded = int((end_ns != trace.end_ns).sum())
    if not bounded:
        return trace
    return replace(trace, duration_ns=end_ns - trace.start_ns, loss=trace.loss + Loss(bounded=bounded))


def _within_recording(trace: Trace) -> Trace:
    """The events whose start is one of the recording's: devices leave times unfilled, as 0, or on a clock of theirs."""
    counted = np.flatnonzero(trace.category != Category.OTHER)
    if not len(counted):
        return trace
    counted = counted[np.argsort(trace.start_ns[counted], kind="stable")]
    start_ns = trace.start_ns[counted]
    is_filled = (start_ns != 0) | (trace.duration_ns[counted] != 0)
    part = np.append(0, np.cumsum(np.diff(start_ns) > LONGEST_PAUSE_NS))
    in_part = np.bincount(part, is_filled)
    main = start_ns[part == np.argmax(in_part)]
    is_near_zero = np.abs(start_ns) < LONGEST_PAUSE_NS
    distance_ns = np.maximum(main[0] - start_ns, start_ns - main[-1])
    is_cycle = (in_part[part] >= CYCLE_SHARE * len(counted)) & ~is_near_zero & (distance_ns < CYCLE_NS)
    is_stray = (distance_ns > 0) & ~is_cycle
    if is_filled.any():
        filled = start_ns[is_filled]
        pause_ns = filled[0] - start_ns  # in a trace of a clock that began just before it
        is_stray |= ~is_filled & (pause_ns > max(LONG_NS, int(filled[-1] - filled[0])))
    if not is_stray.any():
        return trace
    keep = np.ones(len(trace), dtype=bool)
    keep[counted[is_stray]] = False
    return trace.selected(keep, Loss(misplaced=int(is_stray.sum())))


def _by_streams(trace: Trace, end_ns: Nanoseconds) -> Nanoseconds:
    """A stream runs one thing at a time: each ends where the next one begins.

    The kernels of one launch, as of a graph, may run side by side; so may those of two processes on one device.
    """
    work = np.flatnonzero(np.isin(trace.category, ON_DEVICE))
    work = work[np.lexsort((trace.start_ns[work], trace.thread_code[work]))]
    start_ns, correlation = trace.start_ns[work], trace.correlation[work]
    is_other = (np.diff(correlation) != 0) | (correlation[1:] == ABSENT)
    following = _following(trace.thread_code[work], start_ns, is_other)
    overlaps = (following != ABSENT) & (end_ns[work] > start_ns[following] + ROUNDING_NS)
    if overlaps.any() and len(np.unique(trace.process_code[trace.category == Category.RUNTIME])) > 1:
        launch = launches(trace, work)
        process = np.where(launch != ABSENT, trace.process_code[launch], ABSENT)
        overlaps &= process == process[following]
    bounded = end_ns.copy()
    bounded[work[overlaps]] = start_ns[following[overlaps]]
    return bounded


def _by_steps(trace: Trace, end_ns: Nanoseconds) -> Nanoseconds:
    """A step ends where the next one of its process begins."""
    step = np.flatnonzero(_is_step(trace))
    step = step[np.lexsort((trace.start_ns[step], trace.process_code[step]))]
    start_ns = trace.start_ns[step]
    following = _following(trace.process_code[step], start_ns, np.ones(max(len(step) - 1, 0), dtype=bool))
    overlaps = (following != ABSENT) & (end_ns[step] > start_ns[following] + ROUNDING_NS)
    bounded = end_ns.copy()
    bounded[step[overlaps]] = start_ns[following[overlaps]]
    return bounded


def _by_recording(trace: Trace, end_ns: Nanoseconds) -> Nanoseconds:
    """Too long is what goes on long after everything else without a sign that it did: it ends with the rest."""
    counted = trace.category != Category.OTHER
    if not counted.any():
        return end_ns
    first_ns, last_ns = int(trace.start_ns[counted].min()), int(trace.start_ns[counted].max())
    on_ns = end_ns - last_ns
    is_long = counted & (on_ns > max(LONG_NS, LONG_FACTOR * (last_ns - first_ns)))
    is_wrong = counted & (on_ns > LONGEST_PAUSE_NS)
    if not (is_long | is_wrong).any():
        return end_ns
    is_work, is_step = np.isin(trace.category, ON_DEVICE), _is_step(trace)
    is_wrong |= is_long & is_work & ~_awaited(trace, end_ns, counted & ~is_work)
    is_wrong |= is_long & is_step & ((is_step & ~is_long).sum() > 0)
    for event in np.flatnonzero(is_long & ~is_work & ~is_step)[:MOST_EXAMINED].tolist():
        is_wrong[event] |= _outlives_its_caller(trace, end_ns, event)
    latest_ns = max(last_ns, int(end_ns[counted & ~is_wrong].max(initial=last_ns)))
    return np.where(is_wrong, np.minimum(end_ns, latest_ns), end_ns)


def _awaited(trace: Trace, end_ns: Nanoseconds, host: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True of events near whose end a host's event ended, too."""
    ends = np.sort(end_ns[host])
    room_ns = (AWAITED_SHARE * trace.duration_ns).astype(np.int64)
    ended: NDArray[np.bool_] = np.searchsorted(ends, end_ns + room_ns, side="right") > np.searchsorted(
        ends, end_ns - room_ns
    )
    return ended


def _outlives_its_caller(trace: Trace, end_ns: Nanoseconds, event: int) -> bool:
    start = trace.start_ns[event]
    is_around = (trace.thread_code == trace.thread_code[event]) & (trace.start_ns <= start) & (end_ns > start)
    return bool((is_around & (trace.category != Category.OTHER) & (end_ns < end_ns[event])).any())


def _is_step(trace: Trace) -> NDArray[np.bool_]:
    by_name = np.array([STEP_NAME.match(name) is not None for name in trace.names], dtype=bool)
    on_host: NDArray[np.bool_] = np.isin(trace.category, (Category.OPERATOR, Category.ANNOTATION))
    return by_name[trace.name_code] & on_host


def _following(group: Codes, start_ns: Nanoseconds, is_other: NDArray[np.bool_]) -> Indices:
    """For each of sorted entries the next one of its group that begins later; ABSENT for the last.

    ``is_other``, of every entry but the first, is true where it can bound the one before it.
    """
    if not len(group):
        return np.zeros(0, dtype=np.int64)
    changes = (group[1:] != group[:-1]) | (is_other & (start_ns[1:] > start_ns[:-1]))
    first = np.append(0, np.flatnonzero(changes) + 1)  # of every run
    run = np.append(0, np.cumsum(changes))
    following = np.append(first, ABSENT)[run + 1]
    return np.where((following != ABSENT) & (group[following] == group), following, ABSENT)
