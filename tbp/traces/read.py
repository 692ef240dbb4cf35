"""A trace file → a ``Trace``.

Takes a ``.json`` or ``.json.gz`` as ``export_chrome_trace`` writes it (an object with "traceEvents", or the bare
list), of any age. Gives its timed events; what a damaged file lost is said in ``Trace.losses``. Leaves every
meaning (steps, operators, kernels) to ``operators``.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pandas as pd

from tbp.errors import UnreadableTrace
from tbp.traces.events import EVENTS, BareEvent, Columns, Event
from tbp.traces.repair import Damage, events_start, header, mended, pieces, salvaged
from tbp.traces.trace import ABSENT, Trace

# 8 MB of text is 15–25 thousand events: beyond that decoding got no faster, only larger (measured on 103 MB).
CHUNK_BYTES = 8 << 20

# What makes two events the same one.
IDENTITY = ("external_id", "correlation", "start_ns", "duration_ns", "name_code", "thread_code", "category")

_DOCUMENT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])


def read_trace(path: str | Path) -> Trace:
    """The timed events of one file. Raises UnreadableTrace where there is none to be had, and nothing else."""
    path = Path(path)
    data, losses = _content(path)
    damage = Damage()
    columns = Columns()
    count = 0
    try:
        metadata, chunks = _document(data, path, damage)
        for chunk in chunks:
            count += len(chunk)
            columns.add(chunk)
    except RecursionError:
        raise UnreadableTrace(f"{path} is nested too deeply for a trace; record it again") from None
    trace = columns.trace(metadata, tuple(losses) + _sentences(damage, columns.untimed, count))
    if not len(trace):
        raise UnreadableTrace(f"{path} holds no timed event; record it again with the profiler active around a step")
    return _without_doubles(trace)


def _without_doubles(trace: Trace) -> Trace:
    """Each event once. Equal events are doubles only if they carry an id: in a file with whole-µs times two calls
    of one operator can otherwise agree in everything."""
    frame = pd.DataFrame({name: getattr(trace, name) for name in IDENTITY})
    numbered = (trace.external_id != ABSENT) | (trace.correlation != ABSENT)
    double = frame.duplicated().to_numpy() & numbered
    if not double.any():
        return trace
    return trace.selected(~double, (f"counted once though more often in the file: {_events(int(double.sum()))}",))


def _content(path: Path) -> tuple[bytes, list[str]]:
    """The file's bytes, decompressed as far as that goes, and a sentence where it did not go to the end."""
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise UnreadableTrace(f"{path} cannot be opened ({error.strerror}); check the path") from error
    if not stored.startswith(b"\x1f\x8b"):
        return stored, []
    try:
        return gzip.decompress(stored), []
    except (EOFError, zlib.error, OSError):
        return _salvaged_gzip(path)


def _salvaged_gzip(path: Path) -> tuple[bytes, list[str]]:
    blocks: list[bytes] = []
    loss = "the compressed file is damaged: what stood behind the damage is lost"
    with gzip.open(path) as file:
        try:
            while block := file.read1(1 << 16):
                blocks.append(block)
        except EOFError:
            loss = "the compressed file ends too early: what stood behind its end is lost"
        except gzip.BadGzipFile:
            loss = "the compressed file fails its checksum: any of its values may be wrong"
        except zlib.error:
            pass
    return b"".join(blocks), [loss]


def _document(data: bytes, path: Path, damage: Damage) -> tuple[dict[str, str], Iterator[list[Event | BareEvent]]]:
    """The other top-level keys and the events, in chunks."""
    if not data.strip():
        raise UnreadableTrace(f"{path} is empty; the recording was interrupted, so record it again")
    try:
        if data.lstrip()[:1] == b"[":
            _RAW_EVENTS.decode(data)
            return {}, _chunks(memoryview(data.strip()), damage)
        document = _DOCUMENT.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        start = events_start(data)
        if start is None:
            raise UnreadableTrace(
                f"{path} is no profiler trace; name a file that export_chrome_trace has written"
            ) from None
        return header(data), salvaged(data, start, damage)
    if "traceEvents" not in document:
        raise UnreadableTrace(f'{path} has no "traceEvents"; name a file that export_chrome_trace has written')
    events = memoryview(document.pop("traceEvents"))  # a view: the text may be all the memory there is
    metadata = {key: bytes(value).decode("utf-8", "replace") for key, value in document.items()}
    return metadata, _chunks(events, damage)


def _chunks(events: memoryview, damage: Damage) -> Iterator[list[Event | BareEvent]]:
    """Decode a JSON list known to be whole; one unusual event sends its chunk down the slow road."""
    if bytes(events[:1]) != b"[":
        return
    inside = events[1:-1]
    for low, high in pieces(inside, 0, CHUNK_BYTES):
        chunk = b"".join((b"[", inside[low:high], b"]"))
        try:
            decoded: list[Event | BareEvent] = list(EVENTS.decode(chunk))
        except (msgspec.DecodeError, UnicodeDecodeError):
            decoded = _one_by_one(chunk, damage)
        yield decoded


def _one_by_one(chunk: bytes, damage: Damage) -> list[Event | BareEvent]:
    try:
        texts: list[msgspec.Raw] = _RAW_EVENTS.decode(chunk)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A boundary inside a string, or bytes that are no UTF-8: count brackets instead.
        return [event for some in salvaged(chunk, 1, damage) for event in some]
    return [event for text in texts if (event := mended(bytes(text), damage)) is not None]


def _sentences(damage: Damage, untimed: int, count: int) -> tuple[str, ...]:
    said = (
        (damage.cut_off, f"the file ends inside its events: those after the first {count} are lost"),
        (damage.unreadable, f"left out as unreadable: {_events(damage.unreadable)}"),
        (damage.repaired, f"mended where a value was not JSON or of no known kind: {_events(damage.repaired)}"),
        (untimed, f"left out for want of a usable time: {_events(untimed)}"),
    )
    return tuple(sentence for happened, sentence in said if happened)


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
