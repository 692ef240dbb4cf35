"""Changes that a project accepts: ``reports/acks.toml``, and what it does to histories.

    [[ack]]
    benchmark = "attention.*"     # asv's name, or a pattern with * and ?
    commit = "04342f08"           # the first one at the new level; 7 or more characters of its hash
    reason = "exact softmax is worth it"
    until = 2026-12-31            # optional: from the next day on it is a regression again

Takes the file, gives ``Ack``s, and which of them a change has. An acknowledged regression is shown, but counted
neither in the verdict nor in the exit code (``tbp.history.acknowledged``). `tbp ack` adds an entry to the file and
leaves its comments and its order as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from tbp.errors import UsageError
from tbp.project.branch import branch_of, first_parents, resolve
from tbp.project.git import GitFailed, is_shallow
from tbp.project.toml_file import read_toml
from tbp.system.locks import alone_in
from tbp.system.whole_files import write_whole
from tbp.wording.words import value_text, visible

if TYPE_CHECKING:
    from tbp.model.changes import ChangeEvidence, History

KEYS = ("benchmark", "commit", "reason", "until")
# Fewer name too many commits of a large project: git abbreviates to at least as many.
MIN_HASH = 7
HASH = re.compile(rf"[0-9a-f]{{{MIN_HASH},64}}")
HEADER = "# Changes that this project accepts; `tbp ack` adds to it, and docs/report.md describes it.\n"


class Ack(Struct, frozen=True):
    """One acknowledgement: every change of the matching benchmarks at ``commit`` is accepted."""

    benchmark: str  # asv's name, or a pattern with * and ?
    commit: str  # at least MIN_HASH of its hash, in lower case
    reason: str
    until: date | None = None  # the last day it holds; None: for good

    def is_expired(self, today: date) -> bool:
        return self.until is not None and today > self.until

    def matches(self, history: History, evidence: ChangeEvidence) -> bool:
        """True where it names this change: its commit, or one measured without a value since the last good one.

        Further runs may move a change to such a neighbour; it is the same change.
        """
        if self.benchmark != history.key.benchmark and not fnmatchcase(history.key.benchmark, self.benchmark):
            return False
        points = history.points
        if not 0 <= evidence.change.index < len(points):
            return False
        first = evidence.change.index
        while first > 0 and not points[first - 1].has_level:
            first -= 1
        return any(point.commit.hash.startswith(self.commit) for point in points[first : evidence.change.index + 1])


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


def found_ack(history: History, evidence: ChangeEvidence, acks: Sequence[Ack]) -> Ack | None:
    """The acknowledgement of one change, expired or not; of several the one that holds longest.

    A change that is not for the worse needs none.
    """
    if not (evidence.change.is_verdict and evidence.change.is_worse(history.better)):
        return None
    matching = [ack for ack in acks if ack.matches(history, evidence)]
    return max(matching, key=lambda ack: ack.until or date.max, default=None)


def unmatched(histories: Sequence[History], acks: Sequence[Ack], path: Path) -> list[str]:
    """A sentence on each acknowledgement that names no change of any series: it does nothing, which may be a slip."""
    changes = [
        (history, evidence)
        for history in histories
        for evidence in history.changes
        if found_ack(history, evidence, acks)
    ]
    return [
        f"{path}: there is no regression of {ack.benchmark} at {ack.commit[:8]} to acknowledge; "
        "correct the entry or remove it"
        for ack in acks
        if not any(ack.matches(history, evidence) for history, evidence in changes)
    ]


def _ack(where: str, entry: Mapping[str, object]) -> Ack:
    unknown = sorted(set(entry) - set(KEYS))
    if unknown:
        raise UsageError(f"{where} has no key {value_text(unknown[0])}; it knows {', '.join(KEYS)}")
    texts = {}
    for key in KEYS[:3]:
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{where}: {key} must be a text that says something, not {value_text(value)}")
        texts[key] = value
    commit = texts["commit"].lower()
    if not HASH.fullmatch(commit):
        shown = value_text(texts["commit"])
        raise UsageError(f"{where}: commit must be {MIN_HASH} to 64 characters of a hash, not {shown}")
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
    raise UsageError(f"{where}: until must be a day like 2026-12-31, not {value_text(value)}")


def new_ack(benchmark: str, commit: str, reason: str, until: str, repository: Path | None) -> Ack:
    """The acknowledgement that the command line asks for, its commit in full where ``repository`` knows it.

    Raises:
        UsageError: something of it cannot be meant.
    """
    for name, text in (("BENCHMARK", benchmark), ("--reason", reason)):
        if not text.strip():
            raise UsageError(f"{name} is empty; say which benchmark, and why its change is accepted")
    known = resolve(repository, commit) if repository is not None else ""
    if not known and not HASH.fullmatch(commit.lower()):
        raise UsageError(f"{commit} is no commit that git knows here; write {MIN_HASH} or more characters of its hash")
    try:
        last_day = date.fromisoformat(until) if until else None
    except ValueError:
        raise UsageError(f"--until must be a day like 2026-12-31, not {value_text(until)}") from None
    return Ack(benchmark, known or commit.lower(), reason, last_day)


def require_on_branch(ack: Ack, repository: Path, branch: str) -> None:
    """Raises UsageError where the repository knows the commit of ``ack``, and the branch never was at it."""
    with suppress(GitFailed):
        line = branch_of(repository, branch)
        is_elsewhere = resolve(repository, ack.commit) and ack.commit not in first_parents(repository, line)
        if is_elsewhere and not is_shallow(repository):
            raise UsageError(
                f"{ack.commit[:8]} is not on the first-parent line of {line.name}, so its report has no change there; "
                "say the line that has with --branch"
            )


def write_ack(ack: Ack, path: Path) -> None:
    """Add ``ack`` to the file at ``path``, or to the one that a link there names; it is made where it is missing.

    Another process that adds one at the same time is waited for.

    Raises:
        UsageError: the change is acknowledged already, or the file cannot be read or written.
    """
    try:
        file = path.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(file.parent):
            _require_new(ack, path)
            text = file.read_bytes().decode() if file.exists() else HEADER
            write_whole(file, _with_entry(text, ack, path).encode())
    except RuntimeError:  # which Python before 3.13 raises of links that name each other
        raise UsageError(f"cannot write {path}: it is a link that leads to itself; remove it") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _require_new(ack: Ack, path: Path) -> None:
    for number, entry in enumerate(read_acks(path), start=1):
        is_same_commit = entry.commit.startswith(ack.commit) or ack.commit.startswith(entry.commit)
        if entry.benchmark == ack.benchmark and is_same_commit:
            until = f" until {entry.until.isoformat()}" if entry.until else ""
            raise UsageError(
                f"{path} acknowledges {ack.benchmark} at {entry.commit[:8]} already{until} ([[ack]] number {number}); "
                "change that entry"
            )


def _with_entry(text: str, ack: Ack, path: Path) -> str:
    """``text``, the content of ``path``, with one more table, its line ends as they are in the rest."""
    import tomlkit  # here, as reports only read acknowledgements
    from tomlkit.items import AoT

    # Where the last line does not end, tomlkit would write the new table into its comment.
    document = tomlkit.parse(f"{text.rstrip()}\n\n".replace("\r\n", "\n"))
    entries = document.setdefault("ack", tomlkit.aot())
    if not isinstance(entries, AoT):
        raise UsageError(f"cannot add to {path}: its entries are no tables; write them as [[ack]] tables")
    table = tomlkit.table()
    # What acts instead of being seen, such as a character that turns the direction of text, would mislead reviewers.
    table.update({"benchmark": visible(ack.benchmark), "commit": ack.commit, "reason": visible(ack.reason)})
    if ack.until:
        table["until"] = ack.until
    entries.append(table)
    return tomlkit.dumps(document).replace("\n", "\r\n" if "\r\n" in text else "\n")
