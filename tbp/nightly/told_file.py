"""The note of what was told to whom: ``nightly.reported`` in the results folder, under a name that asv passes over.

Takes a folder, gives a ``ToldNote``, and writes one. The note travels with the results; of two runners' notes all is
kept (``merged_notes``). A damaged one counts as lost: then a night raises an alarm too many, and ``tbp notify`` begins
with one message on all that stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import asdict

from tbp.model.changes import Change, History
from tbp.model.series import SeriesKey
from tbp.nightly.told import (
    NIGHT,
    Delivery,
    Fate,
    Reported,
    ToldEvent,
    ToldNote,
    id_at,
    merged,
    series_digest,
    untold_changes,
)
from tbp.system.bounded import read_plain
from tbp.system.foreign_json import value_in
from tbp.system.locks import alone_in
from tbp.system.whole_files import write_whole

NAME = "nightly.reported"
# History of the file.
#   1  regressions, by series and commit, that a night reported
#   2  events with their changes, and what each target was told of them
FORMAT = 2
MOST_BYTES = 16_000_000  # of the note: 500,000 changes


class ToldEventForm(Struct, frozen=True):
    """A told event as JSON has it."""

    changes: dict[str, list[str]]  # series by commit
    to: dict[str, Delivery] = field(default_factory=dict)
    is_better: bool = False

    @classmethod
    def of(cls, event: ToldEvent) -> ToldEventForm:
        by_commit: dict[str, list[str]] = {}
        for change in sorted(event.changes):
            by_commit.setdefault(change.commit, []).append(change.series)
        return cls(by_commit, dict(event.to), event.is_better)

    def event(self, name: str) -> ToldEvent:
        """The event of this form with ``name`` for its id."""
        several = (Reported(series, commit) for commit, of in self.changes.items() for series in of)
        return ToldEvent(name, frozenset(several), self.to, self.is_better)


class _NoteForm(Struct, frozen=True):
    targets: frozenset[str]
    events: dict[str, ToldEventForm]


class _Format(Struct, frozen=True):
    format: int


class _FirstNote(Struct, frozen=True):
    """The first format: each regression with its series (benchmark, parameters, machine, environment) and commit."""

    reported: list[tuple[tuple[str, list[tuple[str, str]], str, str], str]]


class OpenNote(Struct):
    """The note of a folder while nobody else changes it."""

    note: ToldNote  # as it is now
    path: Path | None = None  # None: nothing is written
    stored: ToldNote | None = None  # as the file has it; None: there is no such file

    def write_anew(self) -> None:
        """Write the file though nothing is new in it. Raises OSError where that cannot be done."""
        self.stored = None
        self.write(self.note)

    def write(self, note: ToldNote) -> None:
        """Put ``note`` on the disk. Raises OSError, and then the file is as it was."""
        if self.path is not None and note != self.stored:
            write_whole(self.path, note_bytes(note))
            self.stored = note
        self.note = note


@contextmanager
def open_note(results_dir: Path, waits: Callable[[], None] = lambda: None) -> Iterator[OpenNote]:
    """A block in which this process alone changes the note; ``waits`` is called where another one does."""
    with alone_in(results_dir, waits):
        note, path = read_note(results_dir), results_dir / NAME
        yield OpenNote(note, path, note if path.exists() else None)


def read_note(results_dir: Path) -> ToldNote:
    """The note in the folder; an empty one where there is none or it is damaged."""
    try:
        return note_of(read_plain(results_dir / NAME, MOST_BYTES))
    except OSError:
        return ToldNote()


def untold(results_dir: Path) -> Callable[[History, Change], bool]:
    """Returns ``untold_changes`` of the note in the folder."""
    return untold_changes(read_note(results_dir))


def merged_notes(ours: bytes, theirs: bytes) -> bytes:
    """The union of two notes as files; a damaged one counts as empty."""
    return note_bytes(merged(note_of(ours), note_of(theirs)))


def note_bytes(note: ToldNote) -> bytes:
    """The note as a file: the same note gives the same bytes."""
    events = {event.id: asdict(ToldEventForm.of(event)) for event in note.events.values()}
    content = {"format": FORMAT, "targets": sorted(note.targets), "events": events}
    return (json.dumps(content, indent=1, sort_keys=True, default=asdict) + "\n").encode()


def note_of(content: bytes) -> ToldNote:
    """The note that a file holds; an empty one where it is damaged or of a later format."""
    version = value_in(content, _Format)
    if version == _Format(1) and (first := value_in(content, _FirstNote)) is not None:
        return _of_first(first)
    if version == _Format(FORMAT) and (note := value_in(content, _NoteForm)) is not None:
        return ToldNote({name: form.event(name) for name, form in note.events.items()}, note.targets)
    return ToldNote()


def _of_first(note: _FirstNote) -> ToldNote:
    """The regressions of one commit are one event."""
    by_commit: dict[str, set[Reported]] = {}
    for (benchmark, parameters, machine, environment), commit in note.reported:
        series = series_digest(SeriesKey(benchmark, tuple(parameters), machine, environment))
        by_commit.setdefault(commit, set()).add(Reported(series, commit))
    of_night = {NIGHT: Delivery(1, Fate.STANDS)}
    events = [ToldEvent(id_at(commit), frozenset(changes), of_night) for commit, changes in by_commit.items()]
    return ToldNote({event.id: event for event in events}, frozenset({NIGHT}))
