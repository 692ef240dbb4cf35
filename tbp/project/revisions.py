"""Revisions and patterns of the command line → a stored commit, and a test that finds benchmarks.

Takes hashes and names, gives one hash or a test; reading results and sessions is left to the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from tbp.errors import UsageError
from tbp.project.branch import resolve
from tbp.project.commits import ancestors

# Git's own minimum: a shorter prefix fits too many commits.
MIN_PREFIX = 4
NEAREST = 3  # stored commits that a message names when the wanted one is missing

Parameters: TypeAlias = tuple[tuple[str, str], ...]


def stored_commit(stored: Sequence[str], repository: Path | None, revision: str, record: str = "result") -> str:
    """The hash of ``stored``, newest first, that ``revision`` means to git, else the hash that begins with it.

    ``record`` names in messages what is stored of a commit.

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
        which = f"the nearest before it: {_short(nearest)}" if nearest else f"stored are {_short(stored)}"
        raise UsageError(
            f"{revision} ({known[:8]}) has no stored {record}; run `asv run {revision}^!`, or take {which}"
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


def bench_filter(patterns: Sequence[str]) -> Callable[[str, Parameters], bool]:
    """Whether one of the patterns finds a benchmark, as ``asv run --bench`` does: by name and parameters.

    Raises:
        UsageError: one of them is no regular expression.
    """
    try:
        compiled = [re.compile(pattern) for pattern in patterns]
    except re.error as error:
        raise UsageError(f"--bench {error.pattern!r} is no regular expression: {error}") from None

    def is_wanted(benchmark: str, parameters: Parameters) -> bool:
        name = f"{benchmark}({', '.join(value for _, value in parameters)})"
        return not compiled or any(pattern.search(name) for pattern in compiled)

    return is_wanted


def _short(hashes: Sequence[str]) -> str:
    """The first hashes, each of eight characters, and how many there are beyond them."""
    more = f" and {len(hashes) - NEAREST} more" if len(hashes) > NEAREST else ""
    return ", ".join(commit[:8] for commit in hashes[:NEAREST]) + more
