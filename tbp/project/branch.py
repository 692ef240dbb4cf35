"""Which branch the series follow: the one that asv.conf.json names, or the repository's default branch.

Takes a repository and a name, gives the branch with its newest commit, whatever is checked out. docs/verdict.md tells
the order in which a default branch is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tbp.errors import UsageError
from tbp.project.git import GitFailed, git

MOST_NAMED = 5  # branches that are there, named where the one asked for is not
_LOCAL, _ORIGIN = "refs/heads/", "refs/remotes/origin/"


class Branch(NamedTuple):
    """A branch; of a revision that is none, the line that ends there."""

    name: str  # as the user knows it, without "origin/"
    commit: str  # full hash of the newest one


class _Reference(NamedTuple):
    commit: str
    target: str  # the reference that it stands for; empty for most


def branch_of(repository: Path, name: str = "") -> Branch:
    """The branch ``name``, or any other revision that git knows by it; the default branch where it is empty.

    A branch that is here and at origin is the one of the two that is further on: results may be of commits that were
    fetched and not merged.

    Raises:
        UsageError: the repository has commits, and none that ``name`` means.
        GitFailed: git cannot be asked, or the repository has no commit.
    """
    references = _references(repository)
    name = name or next(_defaults(repository, references))
    here, there = (references.get(f"{prefix}{name}") for prefix in (_LOCAL, _ORIGIN))
    if here is not None and there is not None:
        return Branch(name, there.commit if _is_ancestor(repository, here.commit, there.commit) else here.commit)
    if (only := here or there) is not None:
        return Branch(name, only.commit)
    if known := resolve(repository, name):
        return Branch(name, known)
    if not references and not resolve(repository, "HEAD"):
        raise GitFailed(f"the repository {repository} has no commit")
    raise UsageError(_missing(repository, name, references))


def first_parents(repository: Path, branch: Branch) -> list[str]:
    """The commits of ``branch`` along first parents, newest first: each is what the branch was at some time.

    Raises:
        GitFailed: git cannot be asked.
    """
    return git(repository, "rev-list", "--first-parent", branch.commit, "--").split()


def resolve(repository: Path, revision: str) -> str:
    """The full hash of the commit that git takes ``revision`` for; empty where git knows none or cannot be asked."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except GitFailed:
        return ""


def _references(repository: Path) -> dict[str, _Reference]:
    form = "%(refname)%00%(objectname)%00%(symref)"
    lines = git(repository, "for-each-ref", f"--format={form}", _LOCAL, _ORIGIN).splitlines()
    fields = (line.split("\0") for line in lines)
    return {name: _Reference(commit, target) for name, commit, target in fields}


def _defaults(repository: Path, references: Mapping[str, _Reference]) -> Iterator[str]:
    """Names of branches that may be the default one, the likeliest first; the last one is "HEAD"."""
    origin = references.get(f"{_ORIGIN}HEAD")
    if origin is not None and origin.target.startswith(_ORIGIN):
        yield origin.target.removeprefix(_ORIGIN)
    head = _said(repository, "symbolic-ref", "--quiet", "HEAD").removeprefix(_LOCAL)
    if head and _said(repository, "rev-parse", "--is-bare-repository") == "true":
        yield head
    # asv's own default is the first of these, or else master.
    for name in (_said(repository, "config", "--get", "init.defaultBranch"), "main", "master"):
        if name and not references.keys().isdisjoint((f"{_LOCAL}{name}", f"{_ORIGIN}{name}")):
            yield name
    yield head if f"{_LOCAL}{head}" in references else "HEAD"


def _said(repository: Path, *arguments: str) -> str:
    """The output of git; empty where it has none and where it fails, as it does where something is not set."""
    try:
        return git(repository, *arguments).strip()
    except GitFailed:
        return ""


def _is_ancestor(repository: Path, old: str, new: str) -> bool:
    if old == new:
        return True
    try:
        git(repository, "merge-base", "--is-ancestor", old, new)
    except GitFailed:  # its exit code says no
        return False
    return True


def _missing(repository: Path, name: str, references: Mapping[str, _Reference]) -> str:
    short = (reference.removeprefix(_LOCAL).removeprefix(_ORIGIN) for reference in references)
    names = sorted(set(short) - {"HEAD"})
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    there = f" It has {', '.join(names[:MOST_NAMED])}{more}." if names else ""
    fetched = name.removeprefix("origin/")
    return (
        f"the repository {repository} has no branch {name}, which the series would follow: run "
        f"`git fetch origin {fetched}:{fetched}` in it, correct branches in asv.conf.json, or say --branch.{there}"
    )
