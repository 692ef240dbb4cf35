"""JSON text of events → the columns of a trace.

Takes the events that ``read`` decodes and ``repair`` mends, gives the arrays of a ``Trace``. A text that is not JSON
is theirs; a value that makes no sense (a negative duration) is left out here and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tbp.errors import UnreadableTrace
from tbp.system.arrays import Indices
from tbp.traces.reading.arguments import links, occupancy, percents, sequences, sizes, whole
from tbp.traces.reading.arrows import FINISHES, LONGEST_ID, MOST_ARROWS, NUMBERED, STARTS, ArrowEnds, numbered
from tbp.traces.reading.categories import LONGEST, meaning
from tbp.traces.reading.decoded import NOTHING, Arguments, BareEvent
from tbp.traces.reading.growing import CodesOfKeys, GrowingColumn, GrowingRows
from tbp.traces.reading.loss import Tally
from tbp.traces.reading.numbers import LARGEST_NS, all_nanoseconds
from tbp.traces.reading.pairing import pairs
from tbp.traces.reading.phases import ASYNCHRONOUS, BEGIN, COMPLETE, END, INSTANT, METADATA, PHASES
from tbp.traces.reading.processes import Labels, decided, written
from tbp.traces.reading.trace import ABSENT, COLUMNS, COUNTED, HOST_MEMORY, UNNAMED, Allocations, Trace

# Real traces have up to a few thousand names, with Python frames some ten thousand, and a thread per stream. Beyond
# these a file is made to exhaust memory, or is no trace.
MOST_TEXTS = 400_000
MOST_TEXT_BYTES = 64 << 20
MOST_THREADS = 20_000
MOST_EVENTS = 5_000_000  # timed ones, 3 GB of text; a table of them takes 1.3 GB
MOST_ENTRIES = 2 * MOST_EVENTS  # of any kind; real traces have up to as many arrows and labels as timed events

MOST_CATEGORIES = 1_000  # with a meaning kept; those of kineto are 30

# Generated kernels whose file is kept: a compiled model has some hundred. Paths have up to 4,096 characters.
MOST_SOURCES = 10_000
LONGEST_SOURCE = 4_096
NO_SOURCE = frozenset({"", "null", "None"})

NO_COLLECTIVE = (b"", b"", b"")  # of an event that is none

# The columns that are numbers of "args".
NUMBERS_OF_ARGUMENTS = ("correlation", "external_id", "sequence", "forward_thread", "copied_bytes", "occupancy_percent")

MEMORY = "[memory]"  # an instant that tells of an allocation, with profile_memory=True

_NO_ARGUMENTS = Arguments()
_ARROW_ENDS = (STARTS, FINISHES)

Thread: TypeAlias = tuple[int | str | float | None, int | str | float | None]  # process and thread


class _Threads(CodesOfKeys[Thread]):
    """Codes of threads: equal ones for ids that are the same in another kind of value."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: CodesOfKeys[tuple[str, str]] = CodesOfKeys()

    def __missing__(self, key: Thread) -> int:
        self[key] = code = self.ids[written(key[0]), written(key[1])]
        return code


class _Categories(dict[str | None, int]):
    """Meanings of categories; those of as many texts as any recorder has are kept."""

    def __missing__(self, name: str | None) -> int:
        known = meaning(name or "")
        if len(self) < MOST_CATEGORIES and len(name or "") <= LONGEST:
            self[name] = known
        return known


