"""The branch that the series follow: the one that asv.conf.json names, or the repository's default branch.

Takes a repository and a name, gives the branch with its newest commit, whatever is checked out.
docs/explanation/series.md has the order in which a default branch is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from tbp.errors import UsageError
from tbp.project.git import GitFailed, git, lines_of

MOST_NAMED = 5  # existing branches that a message names when the wanted one is missing
_LOCAL, _ORIGIN = "refs/heads/", "refs/remotes/origin/"


class Branch(Struct, frozen=True):
    """A branch, or for a tag or hash the line of commits that ends there."""

    name: str  # as the user knows it, without "origin/"
    commit: str  # full hash of the newest commit


class _Reference(Struct, frozen=True):
    commit: str
    target: str  # the reference that a symbolic one stands for; else empty


def branch_of(repository: Path, name: str = "") -> Branch:
    """The branch ``name``, or any other revision of that name; the default branch where ``name`` is empty.

    Of a local branch and the one at origin, the one with more commits counts: results may be of commits that were
    fetched and not merged.

    Raises:
        UsageError: the repository has commits, but none called ``name``.
        GitFailed: git fails, or the repository has no commit.
    """
    references = _references(repository)
    name = name or next(_defaults(repository, references))
    local, origin = (references.get(f"{prefix}{name}") for prefix in (_LOCAL, _ORIGIN))
    if local is not None and origin is not None:
        return Branch(name, origin.commit if _is_ancestor(repository, local.commit, origin.commit) else local.commit)
    if (only := local or origin) is not None:
        return Branch(name, only.commit)
    if known := resolve(repository, name):
        return Branch(name, known)
    if not references and not resolve(repository, "HEAD"):
        raise GitFailed(f"the repository {repository} has no commit")
    raise UsageError(_missing(repository, name, references))


def first_parents(repository: Path, branch: Branch) -> list[str]:
    """The commits of ``branch`` along first parents, newest first: each was its tip at some time. Raises GitFailed."""
    return git(repository, "rev-list", "--first-parent", branch.commit, "--").split()


def resolve(repository: Path, revision: str) -> str:
    """The full hash of the commit that ``revision`` names; empty where there is none or git fails."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except GitFailed:
        return ""


def branch_names(repository: Path) -> list[str]:
    """The branches here and at origin, by name and without "origin/". Raises GitFailed."""
    return _names(_references(repository))


def _names(references: Iterable[str]) -> list[str]:
    short = (reference.removeprefix(_LOCAL).removeprefix(_ORIGIN) for reference in references)
    return sorted(set(short) - {"HEAD"})


def _references(repository: Path) -> dict[str, _Reference]:
    form = "%(refname)%00%(objectname)%00%(symref)"
    lines = lines_of(git(repository, "for-each-ref", f"--format={form}", _LOCAL, _ORIGIN))
    fields = (line.split("\0") for line in lines)
    return {name: _Reference(commit, target) for name, commit, target in fields}


def _defaults(repository: Path, references: Mapping[str, _Reference]) -> Iterator[str]:
    """Names that the default branch may have, the likeliest first; "HEAD" comes last."""
    origin = references.get(f"{_ORIGIN}HEAD")
    if origin is not None and origin.target.startswith(_ORIGIN):
        yield origin.target.removeprefix(_ORIGIN)
    head = _output(repository, "symbolic-ref", "--quiet", "HEAD").removeprefix(_LOCAL)
    if head and _output(repository, "rev-parse", "--is-bare-repository") == "true":
        yield head
    # asv's own default is the first of these, or else master.
    for name in (_output(repository, "config", "--get", "init.defaultBranch"), "main", "master"):
        if name and not references.keys().isdisjoint((f"{_LOCAL}{name}", f"{_ORIGIN}{name}")):
            yield name
    yield head if f"{_LOCAL}{head}" in references else "HEAD"


def _output(repository: Path, *arguments: str) -> str:
    """The output of git; empty where git fails, as ``git config --get`` does for a key that is not set."""
    try:
        return git(repository, *arguments).strip()
    except GitFailed:
        return ""


def _is_ancestor(repository: Path, old: str, new: str) -> bool:
    if old == new:
        return True
    try:
        git(repository, "merge-base", "--is-ancestor", old, new)
    except GitFailed:  # exit status 1: no ancestor
        return False
    return True


def _missing(repository: Path, name: str, references: Mapping[str, _Reference]) -> str:
    names = _names(references)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    existing = f" It has {', '.join(names[:MOST_NAMED])}{more}." if names else ""
    fetched = name.removeprefix("origin/")
    return (
        f"the repository {repository} has no branch {name} for the series to follow. Run "
        f"`git fetch origin {fetched}:{fetched}` in it, correct `branches` in asv.conf.json, or name a branch with "
        f"--branch.{existing}"
    )
