"""Changes that a project accepts: ``reports/acks.toml``, and what it does to histories.

    [[ack]]
    benchmark = "attention.*"     # asv's name, or a pattern with * and ?
    commit = "04342f08"           # the first one at the new level; 7 or more characters of its hash
    reason = "exact softmax is worth it"
    until = 2026-12-31            # optional: from the next day on it is a regression again

Takes the file, gives ``Ack``s, and which of them a change has. An acknowledged regression is shown, but counted
neither in the verdict nor in the exit code (``tbp.history.acknowledged``). Writing the file belongs to
``tbp.commands.acknowledge``.
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
from tbp.project.toml_file import read_toml

if TYPE_CHECKING:
    from tbp.model.changes import ChangeEvidence, History

KEYS = ("benchmark", "commit", "reason", "until")
# Fewer name too many commits of a large project: git abbreviates to at least as many.
MIN_HASH = 7
HASH = re.compile(rf"[0-9a-f]{{{MIN_HASH},64}}")


class Ack(Struct, frozen=True):
    """One acknowledgement: every change of the matching benchmarks at ``commit`` is accepted."""

    benchmark: str  # asv's name, or a pattern with * and ?
    commit: str  # at least MIN_HASH of its hash, in lower case
    reason: str
    until: date | None = None  # the last day it holds; None: for good

    def is_expired(self, today: date) -> bool:
        return self.until is not None and today > self.until

    def matches(self, history: History, what: ChangeEvidence) -> bool:
        """Whether it names this change: its commit, or one measured without a value since the last good one.

        Further runs may move a change to such a neighbour; it is the same change.
        """
        if self.benchmark != history.key.benchmark and not fnmatchcase(history.key.benchmark, self.benchmark):
            return False
        points = history.points
        if not 0 <= what.change.index < len(points):
            return False
        first = what.change.index
        while first > 0 and not points[first - 1].has_level:
            first -= 1
        return any(point.commit.hash.startswith(self.commit) for point in points[first : what.change.index + 1])


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
        raise UsageError(f"{path} knows only [[ack]] tables, not {unknown[0]!r}")
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


def found_ack(history: History, what: ChangeEvidence, acks: Sequence[Ack]) -> Ack | None:
    """The acknowledgement of one change, expired or not; of several the one that holds longest.

    What is not for the worse needs none.
    """
    if not (what.change.is_verdict and what.change.is_worse(history.better)):
        return None
    matching = [ack for ack in acks if ack.matches(history, what)]
    return max(matching, key=lambda ack: ack.until or date.max, default=None)


def unmatched(histories: Sequence[History], acks: Sequence[Ack], path: Path) -> list[str]:
    """A sentence on each acknowledgement that names no change of any series: it does nothing, which may be a slip."""
    changes = [(history, what) for history in histories for what in history.changes if found_ack(history, what, acks)]
    return [
        f"{path}: there is no regression of {ack.benchmark} at {ack.commit[:8]} to acknowledge; "
        "correct the entry or remove it"
        for ack in acks
        if not any(ack.matches(history, what) for history, what in changes)
    ]


def _ack(where: str, entry: Mapping[str, object]) -> Ack:
    unknown = sorted(set(entry) - set(KEYS))
    if unknown:
        raise UsageError(f"{where} has no key {unknown[0]!r}; it knows {', '.join(KEYS)}")
    texts = {}
    for key in KEYS[:3]:
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{where}: {key} must be a text that says something, not {value!r}")
        texts[key] = value
    commit = texts["commit"].lower()
    if not HASH.fullmatch(commit):
        raise UsageError(f"{where}: commit must be {MIN_HASH} to 64 characters of a hash, not {texts['commit']!r}")
    return Ack(texts["benchmark"], commit, texts["reason"], _until(where, entry.get("until")))


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
    raise UsageError(f"{where}: until must be a day like 2026-12-31, not {value!r}")