class EventColumns:
    """The columns of a trace, which grow piece by piece: objects of only one piece of events are alive at a time."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._spans, self._begins, self._ends = GrowingRows(), GrowingRows(), GrowingRows()
        self._memory = tuple(GrowingColumn() for _ in Allocations.__struct_fields__)
        self._names: CodesOfKeys[str] = CodesOfKeys()
        self._threads = _Threads()
        self._labels = Labels()
        self._arrows: CodesOfKeys[tuple[str, bytes]] = CodesOfKeys()
        self._arrow_ends = tuple(GrowingColumn() for _ in ArrowEnds.__struct_fields__)
        self._meanings = _Categories()
        self._shapes: CodesOfKeys[bytes] = CodesOfKeys()
        self._settings: CodesOfKeys[tuple[bytes, bytes]] = CodesOfKeys()
        self._sources: dict[str, str] = {}
        self._stacks: CodesOfKeys[tuple[str, str]] = CodesOfKeys()
        self._collectives: CodesOfKeys[tuple[bytes, bytes, bytes]] = CodesOfKeys()
        self._entries = 0

    def add(self, events: Sequence[BareEvent]) -> None:
        """Takes the timed events among these, and the allocations; spans beside the threads are counted.

        Raises UnreadableTrace, without the path, where a table of texts or the events become too many.
        """
        self._add(self._spans, events, COMPLETE)
        phases = Counter(event.ph for event in events)
        if phases[BEGIN] or phases[END]:
            self._add(self._begins, events, BEGIN)
            self._add(self._ends, events, END)
        if phases[INSTANT]:
            self._add_memory([event for event in events if event.ph == INSTANT and event.name == MEMORY])
        if phases[STARTS] or phases[FINISHES]:
            self._add_arrows([event for event in events if event.ph in _ARROW_ENDS and event.cat not in NUMBERED])
        if phases[METADATA]:
            self._add_labels([event for event in events if event.ph == METADATA])
        if asynchronous := sum(phases[phase] for phase in ASYNCHRONOUS):
            self.tally.add(asynchronous=asynchronous)
        if not phases.keys() <= PHASES:
            # An empty object is how some writers end their list; one with nothing but unknown keys is no event either.
            unknown = sum(event.ph not in PHASES and bool(event.ts or event.name) for event in events)
            self.tally.add(unreadable=unknown)
        self._entries += len(events)
        self._check_size()

    def trace(self, metadata: Mapping[str, str]) -> Trace:
        """Everything added so far as one value, which shares its memory with this."""
        if not len(self._spans):
            self._add(self._spans, (), COMPLETE)
        self._add_pairs()
        columns = self._spans.values
        names = tuple(name if name.strip() else UNNAMED for name in self._names)
        pids: CodesOfKeys[str] = CodesOfKeys()
        threads = [self._labels.thread(pids[pid], pid, tid) for pid, tid in self._threads.ids]
        processes = tuple(self._labels.process(pid) for pid in pids)
        columns["category"] = decided(
            columns["category"], columns["name_code"], columns["thread_code"], names, processes, threads
        )
        if len(self._arrows):
            ends = ArrowEnds(*(column.values for column in self._arrow_ends))
            columns["external_id"] = numbered(columns, ends, ABSENT)
        return Trace(
            names=names,
            threads=tuple(f"{pid}/{tid}" for pid, tid in self._threads.ids),
            processes=processes,
            process_of=np.array([thread.process for thread in threads], dtype=np.int32),
            shapes=tuple(map(_text, self._shapes)),
            settings=tuple((_text(values), _text(types)) for values, types in self._settings),
            sources=self._sources,
            stacks=tuple(self._stacks),
            collectives=tuple(
                (_text(name), f"{_text(group)} {_text(of)}".strip()) for name, group, of in self._collectives
            ),
            metadata=metadata,
            loss=self.tally.loss,
            memory=Allocations(*(column.values for column in self._memory)),
            **columns,
        )

    def _add(self, rows: GrowingRows, events: Sequence[BareEvent], phase: str) -> None:
        """Adds the events of one phase; those without a usable time are left out and counted."""
        timed = [event for event in events if event.ph == phase]
        start_ns = all_nanoseconds([event.ts for event in timed])
        usable = _is_time(start_ns)
        duration_ns = np.zeros_like(start_ns)
        if phase == COMPLETE:
            duration_ns = all_nanoseconds([event.dur for event in timed])
            usable &= _is_time(duration_ns) & (duration_ns >= 0)
        order = np.zeros(0, dtype=np.int64)
        if phase != COMPLETE:
            order = self._entries + np.flatnonzero([event.ph == phase for event in events])[usable]
        if not usable.all():
            self.tally.add(untimed=int((~usable).sum()))
            timed = [event for event, good in zip(timed, usable.tolist(), strict=True) if good]
            start_ns, duration_ns = start_ns[usable], duration_ns[usable]
        rows.add(self._columns(timed, start_ns, duration_ns), order)

    def _columns(self, timed: Sequence[BareEvent], start_ns: Indices, duration_ns: Indices) -> dict[str, NDArray[Any]]:
        arguments = [event.args or _NO_ARGUMENTS for event in timed]
        names = [event.name for event in timed]
        external = links([a.external_id for a in arguments])
        old_external = links([a.old_external_id for a in arguments])
        settings = np.full(len(timed), self._settings[b"", b""], dtype=np.int32)
        for at, name in enumerate(names):
            if name in COUNTED:
                settings[at] = self._settings[bytes(arguments[at].settings), bytes(arguments[at].types)]
        stacks = np.full(len(timed), self._stacks["", ""], dtype=np.int32)
        for at in [at for at, a in enumerate(arguments) if a.call_stack or a.module_hierarchy]:
            stacks[at] = self._stacks[arguments[at].call_stack, arguments[at].module_hierarchy]
        collectives = np.full(len(timed), self._collectives[NO_COLLECTIVE], dtype=np.int32)
        for at in [at for at, a in enumerate(arguments) if a.collective is not NOTHING]:
            a = arguments[at]
            collectives[at] = self._collectives[bytes(a.collective), bytes(a.group), bytes(a.group_ranks)]
        self._note_sources(names, arguments)
        return {
            "name_code": self._names.codes(names),
            "category": np.fromiter((self._meanings[event.cat] for event in timed), dtype=np.int8, count=len(timed)),
            "thread_code": self._threads.codes([(event.pid, event.tid) for event in timed]),
            "start_ns": start_ns,
            "duration_ns": duration_ns,
            "correlation": links([a.correlation for a in arguments]),
            "external_id": np.where(external == ABSENT, old_external, external),
            "shape_code": self._shapes.codes([bytes(a.shapes) for a in arguments]),
            "settings_code": settings,
            "stack_code": stacks,
            "collective_code": collectives,
            "sequence": sequences([a.sequence for a in arguments], np.int32),
            "forward_thread": sequences([a.forward_thread for a in arguments], np.int16),
            "copied_bytes": sizes([n if isinstance(n := a.copied_bytes, int) else ABSENT for a in arguments]),
            "occupancy_percent": percents([occupancy(a) for a in arguments]),
        }

    def _note_sources(self, names: Sequence[str], arguments: Sequence[Arguments]) -> None:
        """Keeps the file of each generated kernel, the first of several; of as many names as real programs have."""
        for at in [at for at, a in enumerate(arguments) if a.kernel_file is not NOTHING]:
            path = _text(bytes(arguments[at].kernel_file)).strip('"')
            if path not in NO_SOURCE and len(path) <= LONGEST_SOURCE and len(self._sources) < MOST_SOURCES:
                self._sources.setdefault(names[at], path)

    def _add_pairs(self) -> None:
        """Turns begins and ends into spans, behind the others; what either has as arguments is the span's."""
        if not len(self._begins) + len(self._ends):
            return
        begins, ends = self._begins.values, self._ends.values
        order = np.argsort(np.concatenate([self._begins.order, self._ends.order]))
        both = {name: np.concatenate([begins[name], ends[name]])[order] for name in COLUMNS}
        is_begin = order < len(self._begins)
        begin, end = pairs(both["thread_code"], both["start_ns"], is_begin, both["name_code"], self._names[""])
        self.tally.add(unpaired=len(order) - 2 * len(begin))
        begin, end = begin[in_file := np.argsort(begin)], end[in_file]
        spans = {name: column[begin] for name, column in both.items()}
        spans["duration_ns"] = both["start_ns"][end] - spans["start_ns"]
        for name, absent in self._absent().items():
            spans[name] = np.where(spans[name] == absent, both[name][end], spans[name])
        self._spans.add(spans, np.zeros(0, dtype=np.int64))
        self._begins, self._ends = GrowingRows(), GrowingRows()

    def _absent(self) -> dict[str, int]:
        """The value of each column of arguments that says that an event has none."""
        codes = {"shape_code": self._shapes[b""], "settings_code": self._settings[b"", b""]}
        codes["stack_code"] = self._stacks["", ""]
        codes["collective_code"] = self._collectives[NO_COLLECTIVE]
        return codes | dict.fromkeys(NUMBERS_OF_ARGUMENTS, ABSENT)

    def _add_labels(self, events: Sequence[BareEvent]) -> None:
        for event in events:
            if event.args is not None:
                texts = {"name": event.args.name, "labels": event.args.labels}
                self._labels.add(event.name, written(event.pid), written(event.tid), texts)

    def _add_arrows(self, events: Sequence[BareEvent]) -> None:
        if not events or len(self._arrows) > MOST_ARROWS:
            return
        time_ns = all_nanoseconds([event.ts for event in events])
        values: tuple[NDArray[Any], ...] = (
            self._arrows.codes([(event.cat or "", bytes(event.id)[:LONGEST_ID].strip(b'"')) for event in events]),
            np.array([event.ph == STARTS for event in events], dtype=bool),
            self._threads.codes([(event.pid, event.tid) for event in events]),
            time_ns,
        )
        for column, value in zip(self._arrow_ends, values, strict=True):
            column.add(value[_is_time(time_ns)])

    def _add_memory(self, events: Sequence[BareEvent]) -> None:
        arguments = [event.args or _NO_ARGUMENTS for event in events]
        start_ns = all_nanoseconds([event.ts for event in events])
        thread = self._threads.codes([(event.pid, event.tid) for event in events])
        size = whole([a.allocated_bytes for a in arguments], otherwise=0)
        good = _is_time(start_ns)
        values: tuple[NDArray[Any], ...] = (
            start_ns,
            thread,
            size,
            links([n if isinstance(n := a.address, int) else ABSENT for a in arguments]),
            sizes([a.total_allocated for a in arguments]),
            whole([a.device_type for a in arguments], otherwise=HOST_MEMORY),
            whole([a.device_id for a in arguments], otherwise=0),
        )
        for column, value in zip(self._memory, values, strict=True):
            column.add(value[good])

    def _check_size(self) -> None:
        tables: tuple[CodesOfKeys[Any], ...] = (
            self._names,
            self._shapes,
            self._settings,
            self._stacks,
            self._collectives,
            self._threads.ids,
        )
        texts, text_bytes = max(len(table) for table in tables), sum(table.text_bytes for table in tables)
        if texts > MOST_TEXTS or text_bytes > MOST_TEXT_BYTES or len(self._threads) > MOST_THREADS:
            raise UnreadableTrace(
                f"has {texts:,} different names, shapes or threads ({text_bytes >> 20} MB of them) and more to come, "
                "which no recording has; record it again"
            )
        timed = len(self._spans) + len(self._begins) + len(self._ends)
        if timed > MOST_EVENTS or self._entries > MOST_ENTRIES:
            raise UnreadableTrace(f"holds more than {MOST_EVENTS:,} events; record fewer steps")


def _is_time(value_ns: Indices) -> NDArray[np.bool_]:
    return (value_ns > -LARGEST_NS) & (value_ns < LARGEST_NS)


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "replace")
