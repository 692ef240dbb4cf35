"""The commits along first parents from one commit to a later one: the line that a bisection searches.

Takes a repository and two commits, gives the commits oldest first. Subjects and authors are hostile text: they are
decoded here and escaped where they are shown.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from tbp.errors import UnreadableInput, UsageError
from tbp.model.comparison import ComparedCommit
from tbp.model.series import short_hash
from tbp.project.git import GitFailed, git, is_shallow

SHALLOW = "the clone is shallow, `git fetch --unshallow` brings the older commits"


class LineCommit(Struct, frozen=True):
    """A commit of a line."""

    commit: str  # full hash
    parents: tuple[str, ...] = ()
    author: str = ""
    date: str = ""  # as the author has it, ISO 8601
    subject: str = ""

    @property
    def is_merge(self) -> bool:
        return len(self.parents) > 1


def first_parents(repository: Path, good: ComparedCommit, bad: ComparedCommit) -> tuple[LineCommit, ...]:
    """The first-parent line that ends in ``bad``; it begins with ``good``, or where ``good`` left that line.

    Raises:
        UsageError: no line leads from one to the other; the message says why.
        UnreadableInput: git cannot read the repository.
    """
    if good.commit == bad.commit:
        raise UsageError(f"{good.revision} and {bad.revision} are the same commit: no commit lies between them")
    try:
        commits = _logged(repository, "--first-parent", "--reverse", f"{good.commit}..{bad.commit}")
        if not commits:
            raise UsageError(
                f"{bad.revision} is an ancestor of {good.revision}: name the earlier commit first, as GOOD; "
                "of an improvement too"
            )
        if not commits[0].parents:
            why = SHALLOW if is_shallow(repository) else "the two have no history in common"
            raise UsageError(f"no line of commits leads from {good.revision} to {bad.revision}: {why}")
        return (*_logged(repository, "-1", commits[0].parents[0]), *commits)
    except GitFailed as failed:
        raise UnreadableInput(f"{failed}; is repo in asv.conf.json the repository of these commits?") from None


def merged_line(repository: Path, merge: LineCommit) -> tuple[ComparedCommit, ComparedCommit] | None:
    """The two ends of what ``merge`` brought in: where its second parent left the line, and that parent.

    None where it brought nothing, or more than one line.
    """
    if len(merge.parents) != 2:
        return None
    first, second = merge.parents
    try:
        base = git(repository, "merge-base", "--end-of-options", first, second).strip()
    except GitFailed:
        return None
    if base == second:
        return None
    return ComparedCommit(short_hash(base), base), ComparedCommit(short_hash(second), second)


def _logged(repository: Path, *selection: str) -> tuple[LineCommit, ...]:
    answer = git(
        repository, "log", "-z", "--no-show-signature", "--encoding=UTF-8", "--format=%H%n%P%n%an%n%aI%n%s",
        *selection, "--",
    )  # fmt: skip
    return tuple(_commit(entry) for entry in answer.split("\0") if entry)


def _commit(entry: str) -> LineCommit:
    commit, parents, author, date, subject = (entry.split("\n", 4) + [""] * 5)[:5]
    return LineCommit(commit, tuple(parents.split()), author, date, subject.rstrip("\n"))
