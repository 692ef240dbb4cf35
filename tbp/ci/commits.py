"""The two commits of a change, in the repository that the job has checked out."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from tbp.ci.change import JobChange
from tbp.errors import UnreadableInput, UsageError
from tbp.model.comparison import ComparedCommit
from tbp.model.series import short_hash
from tbp.project.git import GitFailed, git, is_shallow
from tbp.project.working_tree import judged, left_from

HEAD = "HEAD"
DEEPER = "`fetch-depth: 0` (GitHub) or `GIT_DEPTH: 0` (GitLab)"

Sides: TypeAlias = tuple[ComparedCommit, ComparedCommit]
"""The baseline and the contender."""


def named_commits(repository: Path, base: str, head: str = "") -> Sides:
    """The commits that a workflow names; the base is where the two part. Raises as ``commits_of`` does."""
    contender = judged(repository, head or HEAD)
    return left_from(repository, judged(repository, base), contender), contender


def commits_of(repository: Path, change: JobChange, head: str = "") -> Sides:
    """The base and the head of ``change``, under the names that its readers know.

    The head is ``head``, or what is checked out. If that is the merge which the CI system made, its first parent is the
    base: so later commits of the branch are on both sides. Else the base is where the two part.

    Raises:
        UsageError: the clone lacks the base.
        UnreadableInput: git cannot read the repository.
    """
    contender = judged(repository, head or HEAD)
    named = replace(contender, revision=change.name or contender.revision)
    parents = _parents(repository, contender.commit)
    if change.merge == contender.commit and len(parents) == 2:
        return replace(judged(repository, parents[0]), revision=change.base_name or parents[0]), named
    try:
        tip = judged(repository, change.base)
    except UsageError as error:
        if _is_shallow(repository):
            raise UsageError(f"the clone lacks the base {short_hash(change.base)}: check out with {DEEPER}") from None
        raise error
    tip = replace(tip, revision=change.base_name or change.base)
    return left_from(repository, tip, named), named


def _parents(repository: Path, commit: str) -> list[str]:
    try:
        return git(repository, "rev-list", "--parents", "-n", "1", "--end-of-options", commit).split()[1:]
    except GitFailed as failed:
        raise UnreadableInput(f"{failed}; is the repository whole?") from None


def _is_shallow(repository: Path) -> bool:
    try:
        return is_shallow(repository)
    except GitFailed:
        return False
