"""The content of a trace file that could not be used, counted by kind.

Takes counts from the readers, gives one frozen value that travels with the trace into its tables and comparisons,
and the sentences on it for a report.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import astuple


class Loss(msgspec.Struct, frozen=True):
    """Counts over one file, or the sum over several; nothing was lost where all but ``usable`` are 0."""

    usable: int = msgspec.field(name="kept", default=0)  # events read, for scale; if cut off, those before the cut
    unreadable: int = 0  # events given up
    mended: int = 0  # events read after a value JSON does not have was replaced
    untimed: int = 0  # events without a usable time
    doubled: int = 0  # events more often in the file than once, counted once
    unpaired: int = 0  # begins of spans without an end, and ends without a begin
    asynchronous: int = 0  # spans beside the threads
    joined: int = 0  # traces behind the first one of a file
    cut_off: int = 0  # files that end inside their events
    packing_cut: int = 0  # compressed files that end too early
    packing_damaged: int = 0  # compressed files that cannot be unpacked to their end
    packing_unsure: int = 0  # compressed files whose checksum is not that of their content
    misplaced: int = 0  # events whose time lies outside of the recording
    bounded: int = 0  # events that cannot have lasted as long as they claim

    def __bool__(self) -> bool:
        """True if anything was lost, or may have been."""
        return any(astuple(self)[1:])

    def __add__(self, other: Loss) -> Loss:
        return Loss(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    @property
    def sentences(self) -> tuple[str, ...]:
        """A sentence for each kind of loss, in lower case to stand in a list; none for a whole file."""
        whose = "its" if self.cut_off == 1 else "their"
        sentences = (
            (self.packing_cut, f"{_files(self.packing_cut, 'compressed ')} too early: what stood behind is lost"),
            (self.packing_damaged, "the compressed file is damaged: what stood behind the damage is lost"),
            (self.packing_unsure, "the compressed file fails its checksum: any of its values may be wrong"),
            (
                self.cut_off,
                f"{_files(self.cut_off)} inside {whose} events: those after the first {self.usable} are lost",
            ),
            (self.unreadable, f"left out as unreadable: {_events(self.unreadable)}"),
            (self.mended, f"mended where a value was not JSON or of no known kind: {_events(self.mended)}"),
            (self.untimed, f"left out for want of a usable time: {_events(self.untimed)}"),
            (self.misplaced, f"left out, with times outside of the recording: {_events(self.misplaced)}"),
            (self.bounded, f"shortened to what is possible beside the rest: {_events(self.bounded)}"),
            (self.unpaired, f"left out for want of its begin or end: {_spans(self.unpaired)}"),
            (self.asynchronous, f"left out as asynchronous, on no thread: {_spans(self.asynchronous)}"),
            (self.joined, f"read as one with the trace before it in the file: {_traces(self.joined)}"),
            (self.doubled, f"counted once though more often in the file: {_events(self.doubled)}"),
        )
        return tuple(sentence for happened, sentence in sentences if happened)

    @property
    def sentence(self) -> str:
        """The sentence for a report: ``The trace is incomplete: …``; empty where nothing was lost."""
        return f"The trace is incomplete: {'; '.join(self.sentences)}." if self else ""


NOTHING_LOST = Loss()


class Tally:
    """Grows while a file is read; its readers are generators, which can return nothing beside what they yield."""

    def __init__(self) -> None:
        self.loss = NOTHING_LOST

    def add(self, **counts: int) -> None:
        """Count what happened, by the names of ``Loss``."""
        self.loss += Loss(**counts)


def total(losses: Iterable[Loss]) -> Loss:
    """The sum over several traces."""
    return sum(losses, NOTHING_LOST)


def _files(count: int, kind: str = "") -> str:
    return f"the {kind}file ends" if count == 1 else f"{count} {kind}files end"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"


def _spans(count: int) -> str:
    return "1 span" if count == 1 else f"{count} spans"


def _traces(count: int) -> str:
    return "1 trace" if count == 1 else f"{count} traces"
