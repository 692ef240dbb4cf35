"""The triage of a change or an event in words, with its link: for every page, file and terminal.

Takes what ``tbp.history.acknowledged`` gave the changes, gives plain text; escaping belongs to the template.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from tbp.history.events import Event, SeriesChange
from tbp.model.series import short_hash
from tbp.model.triage import Triage, TriageStatus
from tbp.project.links import web_address
from tbp.wording import words

REASON_LENGTH = 160
"""Characters of a reason: the file has all of it."""

OWNER_LENGTH = 60

_WORDS = {
    TriageStatus.ACKNOWLEDGED: "acknowledged",
    TriageStatus.INVESTIGATING: "investigating",
    TriageStatus.EXPECTED: "expected",
    TriageStatus.WONTFIX: "will not be fixed",
}


class TriageNote(Struct, frozen=True):
    """The state of one regression, or of an event, as a page shows it."""

    text: str  # "investigating until 2026-12-31, Ada: the cache is cold"
    href: str  # http(s), or empty
    host: str  # of that address: the words of the link
    status: str  # "investigating": for a class of the style sheet, or a filter
    is_accepting: bool  # False: it still counts as a regression


def triage_note(triage: Triage) -> TriageNote:
    """The note on one state."""
    href = web_address(triage.link)
    host = urlsplit(href).netloc.rpartition("@")[2]  # what is before the @ only looks like a host
    return TriageNote(in_words(triage), href, host, triage.status.value, triage.is_accepting)


def event_notes(event: Event) -> tuple[TriageNote, ...]:
    """The notes on the states of an event, in the order of ``triages``."""
    return notes(event.changes)


def notes(changes: Sequence[SeriesChange]) -> tuple[TriageNote, ...]:
    """The notes on the states of several changes, each once."""
    return tuple(map(triage_note, _each_once(changes)))


def triages(event: Event) -> tuple[Triage, ...]:
    """The states of the regressions of an event, each once; of several those that do not accept it come first."""
    return _each_once(event.changes)


def _each_once(changes: Sequence[SeriesChange]) -> tuple[Triage, ...]:
    several: dict[Triage, Triage] = {}
    for triage in (change.evidence.triage for change in changes):
        if triage is not None:
            # Series measure different commits, and a pattern may name some of them too.
            several.setdefault(replace(triage, entries=(), seen_by="x" * bool(triage.seen_by)), triage)
    return tuple(sorted(several.values(), key=lambda triage: triage.is_accepting))


def in_words(triage: Triage) -> str:
    """``expected until 2026-12-31, Ada: worth it``; or how a fix did not hold, and which day has passed."""
    about = [_status(triage), words.cut(words.one_line(triage.owner), OWNER_LENGTH)]
    reason = words.cut(words.one_line(triage.reason), REASON_LENGTH)
    return ": ".join(filter(None, [", ".join(filter(None, about)), reason]))


def sentence(notes: Iterable[TriageNote]) -> str:
    """The notes in one line, each with its link: ``investigating, Ada: … (https://…)``; empty without any."""
    return "; ".join(f"{note.text} ({note.href})" if note.href else note.text for note in notes)


def _status(triage: Triage) -> str:
    commit, day = short_hash(triage.fixed_in), triage.until.isoformat() if triage.until is not None else ""
    if triage.seen_by:
        return f"not fixed by {commit}: {short_hash(triage.seen_by)} still shows it"
    state = f"fixed in {commit}" if triage.status is TriageStatus.FIXED else _WORDS[triage.status]
    if triage.is_expired:
        return f"{'acknowledgement' if triage.status is TriageStatus.ACKNOWLEDGED else state} expired on {day}"
    unproved = ", not measured since" if triage.status is TriageStatus.FIXED else ""
    return f"{state} until {day}{unproved}" if day else f"{state}{unproved}"
