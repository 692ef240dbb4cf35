"""Which files commits touch, as git has it: asked once for all commits that somebody wants to know of.

Takes hashes and a repository, gives paths. Which of them matter to an event is decided in ``tbp.history.touching``.
Names are hostile text: they are decoded here and escaped where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tbp.asv.git import GitFailed, git

MOST_ASKED = 1000
"""Commits asked for, the first ones: git takes about a second for as many in a large project."""


def touched(repository: Path, hashes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The paths that each commit touches, by its hash; a merge touches what it brings to its first parent.

    A commit without parents is left out, be it the project's first or where a shallow clone ends: it would touch
    everything. So is one that git does not have; where git cannot be asked, so are all.
    """
    asked = list(dict.fromkeys(hashes))[:MOST_ASKED]
    if not asked:
        return {}
    try:
        answer = git(
            repository, "log", "--no-walk=unsorted", "--ignore-missing", "--stdin", "-z", "-m", "--first-parent",
            "--name-only", "--no-renames", "--no-show-signature", "--format=%x00%H %P",
            stdin="".join(f"{name}\n" for name in asked),
        )  # fmt: skip
    except GitFailed:
        return {}
    wanted = set(asked)
    return {name: paths for name, paths in _parsed(answer).items() if name in wanted}


def _parsed(answer: str) -> dict[str, tuple[str, ...]]:
    """An empty field, then hash and parents, then paths, of which the first begins in a new line; and so on."""
    found: dict[str, list[str]] = {}
    paths: list[str] | None = None
    for part in answer.split("\0"):
        if not part:
            paths = None
        elif paths is None:
            name, *parents = part.split()
            paths = found.setdefault(name, []) if parents else []
        else:
            paths.append(part if paths else part.removeprefix("\n"))
    return {name: tuple(own) for name, own in found.items()}
