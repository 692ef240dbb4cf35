"""A revision that a user names on the command line → the hash of a stored commit.

Takes the hashes of stored commits and a revision, gives one of the hashes; reading results is left to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tbp.errors import UsageError
from tbp.model.series import short_hash
from tbp.project.branch import resolve
from tbp.project.commits import ancestors

# Git's own minimum: a shorter prefix fits too many commits.
MIN_PREFIX = 4
NEAREST = 3  # stored commits that a message names when the wanted one is missing


def stored_commit(stored: Sequence[str], repository: Path | None, revision: str, kind: str = "result") -> str:
    """The hash of ``stored``, newest first, that ``revision`` means to git, else the hash that begins with it.

    ``kind`` names in messages what is stored of a commit.

    Raises:
        UsageError: no hash fits, or more than one; the message names the nearest.
    """
    known = resolve(repository, revision) if repository is not None else ""
    if known in stored:
        return known
    # Results may be of commits that this repository lacks.
    matches = (
        [commit for commit in stored if commit.startswith(revision.lower())] if len(revision) >= MIN_PREFIX else []
    )
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(f"{revision} begins {len(matches)} stored commits ({_short(matches)}): add characters")
    if known and repository is not None:
        among = set(stored)
        nearest = [commit for commit in ancestors(repository, known) if commit in among]
        which = f"the nearest before it: {_short(nearest)}" if nearest else f"one that is stored: {_short(stored)}"
        raise UsageError(
            f"{revision} ({short_hash(known)}) has no stored {kind}; run `asv run {revision}^!`, or take {which}"
        )
    raise UsageError(
        f"{revision} names no stored commit; stored are {_short(stored)}: write {MIN_PREFIX} or more characters of a "
        f"hash, or run `asv run {revision}^!` in a repository that has it"
    )


def base_commit(stored: Sequence[str], repository: Path | None, revision: str) -> str:
    """The hash of ``stored``, newest first, that stands for ``revision``: itself, or its nearest ancestor there.

    Raises:
        UsageError: there is none, or ``revision`` names more than one commit.
    """
    known = resolve(repository, revision) if repository is not None else ""
    if known and known not in stored and repository is not None:
        among = set(stored)
        nearest = next((commit for commit in ancestors(repository, known) if commit in among), "")
        if nearest:
            return nearest
    return stored_commit(stored, repository, revision)


def _short(hashes: Sequence[str]) -> str:
    """The first hashes, each of eight characters, and how many there are beyond them."""
    more = f" and {len(hashes) - NEAREST} more" if len(hashes) > NEAREST else ""
    return ", ".join(short_hash(commit) for commit in hashes[:NEAREST]) + more
