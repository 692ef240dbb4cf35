"""Entries that `tbp ack` adds to ``reports/acks.toml``, or changes there.

Takes what the command line asks for, gives an ``Ack``, and writes it under a lock. Comments and the order of the file
stay as they are.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from pathlib import Path

from msgspec import Struct

from tbp.errors import UsageError
from tbp.model.series import short_hash
from tbp.model.triage import TriageStatus
from tbp.project.acknowledgements import (
    EVERY,
    HASH,
    MIN_HASH,
    WITHOUT_REASON,
    Ack,
    link_of,
    owner_of,
    read_acks,
    status_of,
)
from tbp.project.branch import branch_of, first_parents, resolve
from tbp.project.git import GitFailed, is_shallow
from tbp.system.locks import alone_in
from tbp.system.whole_files import write_whole
from tbp.wording.words import value_text, visible

HEADER = (
    "# Changes that this project accepts; `tbp ack` adds to it, and docs/how-to/acknowledge.md of tbp describes it.\n"
)
STORED_DIGITS = 12  # of a hash in the range of an event, for years: git itself takes 10 for a project of Linux's size


class AckRequest(Struct, frozen=True):
    """The request of the command line; empty texts are left out of the file."""

    commit: str  # a revision; of an event also a range of two, e5f0a1b2..04342f08
    benchmark: str = ""  # empty: all of an event
    reason: str = ""
    until: str = ""
    owner: str = ""
    status: str = ""
    link: str = ""

    @property
    def is_event(self) -> bool:
        """True for a range of commits, or a commit without a benchmark."""
        return not self.benchmark or ".." in self.commit


def new_ack(request: AckRequest, repository: Path | None) -> Ack:
    """The entry that the command line asks for, its commits in full where ``repository`` knows them.

    Raises:
        UsageError: something of it cannot be meant.
    """
    status, fixed_in = _status(request.status, repository)
    if request.benchmark and not request.benchmark.strip():
        raise UsageError("BENCHMARK is empty; say which benchmark")
    if not request.reason.strip() and (request.reason or status not in WITHOUT_REASON):
        raise UsageError("--reason is empty; say why the change is accepted")
    after, _, commit = request.commit.rpartition("..") if request.is_event else ("", "", request.commit)
    return Ack(
        benchmark=request.benchmark or EVERY,
        commit=_commit(commit, repository),
        reason=request.reason,
        until=_until(request.until),
        is_event=request.is_event,
        after=_commit(after, repository) if after else "",
        status=status,
        fixed_in=fixed_in,
        owner=owner_of(request.owner.strip(), "--owner"),
        link=link_of(request.link.strip(), "--link"),
    )


def _commit(revision: str, repository: Path | None) -> str:
    known = resolve(repository, revision) if repository is not None else ""
    if not known and not HASH.fullmatch(revision.lower()):
        raise UsageError(
            f"{revision} is no commit that git knows here; write {MIN_HASH} or more characters of its hash"
        )
    return known or revision.lower()


def _status(text: str, repository: Path | None) -> tuple[TriageStatus, str]:
    """The status with its commit, of which the command line may name a branch or a tag."""
    if fixed := re.fullmatch(r"\s*fixed\s+in\s+(\S+)\s*", text, re.IGNORECASE):
        return TriageStatus.FIXED, _commit(fixed[1], repository)
    return status_of(text.strip(), "--status")


def _until(day: str) -> date | None:
    try:
        return date.fromisoformat(day) if day else None
    except ValueError:
        raise UsageError(f"--until must be a day like 2026-12-31, not {value_text(day)}") from None


def require_on_branch(ack: Ack, repository: Path, branch: str) -> None:
    """Raises UsageError where the repository knows the commit of ``ack``, and the branch never was at it."""
    with suppress(GitFailed):
        line = branch_of(repository, branch)
        is_elsewhere = resolve(repository, ack.commit) and ack.commit not in first_parents(repository, line)
        if is_elsewhere and not is_shallow(repository):
            raise UsageError(
                f"{short_hash(ack.commit)} is not on the first-parent line of {line.name}, so its report has no change "
                "there; say the line that has with --branch"
            )


def write_ack(ack: Ack, path: Path, is_update: bool = False) -> None:
    """Add ``ack`` to the file at ``path``, or to the one that a link there names; it is made where it is missing.

    With ``is_update`` an entry of the same change gets the fields of ``ack`` that say something, and keeps the rest.
    Another process that writes at the same time is waited for.

    Raises:
        UsageError: there is such an entry already, or the file cannot be read or written.
    """
    try:
        file = path.resolve()
        file.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(file.parent):
            number = _number_of(ack, path)
            if number and not is_update:
                raise _already(read_acks(path)[number - 1], number, path)
            text = file.read_bytes().decode() if file.exists() else HEADER
            write_whole(file, _with_entry(text, ack, number, path).encode())
    except RuntimeError:  # which Python before 3.13 raises of links that name each other
        raise UsageError(f"cannot write {path}: it is a link that leads to itself; remove it") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _number_of(ack: Ack, path: Path) -> int:
    """The number of the entry of the same change, from 1; 0 without one."""
    for number, entry in enumerate(read_acks(path), start=1):
        is_same = entry.benchmark == ack.benchmark and entry.is_event == ack.is_event
        if is_same and _is_same(entry.commit, ack.commit) and _is_same(entry.after, ack.after):
            return number
    return 0


def _is_same(old: str, new: str) -> bool:
    """True of two hashes of one commit, or none."""
    return bool(old) == bool(new) and (old.startswith(new) or new.startswith(old))


def _already(entry: Ack, number: int, path: Path) -> UsageError:
    until = f" until {entry.until.isoformat()}" if entry.until else ""
    return UsageError(
        f"{path} has {entry.subject} as {entry.status.value} already{until} ([[ack]] number {number}); "
        "change that entry with --update"
    )


def _with_entry(text: str, ack: Ack, number: int, path: Path) -> str:
    """``text``, the content of ``path``, with ``ack`` as its entry ``number``, or as a new one where that is 0.

    Its line ends are as they are in the rest.
    """
    import tomlkit  # here, as reports only read acknowledgements
    from tomlkit.items import AoT

    # Where the last line does not end, tomlkit would write the new table into its comment.
    document = tomlkit.parse(f"{text.rstrip()}\n\n".replace("\r\n", "\n"))
    entries = document.setdefault("ack", tomlkit.aot())
    if not isinstance(entries, AoT):
        raise UsageError(f"cannot add to {path}: its entries are no tables; write them as [[ack]] tables")
    if number:
        entries[number - 1].update(_state(ack))
    else:
        table = tomlkit.table()
        table.update(_subject(ack) | _state(ack))
        entries.append(table)
    ended = tomlkit.dumps(document) if not number else tomlkit.dumps(document).rstrip("\n") + "\n"
    return ended.replace("\n", "\r\n" if "\r\n" in text else "\n")


def _subject(ack: Ack) -> dict[str, object]:
    """The keys that name the change."""
    # What acts instead of being seen, such as a character that turns the direction of text, would mislead reviewers.
    benchmark = visible(ack.benchmark)
    if not ack.is_event:
        return {"benchmark": benchmark, "commit": ack.commit}
    of_some: dict[str, object] = {"benchmark": benchmark} if benchmark != EVERY else {}
    between = f"{ack.after[:STORED_DIGITS]}..{ack.commit[:STORED_DIGITS]}" if ack.after else ack.commit
    return {"event": between, **of_some}


def _state(ack: Ack) -> dict[str, object]:
    """The keys that say what becomes of it, without those that say nothing."""
    state = {
        "reason": visible(ack.reason),
        "until": ack.until,
        "status": "" if ack.status is TriageStatus.ACKNOWLEDGED else ack.status_text,
        "owner": visible(ack.owner),
        "link": ack.link,
    }
    return {key: value for key, value in state.items() if value}
