"""Commits in the order of the project's history.

Takes the commits that have results, with the dates asv noted, and a git repository. Gives them oldest first with
their subjects. Without a repository, with a shallow one or without git they are in order of date, and a note says so.
Everything a commit message holds is hostile text: it is decoded here and escaped where it is shown.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.git import GitFailed, Question, git, is_shallow
from tbp.history.series import Commit, Tag

WITH_ONE = "with `--config PATH/asv.conf.json` they are in that of its repository, with subjects"

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Commits(Struct, frozen=True):
    """``order`` has each commit with results, oldest first."""

    order: tuple[Commit, ...]
    reachable: frozenset[str] = frozenset()  # hashes in the history of the revision asked for
    history: tuple[str, ...] = ()  # every hash in it, oldest first, measured or not; empty without a repository
    notes: tuple[str, ...] = ()  # sentences: why the order or the subjects may be less than they could be
    tags: tuple[Tag, ...] = ()  # in order of history, then of their names


def read_commits(dates: Mapping[str, datetime], repository: Path | None = None, revision: str = "HEAD") -> Commits:
    """The commits of ``dates`` (hash → date by asv) in the order of the history of ``revision``.

    Along first parents that order is the one in which the branch moved; merged commits come before their merge.
    Commits outside that history take their place by date. Raises nothing: what is missing is said in ``notes``.
    """
    with AskedCommits(repository, revision) as asked:
        asked.ask(dates)
        return asked.commits(dates)


class AskedCommits:
    """What ``read_commits`` gives, as a context. git begins when this is made: that takes as long as its answers."""

    def __init__(self, repository: Path | None, revision: str = "HEAD") -> None:
        self.repository = repository
        self._open = ExitStack()
        if repository is not None:
            self._descriptions = self._open.enter_context(_descriptions(repository))
            self._walk = self._open.enter_context(_walk(repository, revision))
            self._tags = self._open.enter_context(_tags(repository))

    def __enter__(self) -> AskedCommits:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.__exit__(kind, error, at)

    def ask(self, hashes: Iterable[str]) -> None:
        """Ask git of these commits. To be called once, before ``commits``."""
        if self.repository is not None:
            self._descriptions.tell("".join(f"{name}\n" for name in hashes if _HASH.fullmatch(name)))

    def commits(self, dates: Mapping[str, datetime]) -> Commits:
        """Those of ``dates``, which are among the hashes that git was asked for. To be called once."""
        by_date = [Commit(name, date) for name, date in sorted(dates.items(), key=lambda item: (item[1], item[0]))]
        repository = self.repository
        if repository is None:
            note = f"no repository was given: commits are in order of date; {WITH_ONE}"
            return Commits(tuple(by_date), notes=(note,))
        try:
            known = _described(self._descriptions.answer(), dates)
            history, tagged = self._walk.answer().split(), _tagged(self._tags)
            is_whole = len(known) == len(dates) or not is_shallow(repository)
        except GitFailed as failure:
            return Commits(tuple(by_date), notes=(f"{failure}; commits are in order of date, without subjects",))
        rank = {name: place for place, name in enumerate(history)}
        order = _ordered([known.get(commit.hash, commit) for commit in by_date], rank)
        notes = _notes(repository, order, known, rank, is_whole)
        reachable = frozenset(rank.keys() & dates.keys())
        return Commits(order, reachable, tuple(history), notes, _placed(tagged, order, rank))


def resolve(repository: Path, revision: str) -> str:
    """The full hash of the commit that git takes ``revision`` for; empty where git knows none or cannot be asked."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except GitFailed:
        return ""


def ancestors(repository: Path, commit: str) -> list[str]:
    """``commit`` and everything it came from, the nearest first; empty where git cannot be asked."""
    try:
        with _walk(repository, commit) as walk:
            return walk.answer().split()[::-1]
    except GitFailed:
        return []


