"""The operators of traces that were read before: an operator table is a hundredth of its trace, and read in no time.

Takes a trace's path, gives its session. What is kept is the file that `tbp trace prune` would leave in the trace's
place, under the digest of the trace's content: a fresh checkout of the same traces is known, too.
"""

from __future__ import annotations

from pathlib import Path

from tbp.errors import UnreadableTrace
from tbp.system import cache
from tbp.traces.operator_files import operator_bytes, read_operators
from tbp.traces.operators.operators import TraceSession
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import OPERATORS_END, Recording


def trace_session(path: Path) -> TraceSession:
    """The operators of one trace: the reader that ``tbp.history`` is given.

    Raises:
        UnreadableTrace: it is neither a trace nor a stored operator table.
    """
    place = cache.folder()
    is_kept = place is not None and not path.name.endswith(OPERATORS_END)
    version = cache.code_version() if is_kept else b""
    if place is None or not version:
        return read_recording(path).session
    try:
        content = cache.file_digest(path)
    except OSError:
        return read_recording(path).session  # which says what is wrong
    kept = place / "traces" / f"{version.hex()[:16]}-{content.hex()}{OPERATORS_END}"
    known = _known(kept)
    return known.session if known is not None else _kept(path, content, kept)


def _known(kept: Path) -> Recording | None:
    try:
        recording = read_operators(kept)
    except UnreadableTrace:
        return None
    cache.touch(kept)
    return recording


def _kept(path: Path, content: bytes, kept: Path) -> TraceSession:
    recording = read_recording(path)
    try:
        is_same = cache.file_digest(path) == content  # `asv run` may write while a report is built
    except OSError:
        is_same = False
    if is_same:
        table = operator_bytes(recording)
        cache.put(kept, table)
        back = _known(kept)
        if back is not None and operator_bytes(back) != table:  # a report must say the same with and without
            kept.unlink(missing_ok=True)
    return recording.session
