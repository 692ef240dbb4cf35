"""The ruler's session files → the sessions of a results folder.

Takes a results folder; beside asv's ``<machine>/<stem>.json`` lies ``<machine>/<stem>.traces/<benchmark>/`` with
``<cell>.<session>.session.json.gz`` and ``<cell>.<session>.pt.trace.json.gz`` (written by ``tbp.bench.recorder``),
or ``<cell>.<session>.operators.json.gz`` where the trace was pruned (``tbp.traces.operator_files``).
Gives ``Sessions`` with the paths of their traces and asv's reasons; reading a trace is left to ``tbp.traces``.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from tbp.asv.reasons import read_reasons
from tbp.asv.sessions import Session, SessionFields, Sessions
from tbp.model.series import SeriesKey
from tbp.system.bounded import OutOfBounds, read_plain, unpacked
from tbp.system.python_text import plain_value
from tbp.traces.recording import TRACE_END, operators_path

# Format of the session files.
# 1: the first.
FORMAT = 1
SESSION_END = ".session.json.gz"
MOST_NAME_BYTES = 200  # of a trace: a file name has at most 255, and that of its operator table is longer
# Of one file, packed and unpacked: a thousand samples have 100 kB. Zeros pack to a thousandth of their size.
MOST_BYTES = 16_000_000
MOST_UNPACKED = 64_000_000
MOST_RANKS = 1_000  # of one session; a report reads the traces of 16
RECORD_AGAIN = "run `asv run` again for its commit to record it anew"


class _SessionFile(SessionFields, frozen=True, kw_only=True):
    """A session file as it is stored; other fields in it are ignored."""

    format: int
    benchmark: str
    parameters: dict[str, str]
    environment: str
    machine: str
    cpu_mhz: int | None = None
    trace: str | None = None
    rank_traces: tuple[str, ...] = ()
    trace_note: str = ""


_DECODER = msgspec.json.Decoder(_SessionFile)
_SHARED_TEXTS = ("omp_wait_policy", "isa", "engine", "float32_products", "packages")  # equal in the sessions of a run
_FORMAT = msgspec.json.Decoder(dict[str, msgspec.Raw])

FindTrace: TypeAlias = Callable[[str | None, str, Path], tuple[Path | None, str]]
"""A trace's name, the recorder's note and the path of the session → the trace with a note; None with the reason."""


class UnusableSession(Exception):
    """A file that holds no session; the message ends a sentence that begins with its path."""


def read_sessions(results_dir: Path) -> Sessions:
    """Every session under ``results_dir``; none is fine, since most asv projects keep none. Raises nothing."""
    sessions: list[Session] = []
    problems: list[str] = []
    recorded = sorted(results_dir.glob("*/*.traces/*/*"))
    traces = {path for path in recorded if path.name.endswith(TRACE_END)}
    for path in (path for path in recorded if path.name.endswith(SESSION_END)):
        recorded_trace = path.with_name(path.name.removesuffix(SESSION_END) + TRACE_END)
        traces.discard(recorded_trace)
        try:
            session, why = session_in(session_content(path), path, named_trace)
        except UnusableSession as error:
            problems.append(f"{path} was left out: it {error}")
            continue
        problems += why
        traces.difference_update(session.traces)
        sessions.append(session)
    problems += [
        f"{path} has no session file beside it, so it belongs to no result (a run was stopped?); delete it or "
        f"{RECORD_AGAIN}"
        for path in sorted(traces)
    ]
    reasons = read_reasons(results_dir)
    return Sessions(tuple(sessions), (*problems, *reasons.problems), reasons)


def session_in(data: bytes, path: Path, find: FindTrace) -> tuple[Session, list[str]]:
    """The session in the JSON of the file at ``path``, and a sentence on each of its traces that is missing.

    ``find`` gives a trace by its name, as ``named_trace`` does. Raises UnusableSession.
    """
    stored = _decoded(data)
    trace, note = find(stored.trace, stored.trace_note, path)
    of_ranks = [find(name, "", path) for name in stored.rank_traces[:MOST_RANKS]]
    traces = [] if stored.trace is None else [(trace, note)]
    problems = [f"{path}: {why}; {RECORD_AGAIN}" for file, why in (*traces, *of_ranks) if file is None]
    rank_traces = tuple(file for file, _ in of_ranks if file is not None)
    parameters = tuple((name, plain_value(value)) for name, value in stored.parameters.items())
    equal: dict[str, Any] = {name: getattr(stored, name) for name in SessionFields.__struct_fields__}
    equal |= {name: sys.intern(equal[name]) for name in _SHARED_TEXTS}
    session = Session(
        key=SeriesKey(stored.benchmark, parameters, stored.machine, stored.environment),
        trace=trace,
        trace_note=note,
        rank_traces=rank_traces,
        processor_mhz=stored.cpu_mhz or 0,
        **equal,
    )
    return session, problems


def session_content(path: Path) -> bytes:
    """The JSON in the session file at ``path``. Raises UnusableSession."""
    try:
        return unpacked(read_plain(path, MOST_BYTES), MOST_UNPACKED)
    except OutOfBounds as error:
        raise UnusableSession(f"cannot be read ({error.strerror}); {RECORD_AGAIN}") from None
    except (OSError, EOFError, zlib.error):
        raise UnusableSession(f"cannot be decompressed (half written?); {RECORD_AGAIN}") from None


def _decoded(data: bytes) -> _SessionFile:
    try:
        version = _FORMAT.decode(data).get("format", msgspec.Raw(b"null"))
        if bytes(version) != str(FORMAT).encode():
            raise UnusableSession(f"has format {bytes(version)[:20]!r}, and this tbp reads {FORMAT}: update tbp")
        stored = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableSession(f"holds no session ({error}); {RECORD_AGAIN}") from None
    if not stored.commit or not stored.benchmark:
        raise UnusableSession(f"names no commit or no benchmark; {RECORD_AGAIN}")
    if stored.started.tzinfo is None:
        raise UnusableSession(f"has a start without a time zone; {RECORD_AGAIN}")
    return stored


def named_trace(name: str | None, note: str, path: Path) -> tuple[Path | None, str]:
    """The trace beside a session file or the table that replaces it, with a note; None with the reason."""
    if name is None:
        return None, note or "no trace was recorded"
    # A name with a folder in it would lead out of the results.
    if not name or Path(name).name != name or "\0" in name or len(name.encode()) > MOST_NAME_BYTES:
        return None, "its trace is no plain file name"
    trace = path.with_name(name)
    if trace.is_file():
        return trace, note
    table = operators_path(trace)
    return (table, "") if table.is_file() else (None, f"its trace {name} is missing")