def _notes(
    repository: Path, order: tuple[Commit, ...], known: Mapping[str, Commit], rank: Mapping[str, int], is_whole: bool
) -> tuple[str, ...]:
    missing = sum(commit.hash not in known for commit in order)
    aside = sum(commit.hash in known and commit.hash not in rank for commit in order)
    notes = []
    if missing:
        remedy = "run `git fetch` in it, or pass the right one" if is_whole else "run `git fetch --unshallow` in it"
        kind = "repository" if is_whole else "shallow repository"
        notes.append(f"the {kind} {repository} lacks {missing} of {len(order)} commits, placed by date: {remedy}")
    if aside:
        notes.append(f"{aside} commits with results are not in the history of this branch; they are placed by date")
    return tuple(notes)


def _ordered(commits: Iterable[Commit], rank: Mapping[str, int]) -> tuple[Commit, ...]:
    """By place in history; a commit outside it goes before the first one in history that is younger.

    Dates in a history may run backwards (rebased, wrong clock), so each counts as no older than its predecessors.
    """
    commits = list(commits)
    inside = sorted((c for c in commits if c.hash in rank), key=lambda c: rank[c.hash])
    keys: dict[str, tuple[datetime, int, str]] = {}
    latest = datetime.min.replace(tzinfo=UTC)
    for commit in inside:
        latest = max(latest, commit.date)
        keys[commit.hash] = (latest, rank[commit.hash], commit.hash)
    return tuple(sorted(commits, key=lambda c: keys.get(c.hash, (c.date, len(rank), c.hash))))


def _descriptions(repository: Path) -> Question:
    """Hash, date and subject of those commits that git is told and that the repository has."""
    return Question(
        repository, "log", "--no-walk=unsorted", "--ignore-missing", "--stdin", "-z", "--no-show-signature",
        "--encoding=UTF-8", "--format=%H%x00%ct%x00%s", stdin=None,
    )  # fmt: skip


def _described(answer: str, dates: Mapping[str, datetime]) -> dict[str, Commit]:
    """Those commits with their subject and date."""
    fields = answer.split("\0")
    known = {}
    for name, seconds, subject in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        if name not in dates:  # git says the newest where none is asked for, and the commit that a tag names
            continue
        commit = Commit(name, dates[name], subject)
        with suppress(ValueError, OverflowError, OSError):  # a date beyond the calendar: asv's is kept
            commit = replace(commit, date=datetime.fromtimestamp(int(seconds), UTC))
        known[name] = commit
    return known


def _tags(repository: Path) -> Question:
    # An annotated tag is an object of its own: the starred fields are those of what it names.
    form = "%(refname:strip=2)%00%(if:equals=commit)%(objecttype)%(then)%(objectname)%(else)%(*objectname)%(end)"
    return Question(repository, "for-each-ref", "refs/tags", f"--format={form}")


def _tagged(tags: Question) -> list[tuple[str, str]]:
    """(name, hash of the commit it names) of every tag; one of a file or a folder has an empty hash."""
    return [(name, commit) for name, _, commit in (line.partition("\0") for line in tags.answer().splitlines())]


def _placed(tagged: Iterable[tuple[str, str]], order: tuple[Commit, ...], rank: Mapping[str, int]) -> tuple[Tag, ...]:
    """Each tag at the first commit with results that is no older than it; one beyond the newest result has no place."""
    place = {commit.hash: index for index, commit in enumerate(order)}
    inside = sorted((rank[commit.hash], commit.hash) for commit in order if commit.hash in rank)
    found = []
    for name, commit in tagged:
        if commit in place:
            found.append(Tag(name, commit))
        elif commit in rank:
            following = bisect_left(inside, (rank[commit], ""))
            if following < len(inside):
                found.append(Tag(name, inside[following][1], is_exact=False))
    return tuple(sorted(found, key=lambda tag: (place[tag.commit], tag.name)))


def _walk(repository: Path, revision: str) -> Question:
    """Every commit reachable from ``revision``, parents before children; first parents in an unbroken order."""
    return Question(repository, "rev-list", "--topo-order", "--reverse", "--end-of-options", revision, "--")
