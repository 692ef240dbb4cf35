"""The commit that a revision means, also for ``.``, the working tree as it is now, and where two lines part.

The working tree becomes a commit on no branch, which asv can check out as any other. Nothing that a user sees of the
repository changes (no branch, no index, no stash), and git's housekeeping removes the commit some day. Equal content
gives an equal hash, so a second gate finds it installed.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from tbp.errors import UnreadableInput, UsageError
from tbp.model.comparison import ComparedCommit
from tbp.project.git import IDENTITY, GitFailed, GitMissing, git, is_shallow, top_of
from tbp.system.children import temporary_folder

WORKING_TREE = "."
NO_REVISION = "Needed a single revision"


def judged(repository: Path, revision: str) -> ComparedCommit:
    """The commit that ``revision`` means, with its subject.

    Raises:
        UsageError: there is no such commit.
        UnreadableInput: git cannot read the repository or its working tree.
    """
    try:
        commit = _snapshot(repository) if revision == WORKING_TREE else _commit(repository, revision)
        subject = git(repository, "log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%s", commit).strip()
    except GitMissing as failed:
        raise UnreadableInput(str(failed)) from None
    except GitFailed as failed:
        raise UnreadableInput(f"{failed}; is repo in asv.conf.json a git repository with a working tree?") from None
    return ComparedCommit(revision, commit, subject)


def left_from(repository: Path, baseline: ComparedCommit, contender: ComparedCommit) -> ComparedCommit:
    """The commit from which the lines of ``baseline`` and ``contender`` part: git's merge base.

    It is ``baseline`` itself where one is an ancestor of the other, or where git knows no commit that both have.
    """
    try:
        base = git(repository, "merge-base", "--end-of-options", baseline.commit, contender.commit).strip()
    except GitFailed:
        return baseline
    if base in (baseline.commit, contender.commit):
        return baseline
    return replace(judged(repository, base), revision=f"merge base of {baseline.revision} and {contender.revision}")


def _commit(repository: Path, revision: str) -> str:
    try:
        return git(repository, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()
    except GitMissing:
        raise
    except GitFailed as failed:
        # Git's "Needed a single revision" says no more than this.
        why = "" if NO_REVISION in str(failed) else f" ({failed})"
        raise UsageError(f"{revision!r} names no commit{why}: {_remedy(repository)}") from None


def _remedy(repository: Path) -> str:
    with suppress(GitFailed):
        if is_shallow(repository):
            return "the clone is shallow, `git fetch --unshallow` brings the older commits"
    return "`git log --oneline` lists the commits there are"


def _snapshot(repository: Path) -> str:
    """The hash of HEAD where nothing differs from it, else of a commit of every file that git does not ignore."""
    head = _commit(repository, "HEAD")
    top = top_of(repository)
    index = Path(git(repository, "rev-parse", "--path-format=absolute", "--git-path", "index").strip())
    with temporary_folder() as folder:
        copy = folder / "index"
        if index.exists():
            # So that git need not read every file again; with its time, by which git knows which files it must read.
            shutil.copy2(index, copy)
        variables = {"GIT_INDEX_FILE": str(copy)}
        git(top, "add", "--all", variables=variables)
        tree = git(top, "write-tree", variables=variables).strip()
    if tree == git(repository, "rev-parse", f"{head}^{{tree}}").strip():
        return head
    date = git(repository, "log", "-1", "--no-show-signature", "--format=%cI", head).strip()
    author = IDENTITY | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    return git(repository, "commit-tree", tree, "-p", head, "-m", "the working tree", variables=author).strip()
