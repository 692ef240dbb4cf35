"""The operators of traces that were read before.

Takes a trace's path, gives its session. The operator table that ``tbp trace prune`` would leave in the trace's place is
kept under the digest of the trace's content, so a fresh checkout of the same traces is known, too. A trace of 106 MB
costs 0.15 CPU s instead of 1.2: its digest.
"""

from __future__ import annotations

from pathlib import Path

from tbp.errors import UnreadableTrace
from tbp.system.store import Store, file_key
from tbp.traces.operator_files import operator_bytes, stored_recording
from tbp.traces.operators.operators import TraceSession
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import OPERATORS_END, Recording


def trace_session(path: Path) -> TraceSession:
    """Returns the operators of one trace: the reader that ``tbp.history`` is given.

    Raises:
        UnreadableTrace: it is neither a trace nor a stored operator table.
    """
    store = Store("traces")
    key = _key(path) if store.is_there and not path.name.endswith(OPERATORS_END) else None
    if key is None:
        return read_recording(path).session
    table = store.known([key]).get(key)
    recording = _stored(path, table) if table is not None else None
    if recording is not None:
        return recording.session
    recording = read_recording(path)
    table = operator_bytes(recording)
    back = _stored(path, table)
    # `asv run` may write while a report is built; and a report must be the same with what is kept and without.
    if _key(path) == key and back is not None and operator_bytes(back) == table:
        store.keep({key: table})
    return recording.session


def _key(path: Path) -> bytes | None:
    """A digest of the trace; None where it cannot be read: ``read_recording`` gives the reason."""
    try:
        return file_key(path)
    except OSError:
        return None


def _stored(path: Path, table: bytes) -> Recording | None:
    try:
        return stored_recording(path, table)
    except UnreadableTrace:
        return None
