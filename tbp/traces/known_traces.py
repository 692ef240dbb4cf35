"""The recordings of traces that were read before.

Takes a trace's path, gives its recording. The operator table that ``tbp trace prune`` would leave in the trace's place
is kept under the digest of the trace's content, so a fresh checkout of the same traces is known, too. A trace of 106 MB
costs 0.15 CPU s instead of 1.2: its digest.
"""

from __future__ import annotations

from pathlib import Path

from tbp.errors import UnreadableTrace
from tbp.system.store import Store, file_key, key_of
from tbp.traces.calls.names import NameRule
from tbp.traces.operator_files import operator_bytes, stored_recording
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import OPERATORS_END, Recording


def known_recording(path: Path, rules: tuple[NameRule, ...] = ()) -> Recording:
    """Returns the recording of one trace: the reader that ``tbp.history`` is given.

    ``rules`` are the project's for names of operators.

    Raises:
        UnreadableTrace: it is neither a trace nor a stored operator table.
    """
    store = Store("traces")
    key = _key(path, rules) if store.is_there and not path.name.endswith(OPERATORS_END) else None
    if key is None:
        return read_recording(path, rules)
    table = store.known([key]).get(key)
    recording = _stored(path, table) if table is not None else None
    if recording is not None:
        return recording
    recording = read_recording(path, rules)
    table = operator_bytes(recording)
    back = _stored(path, table)
    # `asv run` may write while a report is built; and a report must be the same with what is kept and without.
    if _key(path, rules) == key and back is not None and operator_bytes(back) == table:
        store.keep({key: table})
    return recording


def _key(path: Path, rules: tuple[NameRule, ...]) -> bytes | None:
    """A digest of the trace and rules; None where it cannot be read: ``read_recording`` gives the reason."""
    try:
        digest = file_key(path)
    except OSError:
        return None
    return key_of(digest, [(rule.pattern.pattern, rule.replacement) for rule in rules]) if rules else digest


def _stored(path: Path, table: bytes) -> Recording | None:
    try:
        return stored_recording(path, table)
    except UnreadableTrace:
        return None
