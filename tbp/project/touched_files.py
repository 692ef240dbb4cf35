"""The files that commits touch, as git has them: asked once for all commits that matter.

Takes hashes and a repository, gives paths. Which of them matter to an event is decided in ``tbp.history.touching``.
Names are hostile text: they are decoded here and escaped where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tbp.project.git import GitFailed, git

# Commits asked for, the first ones: a large report must not wait for git much longer than for its own work.
MOST_ASKED = 1000


def touched(repository: Path, hashes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The paths that each commit touches, by its hash; a merge touches what it brings to its first parent.

    A commit without parents is left out, be it the project's first or where a shallow clone ends: it would touch
    everything. So is one that git does not have; where git cannot be asked, so are all.
    """
    asked_for = list(dict.fromkeys(hashes))[:MOST_ASKED]
    if not asked_for:
        return {}
    try:
        answer = git(
            repository, "log", "--no-walk=unsorted", "--ignore-missing", "--stdin", "-z", "-m", "--first-parent",
            "--name-only", "--no-renames", "--no-show-signature", "--format=%x00%H %P",
            stdin="".join(f"{commit_hash}\n" for commit_hash in asked_for),
        )  # fmt: skip
    except GitFailed:
        return {}
    wanted = set(asked_for)
    return {commit_hash: tuple(paths) for commit_hash, paths in _parsed(answer).items() if commit_hash in wanted}


def _parsed(answer: str) -> dict[str, list[str]]:
    """The paths by hash from an empty field, hash and parents, paths of which the first begins a new line; and so on.

    No path is empty, so an empty field ends the paths of a commit.
    """
    paths_of: dict[str, list[str]] = {}
    paths: list[str] | None = None
    for field in answer.split("\0"):
        if not field:
            paths = None
        elif paths is None:
            commit_hash, *parents = field.split()
            paths = paths_of.setdefault(commit_hash, []) if parents else []
        else:
            paths.append(field if paths else field.removeprefix("\n"))
    return paths_of
