"""The git repository around a folder: its top, its branch, and the site that hosts it. Only git is run."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from tbp.errors import UnreadableInput, UsageError
from tbp.project.branch import branch_of, resolve
from tbp.project.git import GitFailed, GitMissing, git, is_shallow, top_of

# The address of a remote, as https or ssh: host and path. A name or a password before the host is left out.
_REMOTE = re.compile(r"(?:\w+://)?(?:[^@/\s]+@)?([\w.-]+)(?::\d+)?[:/]/?([\w.~-]+(?:/[\w.~-]+)+?)(?:\.git)?/?")


class Surroundings(Struct, frozen=True):
    """A folder with its repository."""

    folder: Path  # where the project's files are
    top: Path  # of the working tree
    branch: str  # the default branch
    commit: str  # of HEAD, in full
    web: str = ""  # https://github.com/owner/name, of the remote called origin
    host: str = ""  # "github" or "gitlab"; empty for none or another
    notes: tuple[str, ...] = ()

    @property
    def subfolder(self) -> str:
        """The path from the top of the repository to the folder; empty where they are the same."""
        below = self.folder.relative_to(self.top).as_posix()
        return "" if below == "." else below


def surroundings(folder: Path) -> Surroundings:
    """The repository around ``folder``.

    Raises:
        UsageError: there is none, it has no working tree, or no commit.
        UnreadableInput: git is missing, or refuses it.
    """
    folder = folder.resolve()
    try:
        top = _top(folder)
        commit = resolve(top, "HEAD")
        if not commit:
            raise UsageError(
                f"{top} has no commit yet, and tbp measures commits: run `git add --all` and `git commit`, "
                "then `tbp init` again"
            )
        branch = branch_of(top).name
        notes = _notes(top, branch)
    except GitFailed as failed:
        raise UnreadableInput(f"{failed}; correct that, and run `tbp init` again") from None
    web = _web(top)
    return Surroundings(folder, top, branch, commit, web, _host(top, web), notes)


def _top(folder: Path) -> Path:
    try:
        inside = git(folder, "rev-parse", "--is-inside-work-tree").strip()
    except GitMissing:
        raise
    except GitFailed as failed:
        if "not a git repository" not in str(failed):
            raise
        raise UsageError(
            f"{folder} is in no git repository, and tbp measures commits: run `git init`, commit your project, "
            "then run `tbp init` again"
        ) from None
    if inside != "true":
        raise UsageError(f"{folder} has no working tree (a bare repository?): run `tbp init` in a clone of it")
    return top_of(folder)


def _notes(top: Path, branch: str) -> tuple[str, ...]:
    notes = []
    if is_shallow(top):
        notes.append(
            "the clone is shallow: `git fetch --unshallow` brings the older commits, which have to be measured"
        )
    try:
        git(top, "symbolic-ref", "--quiet", "HEAD")
    except GitFailed:
        follow = f"the series follow {branch}" if branch != "HEAD" else "set branches in asv.conf.json to your branch"
        notes.append(f"HEAD is on no branch: {follow}")
    return tuple(notes)


def _web(top: Path) -> str:
    try:
        address = git(top, "config", "--get", "remote.origin.url").strip()
    except GitFailed:
        return ""
    remote = _REMOTE.fullmatch(address)
    is_site = remote is not None and ("github" in remote[1] or "gitlab" in remote[1])
    return f"https://{remote[1]}/{remote[2]}" if remote is not None and is_site else ""


def _host(top: Path, web: str) -> str:
    """The site whose CI the repository has; else the one that hosts it."""
    if (top / ".github" / "workflows").is_dir():
        return "github"
    if (top / ".gitlab-ci.yml").exists():
        return "gitlab"
    return next((name for name in ("github", "gitlab") if name in web.partition("//")[2].partition("/")[0]), "")
