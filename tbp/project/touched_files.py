"""The files that commits touch: one call of git for all commits.

Takes hashes and a repository, gives paths. ``tbp.history.touching`` decides which of them matter to an event. Names
are hostile text: they are decoded here and escaped where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from tbp.project.git import HASH, GitFailed, git

# Of more commits only the first are looked up: a large report must not wait for git longer than for its own work.
MOST_LOOKED_UP = 1000


def touched(repository: Path, hashes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The paths that each commit touches, by its hash; a merge touches what it brings to its first parent.

    Left out are commits without parents (the first one, or the end of a shallow clone), which would touch everything,
    and commits that git does not have. Where git fails, the result is empty.
    """
    wanted = dict.fromkeys(
        islice(filter(HASH.fullmatch, dict.fromkeys(hashes)), MOST_LOOKED_UP)
    )  # a set that keeps its order
    if not wanted:
        return {}
    try:
        answer = git(
            repository, "log", "--no-walk=unsorted", "--ignore-missing", "--stdin", "-z", "-m", "--first-parent",
            "--name-only", "--no-renames", "--no-show-signature", "--format=%x00%H %P",
            stdin="".join(f"{commit_hash}\n" for commit_hash in wanted),
        )  # fmt: skip
    except GitFailed:
        return {}
    return {commit_hash: tuple(paths) for commit_hash, paths in _parsed(answer).items() if commit_hash in wanted}


def _parsed(answer: str) -> dict[str, list[str]]:
    """The paths by hash. For each commit git prints an empty field, "hash parents", and its paths.

    The first path begins with a new line. No path is empty, so an empty field ends the paths of a commit.
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
