"""Operator tables on disk, which stay of a trace when its raw events are removed.

Takes a ``Recording``, writes ``<cell>.<session>.operators.json.gz`` beside the session it belongs to, and reads that
back: the same numbers to the last digit, so that reports are equal before and after. One JSON object, compressed:

    format      FORMAT
    about       the fields of ``About``
    step_us     median time of a step
    steps, sessions    behind the table
    table       column → values: the operator table, one row per operator
    per_step    column → values: its rows by step; "operator" counts in the table's rows, or in ``others`` behind them
    others      operators of single steps that the table has no row of
    detail      column → values: calls, FLOPs, bytes and kernels by caller and shapes, or null
    loss        the content of the trace file that could not be used, counted by kind
    frames      its calls merged by path (``tbp.traces.frames.frames``), or null: see ``_Frames``
    rank        its rank in a distributed run, devices, memory and collectives, or null: see ``_Rank``
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
import pandas as pd
from msgspec.structs import replace

from tbp.errors import UnreadableTrace
from tbp.system.bounded import read_plain
from tbp.system.whole_files import write_whole
from tbp.traces.devices.bounded_memory import bounded
from tbp.traces.devices.collectives import COLLECTIVE_COLUMNS
from tbp.traces.devices.device import DEVICE_COLUMNS, KERNEL_COLUMNS, DeviceUse
from tbp.traces.devices.host_communication import HostCommunication
from tbp.traces.devices.idle import IDLE_COLUMNS
from tbp.traces.devices.memory import BLOCK_COLUMNS, PEAK_COLUMNS, TIMELINE_COLUMNS, MemoryUse
from tbp.traces.devices.ranks import Rank, of_rank
from tbp.traces.frames.frames import FRAME_COLUMNS, Frames
from tbp.traces.frames.kinds import KINDS
from tbp.traces.operators.detail import DETAIL_COLUMNS
from tbp.traces.operators.operators import OPERATOR_COLUMNS, PER_STEP_COLUMNS, OperatorTable, TraceSession
from tbp.traces.operators.origin import RankOrigin, located
from tbp.traces.reading.columns import COUNT, DTYPES, FLAG, TEXT
from tbp.traces.reading.loss import Loss
from tbp.traces.recording import About, Recording

# History of the file.
#   1  first
#   2  frames of Python functions and modules, and names as recorded
FORMAT = 2
READABLE = (1, 2)
GZIP_LEVEL = 9  # kept for ever, and small: 2 ms more than level 3 on 100 kB
# A table of 10,000 operators over 1,000 steps has 100 MB; what is larger was not written by us.
LARGEST_BYTES = 1 << 28

_Column: TypeAlias = list[str | int | float | None]
_EMPTY: Mapping[str, str | int | bool] = {TEXT: "", COUNT: 0, FLAG: False}  # of a column older than the reader


class _Frames(msgspec.Struct):
    """``rows`` is column → values; "name" and "recorded" count in ``names``."""

    steps: int
    step_ns: int
    sessions: int
    names: list[str]
    rows: dict[str, _Column]


class _Memory(msgspec.Struct):
    """``bounded`` memory: each frame of ``MemoryUse`` as column → values."""

    peaks: dict[str, _Column]
    alive: dict[str, _Column]
    grown: dict[str, _Column]
    timeline: dict[str, _Column]


class _Rank(msgspec.Struct):
    """The rank of a trace with devices or memory, or of several; the frames are column → values."""

    origin: RankOrigin = msgspec.field(name="place")
    window_us: float
    devices: dict[str, _Column]
    kernels: dict[str, _Column]
    idle: dict[str, _Column] | None = None  # null in files older than the reader
    host: HostCommunication = HostCommunication()
    memory: _Memory | None = None  # null also in files older than the reader
    collectives: dict[str, _Column] | None = None  # null also in files older than the reader


class _File(msgspec.Struct):
    format: int
    about: About
    step_us: float
    steps: int
    sessions: int
    table: dict[str, _Column]
    per_step: dict[str, _Column]
    step_only: list[str] = msgspec.field(name="others")
    detail: dict[str, _Column] | None = None
    loss: Loss = Loss()
    frames: _Frames | None = None
    rank: _Rank | None = None  # null: no device, no memory, and it is a run of its own


_DECODER = msgspec.json.Decoder(_File)
_FORMAT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def write_operators(recording: Recording, path: Path) -> None:
    """Writes the operators of ``recording`` to ``path``, complete or not at all. Raises OSError."""
    write_whole(path, operator_bytes(recording))


def operator_bytes(recording: Recording) -> bytes:
    """The content of an operator file; a recording always gives the same bytes."""
    session = recording.session
    operators = list(session.table.frame["operator"])
    step_only = sorted(set(session.per_step["operator"]) - set(operators))
    row = {operator: at for at, operator in enumerate([*operators, *step_only])}
    content = _File(
        format=FORMAT,
        about=recording.about,
        step_us=session.step_us,
        steps=session.table.steps,
        sessions=session.table.sessions,
        table=_columns(session.table.frame),
        per_step=_columns(session.per_step.assign(operator=session.per_step["operator"].map(row))),
        step_only=step_only,
        detail=None if session.detail is None else _columns(session.detail),
        loss=session.loss,
        frames=None if session.frames is None else _stored_frames(session.frames),
        rank=_stored_rank(recording.rank),
    )
    return gzip.compress(msgspec.json.encode(content), GZIP_LEVEL, mtime=0)


def read_operators(path: Path) -> Recording:
    """Returns the recording that ``write_operators`` wrote to ``path``. Raises as ``stored_recording``."""
    try:
        return stored_recording(path, read_plain(path, LARGEST_BYTES))
    except OSError as error:
        raise UnreadableTrace(f"{path} cannot be opened ({error.strerror or error}); check the path") from None


def stored_recording(path: Path, content: bytes) -> Recording:
    """Returns the recording of ``operator_bytes``. A column that is newer than them is unknown: NaN, or empty.

    Raises:
        UnreadableTrace: ``content`` is something else, or of another format; ``path`` is where it is from.
    """
    try:
        stored = _stored(path, content)
        table = OperatorTable(_frame(stored.table, OPERATOR_COLUMNS), stored.steps, stored.sessions, stored.loss)
        detail = None if stored.detail is None else _frame(stored.detail, DETAIL_COLUMNS)
        names = [*stored.table["operator"], *stored.step_only]
        rows = {**stored.per_step, "operator": [names[int(row or 0)] for row in stored.per_step["operator"]]}
        frames = None if stored.frames is None else _frames(stored.frames)
        session = TraceSession(table, _frame(rows, PER_STEP_COLUMNS), stored.step_us, detail, frames)
        rank = None if stored.rank is None else _rank(path, session, stored.rank)
        return Recording(path, session if rank is None else rank.session, stored.about, rank)
    except (gzip.BadGzipFile, EOFError, zlib.error, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _damaged(path, error) from None
    except (LookupError, ValueError, TypeError, OverflowError) as error:  # columns of other lengths, kinds or names
        raise _damaged(path, error) from None


def _stored(path: Path, content: bytes) -> _File:
    # Not gzip.decompress: a few kilobytes can hold gigabytes.
    with gzip.open(BytesIO(content)) as file:
        data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise UnreadableTrace(f"{path} holds more than an operator table can; delete it")
    version = bytes(_FORMAT.decode(data).get("format", msgspec.Raw(b"null")))
    if version not in [str(each).encode() for each in READABLE]:
        raise UnreadableTrace(f"{path} has format {version[:20]!r}, and this tbp reads {FORMAT}: update tbp")
    return _DECODER.decode(data)


def _damaged(path: Path, error: Exception) -> UnreadableTrace:
    return UnreadableTrace(f"{path} holds no operator table ({error}); delete it and record its commit again")


def _stored_rank(rank: Rank | None) -> _Rank | None:
    if rank is None or not rank.is_telling:
        return None
    used = rank.device
    devices, kernels, idle = map(_columns, (used.devices, used.kernels, used.idle))
    memory = None if rank.memory is None else _stored_memory(bounded(rank.memory))
    timed = None if rank.collectives is None else _columns(rank.collectives)
    return _Rank(replace(rank.origin, family=""), used.window_us, devices, kernels, idle, rank.host, memory, timed)


def _rank(path: Path, session: TraceSession, stored: _Rank) -> Rank:
    used = DeviceUse(
        stored.window_us,
        _frame(stored.devices, DEVICE_COLUMNS, "device"),
        _frame(stored.kernels, KERNEL_COLUMNS),
        _frame(stored.idle or {"operator": []}, IDLE_COLUMNS),
    )
    its_origin = located(path, stored.origin)
    memory = None if stored.memory is None else _memory(stored.memory)
    timed = None if stored.collectives is None else _frame(stored.collectives, COLLECTIVE_COLUMNS, "name")
    return Rank(path, its_origin, of_rank(session, its_origin), used, stored.host, memory, timed)


def _stored_memory(memory: MemoryUse) -> _Memory:
    return _Memory(*map(_columns, (memory.peaks, memory.alive, memory.grown, memory.timeline)))


def _memory(stored: _Memory) -> MemoryUse:
    memory = MemoryUse(
        _frame(stored.peaks, PEAK_COLUMNS, "device"),
        _frame(stored.alive, BLOCK_COLUMNS),
        _frame(stored.grown, BLOCK_COLUMNS),
        _frame(stored.timeline, TIMELINE_COLUMNS, "device"),
    )
    known = (memory.peaks[["peak_bytes", "end_bytes", "peak_us", "growth_bytes"]], memory.timeline.iloc[:, 1:])
    if not len(memory.peaks) or not all(np.isfinite(frame.to_numpy()).all() for frame in known):
        raise ValueError("its memory is unknown")
    return memory


def _stored_frames(frames: Frames) -> _Frames:
    texts = [*frames.rows["name"], *frames.rows["recorded"]]
    names = {name: at for at, name in enumerate(dict.fromkeys(texts))}
    rows = frames.rows.assign(**{column: frames.rows[column].map(names) for column in ("name", "recorded")})
    return _Frames(frames.steps, frames.step_ns, frames.sessions, list(names), _columns(rows))


def _frames(stored: _Frames) -> Frames:
    texts: dict[str, _Column] = {
        column: [stored.names[int(at or 0)] for at in stored.rows[column]]
        for column in ("name", "recorded")
        if column in stored.rows
    }
    rows = {**stored.rows, **texts}
    frames = Frames(_frame(rows, FRAME_COLUMNS, "name"), stored.steps, stored.step_ns, stored.sessions)
    is_tree = all(-1 <= parent < row for row, parent in enumerate(frames.parent.tolist()))
    if stored.steps < 1 or not is_tree or not KINDS.issuperset(frames.rows["kind"]):
        raise ValueError("its frames are no tree")
    return frames


def _columns(frame: pd.DataFrame) -> dict[str, _Column]:
    return {str(name): frame[name].tolist() for name in frame.columns}  # msgspec writes NaN as null


def _frame(stored: Mapping[str, _Column], columns: Mapping[str, str], key: str = "operator") -> pd.DataFrame:
    """The frame of ``columns``, each with its kind; ``key`` is a column that every file has."""
    length = len(stored[key])
    return pd.DataFrame({name: _series(stored.get(name), kind, length) for name, kind in columns.items()})


def _series(values: _Column | None, kind: str, length: int) -> pd.Series:
    if values is None:
        values = [_EMPTY.get(kind)] * length
    if kind in _EMPTY:
        return pd.Series(values, dtype=DTYPES[kind])
    return pd.Series([float("nan") if value is None else value for value in values], dtype="float64")
