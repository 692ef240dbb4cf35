"""Puts operator tables in the place of raw traces: each trace goes only when its table is proven equal to it.

Takes the paths of traces, leaves their tables; which traces may go is ``tbp.history.kept_traces``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

from tbp.errors import UnreadableInput, UnreadableTrace
from tbp.system.parallel import batched, mapped
from tbp.traces.calls.names import NameRule
from tbp.traces.devices.bounded_memory import bounded
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.ranks import Rank
from tbp.traces.frames.frames import Frames
from tbp.traces.operator_files import read_operators, write_operators
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import Recording, operators_path

# To prune a trace on a slow core, and for each of its packed bytes.
TRACE_S, BYTE_S = 0.04, 1e-6
# Of traces that one process gets at a time, each with so much on top: some ten small ones, or a large one.
BATCH_BYTES, SMALL_BYTES = 2_000_000, 200_000


class Pruned(Struct, frozen=True):
    """The traces that went: bytes freed are those of the traces less those of the tables."""

    removed: int
    freed_bytes: int
    problems: tuple[str, ...]  # sentences: which trace stayed and why


def prune(removable: Sequence[Path], rules: Sequence[NameRule] = ()) -> Pruned:
    """Put the operator table beside each trace, then remove the trace; an interruption leaves at least one of both.

    Several processes share the traces out where there are many. ``rules`` are the project's for names of operators.
    """
    sizes = [_size(trace) for trace in removable]
    seconds = len(sizes) * TRACE_S + sum(sizes) * BYTE_S
    several = batched(removable, [size + SMALL_BYTES for size in sizes], BATCH_BYTES)
    parts = list(mapped(partial(_prune_all, rules=rules), several, seconds=seconds))
    return Pruned(
        removed=sum(part.removed for part in parts),
        freed_bytes=sum(part.freed_bytes for part in parts),
        problems=tuple(problem for part in parts for problem in part.problems),
    )


def _size(trace: Path) -> int:
    with suppress(OSError):  # it is gone
        return trace.stat().st_size
    return 0


def _prune_all(removable: Sequence[Path], rules: Sequence[NameRule]) -> Pruned:
    removed, freed = 0, 0
    problems: list[str] = []
    for trace in removable:
        try:
            freed += _prune(trace, rules)
            removed += 1
        except (UnreadableInput, OSError) as error:
            if trace.exists():  # else another process put its table in its place
                problems.append(f"{trace} stays: {error}")
    return Pruned(removed, freed, tuple(problems))


def _prune(trace: Path, rules: Sequence[NameRule]) -> int:
    """The bytes freed. Raises UnreadableInput or OSError, and then the trace is where it was, or was gone before."""
    size = trace.stat().st_size
    recording, table = read_recording(trace, rules), operators_path(trace)
    write_operators(recording, table)
    if not same(read_operators(table), recording):
        raise UnreadableTrace(f"its operators cannot be kept exactly in {table.name}")
    trace.unlink()
    return size - table.stat().st_size


def same(first: Recording, second: Recording) -> bool:
    """True where both hold the same numbers to the last digit."""
    return (
        first.about == second.about
        and (first.session.step_us, first.session.table.steps) == (second.session.step_us, second.session.table.steps)
        and _equal(first.session.table.frame, second.session.table.frame)
        and _equal(first.session.per_step, second.session.per_step)
        and _same_frames(first.session.frames, second.session.frames)
        and _same_frame(first.session.detail, second.session.detail)
        and _same_devices(first.rank, second.rank)
    )


def _same_frame(first: pd.DataFrame | None, second: pd.DataFrame | None) -> bool:
    return first is second if first is None or second is None else _equal(first, second)


def _same_devices(first: Rank | None, second: Rank | None) -> bool:
    """True where ranks, devices and memory are the same; a trace with none of them has none stored."""
    used = [None if each is None or not each.is_telling else each for each in (first, second)]
    if used[0] is None or used[1] is None:
        return used[0] is used[1]
    frames = zip(
        *((each.device.devices, each.device.kernels, each.device.idle) for each in (used[0], used[1])), strict=True
    )
    if not _same_memory(used[0].memory, used[1].memory):
        return False
    if not _same_frame(used[0].collectives, used[1].collectives):
        return False
    heads = [(replace(each.origin, family=""), each.device.window_us, each.host) for each in (used[0], used[1])]
    return heads[0] == heads[1] and all(_equal(mine, its) for mine, its in frames)


def _same_memory(first: MemoryUse | None, second: MemoryUse | None) -> bool:
    """True where the ``bounded`` form of both is the same: more is not kept."""
    if first is None or second is None:
        return first is second
    small = [bounded(each) for each in (first, second)]
    return all(_equal(*(getattr(each, name) for each in small)) for name in ("peaks", "alive", "grown", "timeline"))


def _same_frames(first: Frames | None, second: Frames | None) -> bool:
    if first is None or second is None:
        return first is second
    sizes = [(each.steps, each.step_ns, each.sessions) for each in (first, second)]
    return sizes[0] == sizes[1] and _equal(first.rows, second.rows)


def _equal(first: pd.DataFrame, second: pd.DataFrame) -> bool:
    """True where the values are the same; pandas has several kinds of text."""
    return first.astype(second.dtypes.to_dict()).equals(second)
