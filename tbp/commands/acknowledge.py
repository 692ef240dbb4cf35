"""``tbp ack``: adds an acknowledgement to ``reports/acks.toml``, leaving what else is in the file as it is.

Takes what the user named, gives the file a table more. What acknowledgements do is told in
``tbp.project.acknowledgements``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from tbp.errors import UsageError
from tbp.project.acknowledgements import HASH, MIN_HASH, Ack, read_acks
from tbp.project.branch import branch_of, first_parents, resolve
from tbp.project.git import GitFailed, is_shallow
from tbp.system.whole_files import write_whole

HEADER = "# Changes that this project accepts; `tbp ack` adds to it, and docs/report.md describes it.\n"


def new_ack(benchmark: str, commit: str, reason: str, until: str, repository: Path | None) -> Ack:
    """The acknowledgement that was asked for, its commit in full where ``repository`` knows it.

    Raises:
        UsageError: something of it cannot be meant.
    """
    for name, text in (("BENCHMARK", benchmark), ("--reason", reason)):
        if not text.strip():
            raise UsageError(f"{name} is empty; say which benchmark, and why its change is accepted")
    known = resolve(repository, commit) if repository is not None else ""
    if not known and not HASH.fullmatch(commit.lower()):
        raise UsageError(f"{commit} is no commit that git knows here; write {MIN_HASH} or more characters of its hash")
    return Ack(benchmark, known or commit.lower(), reason, _day(until))


def require_on_branch(ack: Ack, repository: Path, branch: str) -> None:
    """Nothing where the changes of ``branch`` may be at the commit of ``ack``.

    Raises:
        UsageError: the repository knows the commit, and it is not one that the branch was.
    """
    with suppress(GitFailed):
        own = branch_of(repository, branch)
        is_elsewhere = resolve(repository, ack.commit) and ack.commit not in first_parents(repository, own)
        if is_elsewhere and not is_shallow(repository):
            raise UsageError(
                f"{ack.commit[:8]} is not on the first-parent line of {own.name}, so its report has no change there; "
                "say the line that has with --branch"
            )


def write_ack(ack: Ack, path: Path) -> None:
    """Add ``ack`` to the file at ``path``, which is made where it is missing.

    Raises:
        UsageError: the change is acknowledged already, or the file cannot be read or written.
    """
    for number, other in enumerate(read_acks(path), start=1):
        is_same_commit = other.commit.startswith(ack.commit) or ack.commit.startswith(other.commit)
        if other.benchmark == ack.benchmark and is_same_commit:
            until = f" until {other.until.isoformat()}" if other.until else ""
            raise UsageError(
                f"{path} acknowledges {ack.benchmark} at {other.commit[:8]} already{until} ([[ack]] number {number}); "
                "change that entry"
            )
    try:
        text = path.read_bytes().decode() if path.exists() else HEADER
        end = "\r\n" if "\r\n" in text else "\n"
        gap = "" if not text or text.endswith("\n") else end
        changed = f"{text}{gap}{end}{end.join(_lines(ack))}{end}"
        _check(changed, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, changed.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _lines(ack: Ack) -> Sequence[str]:
    texts = (("benchmark", ack.benchmark), ("commit", ack.commit), ("reason", ack.reason))
    until = [f"until = {ack.until.isoformat()}"] if ack.until else []
    return ["[[ack]]", *(f"{name} = {toml_string(text)}" for name, text in texts), *until]


def toml_string(text: str) -> str:
    """``text`` as a basic string of TOML on one line; what is no Unicode becomes U+FFFD."""
    known = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}

    def escaped(character: str) -> str:
        if character in known:
            return known[character]
        if "\ud800" <= character <= "\udfff":
            return "\ufffd"
        # Control characters are forbidden; what turns the direction of text would be read as something else.
        return character if character.isprintable() else f"\\U{ord(character):08x}"

    return f'"{"".join(map(escaped, text))}"'


def _check(text: str, path: Path) -> None:
    """That the file can be read as it will be: an array written as ``ack = […]`` takes no further table."""
    try:
        tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"cannot add to {path} ({error}); write its entries as [[ack]] tables") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"--until must be a day like 2026-12-31, not {text!r}") from None
