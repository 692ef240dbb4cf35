"""The recordings of traces: those that were read before are known, the others are read by several processes.

Takes a trace's path, gives its recording. The operator table that ``tbp trace prune`` would leave in the trace's place
is kept under the digest of the trace's content, so a fresh checkout of the same traces is known, too. A trace of 106 MB
costs 0.15 CPU s instead of 1.2: its digest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from tbp.errors import UnreadableTrace
from tbp.system.parallel import batched, mapped
from tbp.system.store import Store, file_key, key_of
from tbp.traces.calls.names import NameRule
from tbp.traces.operator_files import operator_bytes, stored_recording
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import OPERATORS_END, Recording

Outcome: TypeAlias = Recording | UnreadableTrace
"""A trace as it was read, or the reason why it cannot be."""
_Keyed: TypeAlias = tuple[Path, bytes | None]  # a trace, and the key under which its table is kept, if it is
_Read: TypeAlias = Generator[tuple[Outcome, bytes | None], None, None]  # the outcomes, each with a table to keep

# To read a trace on a slow core, and for each of its packed bytes: 0.2 s for a megabyte of ResNet-50 on a V100.
TRACE_S, BYTE_S = 0.02, 0.3e-6
# Of traces that one process gets at a time, each with so much on top: some ten small ones, or a large one.
BATCH_BYTES, SMALL_BYTES = 2_000_000, 200_000
MOST_WAITING = 8  # batches of recordings that wait for whoever takes them, with half a megabyte a trace
BLOCK = 256  # traces that are looked for in the store at once: their tables have some 100 kB each
NEAR = 32  # traces that are passed over at most where another one than the next is asked for: those of two changes


class KnownTraces:
    """The reader of traces that ``tbp.history`` is given; a context, at whose end nothing is read on.

    ``rules`` are the project's for names of operators.
    """

    def __init__(self, rules: Sequence[NameRule] = ()) -> None:
        self._rules = tuple(rules)
        self._expected: deque[Path] = deque()
        self._outcomes: Generator[Outcome, None, None] = _outcomes((), self._rules)

    def __reduce__(self) -> tuple[type[KnownTraces], tuple[tuple[NameRule, ...]]]:
        """A reader in another process expects nothing."""
        return KnownTraces, (self._rules,)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outcomes.close()

    def expect(self, paths: Iterable[Path]) -> None:
        """Begin to read ``paths``, which will be asked for in about this order, some for several series."""
        self._expected = deque(path for path in paths if not path.name.endswith(OPERATORS_END))
        self._outcomes = _outcomes(tuple(self._expected), self._rules)

    def __call__(self, path: Path) -> Recording:
        """Returns the recording of one trace.

        Raises:
            UnreadableTrace: it is neither a trace nor a stored operator table.
        """
        if path not in islice(self._expected, NEAR):
            return known_recording(path, self._rules)
        while True:
            outcome = next(self._outcomes)
            if self._expected.popleft() == path:
                break
        if isinstance(outcome, UnreadableTrace):
            raise outcome
        return outcome


def known_recording(path: Path, rules: Sequence[NameRule] = ()) -> Recording:
    """Returns the recording of one trace, read in this process. Raises UnreadableTrace."""
    (outcome,) = _outcomes((path,), tuple(rules), _read_here)
    if isinstance(outcome, UnreadableTrace):
        raise outcome
    return outcome


def packed_bytes(path: Path) -> int:
    """The size of a file; 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_here(traces: Sequence[_Keyed], rules: tuple[NameRule, ...]) -> _Read:
    yield from (_read(trace, rules) for trace in traces)


def _read_by_several(traces: Sequence[_Keyed], rules: tuple[NameRule, ...]) -> _Read:
    """Each trace as ``_read`` gives it; several processes share them out where there are many."""
    sizes = [packed_bytes(path) for path, _ in traces]
    batches = batched(traces, [size + SMALL_BYTES for size in sizes], BATCH_BYTES)
    read = mapped(
        partial(_read_all, rules=rules),
        batches,
        seconds=len(sizes) * TRACE_S + sum(sizes) * BYTE_S,
        paths=lambda batch: [path for path, _ in batch],
        most_waiting=MOST_WAITING,
        doing="reading traces",
    )
    with closing(read):
        yield from chain.from_iterable(read)


def _outcomes(
    paths: Sequence[Path],
    rules: tuple[NameRule, ...],
    read: Callable[[Sequence[_Keyed], tuple[NameRule, ...]], _Read] = _read_by_several,
) -> Generator[Outcome, None, None]:
    """Returns what becomes of each of ``paths``, in order; those that are not kept are given to ``read``."""
    store = Store("traces")
    for start in range(0, len(paths), BLOCK):
        block = paths[start : start + BLOCK]
        keys = {path: _key(path, rules) for path in block if store.is_there and not path.name.endswith(OPERATORS_END)}
        tables = store.known([key for key in keys.values() if key is not None])
        unknown = _unknown([(path, keys.get(path)) for path in block], tables)
        pending = {key for _, key in unknown}
        with closing(read(unknown, rules)) as new:
            for path in block:
                key = keys.get(path)
                if key in tables:
                    known = _stored(path, tables[key])
                    outcome, table = (known, None) if known is not None else _read((path, key), rules)
                elif key is None or key in pending:
                    outcome, table = next(new)
                    pending.discard(key)
                else:  # it came before, and its table is not exact
                    outcome, table = _read((path, key), rules)
                if key is not None and table is not None:
                    tables[key] = table
                    store.keep({key: table})
                yield outcome


def _unknown(traces: Sequence[_Keyed], known: Container[bytes]) -> list[_Keyed]:
    """The traces to read: each without a key, and the first of equal ones that are not ``known``."""
    new: list[_Keyed] = []
    keys: set[bytes] = set()
    for path, key in traces:
        if key is None or (key not in known and key not in keys):
            new.append((path, key))
            keys.update([key] if key is not None else [])
    return new


def _read_all(traces: Sequence[_Keyed], rules: tuple[NameRule, ...]) -> list[tuple[Outcome, bytes | None]]:
    return [_read(trace, rules) for trace in traces]


def _read(trace: _Keyed, rules: tuple[NameRule, ...]) -> tuple[Outcome, bytes | None]:
    """The recording of a trace, and the table to keep under its key; None where there is no key, or it is not exact."""
    path, key = trace
    try:
        recording = read_recording(path, rules)
    except UnreadableTrace as error:
        return error, None
    if key is None:
        return recording, None
    table = operator_bytes(recording)
    back = _stored(path, table)
    # `asv run` may write while a report is built; and a report must be the same with what is kept and without.
    is_exact = back is not None and operator_bytes(back) == table and _key(path, rules) == key
    return recording, table if is_exact else None


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
