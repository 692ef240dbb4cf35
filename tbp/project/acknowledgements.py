"""Changes that a project accepts or looks into: ``reports/acks.toml``.

    [[ack]]
    benchmark = "attention.*"     # asv's name, or a pattern with * and ?
    commit = "04342f08"           # the first one at the new level; 7 or more characters of its hash
    reason = "exact softmax is worth it"
    until = 2026-12-31            # optional: from the next day on it is a regression again

    [[ack]]
    event = "e5f0a1b2..04342f08"  # or all series that moved in this range of commits, on every machine
    status = "investigating"      # or "expected", "wontfix", "fixed in 4d7b91c0"
    owner = "Ada"
    link = "https://example.org/issues/7"

Takes the file, gives ``Ack``s, and those that name a change of one series. What an entry does to a change is decided
in ``tbp.history.acknowledged``; ``new_acknowledgement`` adds entries to the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tbp.errors import UsageError
from tbp.model.series import short_hash
from tbp.model.triage import TriageStatus
from tbp.project.links import web_address
from tbp.project.toml_file import read_toml
from tbp.wording.words import value_text

if TYPE_CHECKING:
    from tbp.model.changes import ChangeEvidence, History

KEYS = ("benchmark", "commit", "event", "reason", "until", "owner", "status", "link")
# Fewer name too many commits of a large project: git abbreviates to at least as many.
MIN_HASH = 7
HASH = re.compile(rf"[0-9a-f]{{{MIN_HASH},64}}")
EVENT = re.compile(rf"(?:({HASH.pattern})\.\.)?({HASH.pattern})")
FIXED_IN = re.compile(rf"fixed in ({HASH.pattern})")
STATUSES = "investigating, expected, wontfix or fixed in COMMIT"
# These need no reason: nothing is accepted yet, or the commit is the reason.
WITHOUT_REASON = (TriageStatus.INVESTIGATING, TriageStatus.FIXED)
MOST_OWNER = 200  # characters
PATTERN = re.compile(r"[*?[]")  # what fnmatch takes for more than the character
EVERY = "*"
"""The pattern of every benchmark: an event need not name any."""


class Ack(Struct, frozen=True):
    """One entry: for every change of the matching benchmarks at ``commit``, or for all of an event."""

    benchmark: str  # asv's name, or a pattern with * and ?
    commit: str  # at least MIN_HASH of its hash, in lower case; of an event the newest of its range
    reason: str
    until: date | None = None  # the last day it holds; None: for good
    is_event: bool = False  # it names the event whose range has ``commit``, or is all after ``after`` up to ``commit``
    after: str = ""
    status: TriageStatus = TriageStatus.ACKNOWLEDGED
    fixed_in: str = ""  # the commit of TriageStatus.FIXED
    owner: str = ""
    link: str = ""  # http(s) with a host

    @property
    def event(self) -> str:
        """The range of the event as git writes it: ``e5f0a1b2..04342f08``, or one commit of it."""
        return f"{self.after}..{self.commit}" if self.after else self.commit

    @property
    def subject(self) -> str:
        """The place of the change, in words: ``suite.time_x at 04342f08``, ``the event e5f0a1b2..04342f08``."""
        if not self.is_event:
            return f"{self.benchmark} at {short_hash(self.commit)}"
        of = "" if self.benchmark == EVERY else f"{self.benchmark} in "
        between = f"{short_hash(self.after)}..{short_hash(self.commit)}" if self.after else short_hash(self.commit)
        return f"{of}the event {between}"

    @property
    def status_text(self) -> str:
        """The status as the file has it: ``fixed in 4d7b91c0``, ``acknowledged``."""
        return f"fixed in {self.fixed_in}" if self.status is TriageStatus.FIXED else self.status.value

    @property
    def is_pattern(self) -> bool:
        """True where it may name several benchmarks."""
        return PATTERN.search(self.benchmark) is not None

    def is_expired(self, today: date) -> bool:
        """True after its last day."""
        return self.until is not None and today > self.until

    def is_of(self, benchmark: str) -> bool:
        """True where it names the benchmark."""
        return self.benchmark == benchmark or fnmatchcase(benchmark, self.benchmark)


def read_acks(path: Path) -> tuple[Ack, ...]:
    """The acknowledgements in ``path``, as they stand there; none without such a file.

    Raises:
        UsageError: the file cannot be read, or an entry cannot be meant; the message names file and entry.
    """
    content = read_toml(path)
    if content is None:
        return ()
    unknown = sorted(set(content) - {"ack"})
    if unknown:
        raise UsageError(f"{path} knows only [[ack]] tables, not {value_text(unknown[0])}")
    entries = content.get("ack", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UsageError(f"{path}: each acknowledgement is a table that begins with [[ack]]")
    return tuple(_ack(f"{path}, [[ack]] number {number}", entry) for number, entry in enumerate(entries, start=1))


def day_of(histories: Iterable[History]) -> date:
    """The day by which acknowledgements expire, in UTC: that of the newest commit with a result.

    Not today's, so that the same results always give the same report; nothing newer could have been accepted or not.
    """
    dates = [history.points[-1].commit.date for history in histories if history.points]
    return max(dates, default=datetime.min.replace(tzinfo=UTC)).astimezone(UTC).date()


def is_triable(history: History, evidence: ChangeEvidence) -> bool:
    """True of a verdict for the worse: no other change needs an entry."""
    return evidence.change.is_verdict and evidence.change.is_worse(history.better)


def unmatched(histories: Sequence[History], acks: Sequence[Ack], path: Path) -> list[str]:
    """A sentence on each entry that names no change of any series: it does nothing, which may be a slip.

    ``histories`` are those that ``tbp.history.acknowledged.seen`` gave for ``acks``.
    """
    triages = [evidence.triage for history in histories for evidence in history.changes]
    used = {number for triage in triages if triage is not None for number in triage.entries}
    return [
        f"{path}: there is no regression of {ack.subject} to acknowledge; correct the entry or remove it"
        for number, ack in enumerate(acks, start=1)
        if number not in used
    ]


def _ack(where: str, entry: Mapping[str, object]) -> Ack:
    unknown = sorted(set(entry) - set(KEYS))
    if unknown:
        raise UsageError(f"{where} has no key {value_text(unknown[0])}; it knows {', '.join(KEYS)}")
    is_event = "event" in entry
    if is_event and "commit" in entry:
        raise UsageError(f"{where} has commit and event: leave the one that is not meant")
    status, fixed_in = status_of(_text(where, entry, "status", ""), f"{where}: status")
    optional = {"benchmark": EVERY} if is_event else {}
    if status in WITHOUT_REASON:
        optional["reason"] = ""
    benchmark, reason = (_text(where, entry, key, optional.get(key)) for key in ("benchmark", "reason"))
    after, commit = _commits(where, entry, is_event)
    return Ack(
        benchmark=benchmark,
        commit=commit,
        reason=reason,
        until=_until(where, entry.get("until")),
        is_event=is_event,
        after=after,
        status=status,
        fixed_in=fixed_in,
        owner=owner_of(_text(where, entry, "owner", ""), f"{where}: owner"),
        link=link_of(_text(where, entry, "link", ""), f"{where}: link"),
    )


def _text(where: str, entry: Mapping[str, object], key: str, default: str | None) -> str:
    """The text at ``key``; ``default`` where it may be missing and is."""
    if key not in entry and default is not None:
        return default
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} must be a text that says something, not {value_text(value)}")
    return value


def _commits(where: str, entry: Mapping[str, object], is_event: bool) -> tuple[str, str]:
    """The last commit before the range, where the entry names it, and the newest of the range."""
    text = _text(where, entry, "event" if is_event else "commit", None)
    if is_event:
        between = EVENT.fullmatch(text.lower())
        if between is None:
            raise UsageError(f"{where}: event must be a hash, or two like e5f0a1b2..04342f08, not {value_text(text)}")
        return between[1] or "", between[2]
    if not HASH.fullmatch(text.lower()):
        raise UsageError(f"{where}: commit must be {MIN_HASH} to 64 characters of a hash, not {value_text(text)}")
    return "", text.lower()


def status_of(text: str, where: str) -> tuple[TriageStatus, str]:
    """The status that ``text`` names, and of ``fixed in COMMIT`` the commit. Raises UsageError for another text."""
    if not text:
        return TriageStatus.ACKNOWLEDGED, ""
    lowered = " ".join(text.lower().split())
    if fixed := FIXED_IN.fullmatch(lowered):
        return TriageStatus.FIXED, fixed[1]
    if lowered in (TriageStatus.INVESTIGATING, TriageStatus.EXPECTED, TriageStatus.WONTFIX):
        return TriageStatus(lowered), ""
    hint = f" with {MIN_HASH} or more characters of its hash" if lowered.startswith("fixed") else ""
    raise UsageError(f"{where} must be {STATUSES}{hint}, not {value_text(text)}")


def owner_of(text: str, where: str) -> str:
    """``text``, the name of a person or team. Raises UsageError where it is too long for one."""
    if len(text) > MOST_OWNER:
        raise UsageError(f"{where} must be a name of at most {MOST_OWNER} characters")
    return text


def link_of(text: str, where: str) -> str:
    """``text``, an address of the web. Raises UsageError for any other, which must not become a link."""
    if text and not web_address(text):
        raise UsageError(f"{where} must be an address that begins with https:// or http://, not {value_text(text)}")
    return text


def _until(where: str, value: object) -> date | None:
    """A TOML date, or the same as a string."""
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise UsageError(f"{where}: until must be a day like 2026-12-31, not {value_text(value)}")
