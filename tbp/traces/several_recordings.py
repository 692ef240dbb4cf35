"""Many trace files → their recordings, one file at a time in each of several processes.

Takes paths, gives recordings in their order. Of a distributed run with hundreds of ranks most keep no callers, so that
memory grows by a table a rank, whatever the traces hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from tbp.errors import UnreadableTrace
from tbp.system.parallel import mapped
from tbp.traces.devices.bounded_memory import bounded
from tbp.traces.recording import Recording

# Ranks whose callers, shapes and memory over time are kept: two machines, of which all do the same by rank.
MOST_WHOLE = 16
# To read a trace on a slow core, and for each of its bytes, packed or plain: 8 files of 0.9 MB took 0.6 s.
TRACE_S, PACKED_BYTE_S, BYTE_S = 0.03, 8e-7, 6e-8
PACKED = (".gz", ".zst")

TraceReader: TypeAlias = Callable[[Path], Recording]
"""Reads one trace file; may raise UnreadableTrace."""


def several_recordings(paths: Sequence[Path], read: TraceReader) -> list[Recording | UnreadableTrace]:
    """The recording of each path, or the error that it cannot be read with: one broken rank fails alone.

    ``read`` travels to other processes.
    """
    step = max(len(paths) / MOST_WHOLE, 1)
    whole = {int(number * step) for number in range(min(len(paths), MOST_WHOLE))}
    items = [(path, at in whole) for at, path in enumerate(paths)]
    return list(mapped(partial(_recording, read=read), items, seconds=sum(map(_seconds, paths))))


def bare(recording: Recording) -> Recording:
    """A rank without its callers, and with memory in its bounded form; any other recording as it is."""
    rank = recording.rank
    if rank is None or not rank.origin.is_distributed:
        return recording
    session = replace(recording.session, frames=None, detail=None, is_bare=True)
    memory = None if rank.memory is None else bounded(rank.memory)
    return replace(recording, session=session, rank=replace(rank, session=session, memory=memory))


def _recording(item: tuple[Path, bool], read: TraceReader) -> Recording | UnreadableTrace:
    path, is_whole = item
    try:
        recording = read(path)
    except UnreadableTrace as error:
        return error
    return recording if is_whole else bare(recording)


def _seconds(path: Path) -> float:
    with suppress(OSError):
        return TRACE_S + path.stat().st_size * (PACKED_BYTE_S if path.name.endswith(PACKED) else BYTE_S)
    return 0.0  # it is gone, and reading it says so
