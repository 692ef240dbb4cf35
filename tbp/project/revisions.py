"""What a user names on the command line → what is stored: a commit, and the benchmarks a pattern finds.

Takes hashes and names, gives one hash or a test; reading results and sessions is left to others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from tbp.errors import UsageError
from tbp.project.branch import resolve
from tbp.project.commits import ancestors

# Shorter ones name too many commits: git's own least.
MIN_PREFIX = 4
NEAREST = 3  # stored commits named where the one asked for is not

Parameters: TypeAlias = tuple[tuple[str, str], ...]


def stored_commit(stored: Sequence[str], repository: Path | None, revision: str, what: str = "result") -> str:
    """The one of ``stored``, newest first, that ``revision`` means: as git says, else the one whose hash begins so.

    Raises:
        UsageError: there is none, or more than one; the message names the nearest. ``what`` is what they have stored.
    """
    known = resolve(repository, revision) if repository is not None else ""
    if known in stored:
        return known
    # Results may be of commits that this repository lacks.
    matches = [own for own in stored if own.startswith(revision.lower())] if len(revision) >= MIN_PREFIX else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(f"{revision} begins {len(matches)} stored commits ({_short(matches)}): write more of it")
    if known and repository is not None:
        among = set(stored)
        nearest = [own for own in ancestors(repository, known) if own in among]
        which = f"the nearest before it: {_short(nearest)}" if nearest else f"stored are {_short(stored)}"
        raise UsageError(f"{revision} ({known[:8]}) has no stored {what}; run `asv run {revision}^!`, or take {which}")
    raise UsageError(
        f"{revision} names no stored commit; stored are {_short(stored)}: write {MIN_PREFIX} or more characters of a "
        f"hash, or run `asv run {revision}^!` in a repository that knows it"
    )


def base_commit(stored: Sequence[str], repository: Path | None, revision: str) -> str:
    """The one of ``stored``, newest first, that says what was so at ``revision``: its own, or the nearest before it.

    Raises:
        UsageError: there is none, or ``revision`` names more than one.
    """
    known = resolve(repository, revision) if repository is not None else ""
    if known and known not in stored and repository is not None:
        among = set(stored)
        nearest = next((own for own in ancestors(repository, known) if own in among), "")
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
    """Some hashes, as short as git shows them."""
    more = f" and {len(hashes) - NEAREST} more" if len(hashes) > NEAREST else ""
    return ", ".join(own[:8] for own in hashes[:NEAREST]) + more
