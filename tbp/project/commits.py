"""Commits in the order of the branch, and those beside it on lines of their own.

Takes the commits that have results, with the dates asv noted, and a git repository. Gives those of the branch oldest
first with their subjects and authors: along first parents, each of which was the branch at some time. Without a
repository, with a shallow one or without git they are in order of date, and a note says so. Everything a commit message
holds is hostile text: it is decoded here and escaped where it is shown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tbp.model.series import Commit, Line, Tag
from tbp.project.branch import Branch, branch_of
from tbp.project.git import HASH, GitFailed, git, is_shallow, lines_of
from tbp.project.lines import Beside, compared, lines_beside

WITH_ONE = "with `--config PATH/asv.conf.json` they are in that of its repository, with subjects and authors"
GONE = "not in the repository"  # the line of commits that a whole one lacks: it has all that the branch was
MOST_LINES = 3  # named in a note
MOST_DESCRIBED = 1000  # commits looked up beside those with results: a report must not wait for git
MOST_NAMED = 500  # lines named by their branches, the longest: more would not fit a command line

# Each entry is five fields, each ended by a NUL. Tags are the only names that are wanted beside the commits.
_LOG = (
    "log", "-z", "--no-show-signature", "--encoding=UTF-8", "--decorate=short", "--decorate-refs=refs/tags/*",
    "--format=%H%x00%ct%x00%s%x00%an%x00%D",
)  # fmt: skip


class Commits(Struct, frozen=True):
    """The commits with results: those that make a series, and those beside the branch.

    Without a repository all of them make a series; of a shallow one those that it does not know do, too, by their date.
    """

    order: tuple[Commit, ...]  # that make a series, oldest first
    history: tuple[str, ...] = ()  # every hash of the branch, oldest first, measured or not; empty without a repository
    notes: tuple[str, ...] = ()  # sentences: why the order or the subjects may be less than they could be
    tags: tuple[Tag, ...] = ()  # in order of history, then of their names; those of other lines come last
    branch: str = ""  # its name; empty without a repository
    lines: tuple[Line, ...] = ()  # the commits with results that are not on the branch, the longest line first

    def compared(self, baseline: str, contender: str) -> tuple[Commit, ...]:
        """Returns the commits whose runs decide a comparison of two: ``tbp.project.lines.compared``."""
        return compared(baseline, contender, self.order, self.lines)

    def line(self, commit: str) -> str:
        """Returns the name of the line that a commit with results is on; the branch's for one that makes the series."""
        on_line = (line.name for line in self.lines if any(member.hash == commit for member in line.commits))
        return next(on_line, self.branch)


def read_commits(
    dates: Mapping[str, datetime], repository: Path | None = None, branch: str = "", config: Path | None = None
) -> Commits:
    """Returns the commits of ``dates`` (hash → date by asv) in the order of ``branch``.

    Without its name it is the repository's default branch. ``notes`` names what is missing; ``config`` is the file
    that names no repository of this machine.

    Raises:
        UsageError: the repository has no such branch.
    """
    by_date = [Commit(name, date) for name, date in sorted(dates.items(), key=lambda item: (item[1], item[0]))]
    if repository is None:
        note = f"no repository was given: commits are in order of date; {WITH_ONE}"
        if config is not None:
            note = (
                f"repo of {config} is an address: commits are in order of date; set it to the folder of a clone for "
                "their order, subjects and authors"
            )
        return Commits(tuple(by_date), notes=(note,))
    try:
        return _placed(repository, branch_of(repository, branch), by_date)
    except GitFailed as failure:
        return Commits(tuple(by_date), notes=(f"{failure}; commits are in order of date, without subjects",))


def _placed(repository: Path, branch: Branch, by_date: Sequence[Commit]) -> Commits:
    walked = _logged(git(repository, *_LOG, "--first-parent", branch.commit, "--"))
    history = tuple(entry.hash for entry in reversed(walked))
    rank = {name: index for index, name in enumerate(history)}
    aside = [commit.hash for commit in by_date if commit.hash not in rank and HASH.fullmatch(commit.hash)]
    entries = [*walked, *(_aside(repository, aside) if aside else ())]
    by_hash = {entry.hash: entry for entry in entries}
    known = {commit.hash: by_hash[commit.hash].described(commit) for commit in by_date if commit.hash in by_hash}
    commits = [known.get(commit.hash, commit) for commit in by_date]
    is_whole = all(commit.hash in known and commit.hash in rank for commit in commits) or not is_shallow(repository)
    sorted_out = _sorted_out(repository, commits, known, history, is_whole)
    order = _ordered(sorted_out.branch, rank)
    notes = _notes(repository, branch.name, sorted_out, len(commits), is_whole)
    tagged = [(tag, entry.hash) for entry in entries for tag in entry.tags]
    tags = _tags_shown(tagged, order, rank, sorted_out.lines)
    return Commits(order, history, notes, tags, branch.name, sorted_out.lines)


class _Entry(Struct, frozen=True):
    """One commit of git's log."""

    hash: str
    date_s: str  # of the commit, since 1970; whatever its author wrote
    subject: str
    author: str
    decoration: str  # "tag: 1.0, tag: 1.0-rc" or nothing

    @property
    def tags(self) -> list[str]:
        """Names of the tags that name this commit; none of them can hold a space."""
        return [name.removeprefix("tag: ") for name in self.decoration.split(", ") if name]

    def described(self, commit: Commit) -> Commit:
        """Returns ``commit``, which is this one, with its subject, author and date."""
        commit = replace(commit, subject=self.subject, author=self.author)
        with suppress(ValueError, OverflowError, OSError):  # a date beyond the calendar: asv's stays
            commit = replace(commit, date=datetime.fromtimestamp(int(self.date_s), UTC))
        return commit


def _logged(log: str) -> list[_Entry]:
    fields = log.split("\0")
    return [_Entry(*entry) for entry in zip(*(fields[at::5] for at in range(5)), strict=False)]


def _aside(repository: Path, hashes: Sequence[str]) -> list[_Entry]:
    """The commits of the repository among ``hashes``; for the hash of a tag git logs the commit it names."""
    wanted = set(hashes)
    stdin = "".join(f"{name}\n" for name in hashes)
    entries = _logged(git(repository, *_LOG, "--no-walk=unsorted", "--ignore-missing", "--stdin", stdin=stdin))
    return [entry for entry in entries if entry.hash in wanted]


class _SortedOut(Struct, frozen=True):
    """The commits with results, parted."""

    branch: tuple[Commit, ...]  # that make the series, in no order
    lines: tuple[Line, ...]
    missing: int  # commits that the repository lacks
    uncertain: int  # that it has, and cannot tell whether they are on the branch


def _sorted_out(
    repository: Path, commits: Sequence[Commit], known: Mapping[str, Commit], history: Sequence[str], is_whole: bool
) -> _SortedOut:
    """Returns ``commits`` parted into those that make the series and those beside the branch.

    A whole repository has all that the branch was, so what it lacks is not on it, as far as was fetched. One that has
    none of the commits is another project's, and says nothing of them.
    """
    on_branch = set(history)
    aside = [commit for commit in commits if commit.hash in known and commit.hash not in on_branch]
    missing = [commit for commit in commits if commit.hash not in known]
    if len(missing) == len(commits):
        return _SortedOut(tuple(commits), (), len(missing), 0)
    measured = sorted((commit for commit in commits if commit.hash in on_branch), key=_ranks(history))
    beside = _lines(repository, aside, history, measured) if aside else Beside((), frozenset())
    uncertain = frozenset() if is_whole else beside.lost
    lines = tuple(line for line in beside.lines if line.commits[0].hash not in uncertain)
    lines += (Line(GONE, tuple(missing)),) if missing and is_whole else ()
    placed = {commit.hash for line in lines for commit in line.commits}
    branch = tuple(commit for commit in commits if commit.hash not in placed)
    return _SortedOut(branch, lines, len(missing), len(uncertain))


def described(repository: Path, hashes: Iterable[str]) -> Mapping[str, Commit]:
    """Returns the commits of ``hashes`` that the repository has, by hash, whether they have results or not."""
    wanted = list(islice(filter(HASH.fullmatch, dict.fromkeys(hashes)), MOST_DESCRIBED))
    if not wanted:
        return {}
    with suppress(GitFailed):
        undated = datetime.fromtimestamp(0, UTC)
        return {entry.hash: entry.described(Commit(entry.hash, undated)) for entry in _aside(repository, wanted)}
    return {}


def ancestors(repository: Path, commit: str) -> list[str]:
    """Returns ``commit`` and everything it came from, the nearest first; nothing where git cannot be run."""
    try:
        return git(repository, "rev-list", "--topo-order", "--end-of-options", commit, "--").split()
    except GitFailed:
        return []


def _lines(repository: Path, aside: Sequence[Commit], history: Sequence[str], measured: Sequence[Commit]) -> Beside:
    """The lines of the commits ``aside``, with names."""
    hashes = "\n".join(commit.hash for commit in aside)
    walked = git(repository, "rev-list", "--first-parent", "--parents", "--stdin", stdin=hashes)
    parents = {fields[0]: fields[1] for fields in map(str.split, walked.splitlines()) if len(fields) > 1}
    beside = lines_beside(aside, parents, history, measured)
    tips = [line.commits[-1].hash for line in beside.lines[:MOST_NAMED]]
    branches = _branches(repository, tips)
    lines = [replace(line, name=branches.get(line.commits[-1].hash, line.name)) for line in beside.lines]
    return Beside(tuple(lines), beside.lost)


def _branches(repository: Path, tips: Sequence[str]) -> dict[str, str]:
    """The branch, else the tag, on whose first-parent line each tip is; those that are on none are left out."""
    names: dict[str, str] = {}
    for pattern in ("refs/tags/*", "refs/remotes/*", "refs/heads/*"):  # the last one that knows a tip names it
        answer = git(
            repository, "name-rev", "--name-only", f"--refs={pattern}", "--exclude=refs/remotes/origin/HEAD", *tips
        )
        for tip, named in zip(tips, lines_of(answer), strict=True):
            name, _, steps = named.partition("~")
            if named != "undefined" and "^" not in name.removesuffix("^0") and "^" not in steps:
                short = name.removesuffix("^0").removeprefix("tags/")
                names[tip] = short.removeprefix("remotes/").removeprefix("origin/")
    return names


def _notes(repository: Path, branch: str, sorted_out: _SortedOut, number: int, is_whole: bool) -> tuple[str, ...]:
    missing, uncertain, lines = sorted_out.missing, sorted_out.uncertain, sorted_out.lines
    kind = "repository" if is_whole else "shallow repository"
    deeper = "run `git fetch --unshallow` in it"
    notes = []
    if missing:
        rewritten = "they were rewritten (a force-push), or are not fetched yet: `git fetch` brings the latter"
        remedy = f"{rewritten}; --config names another repository" if is_whole else deeper
        by_date = "" if lines and lines[-1].name == GONE else ", placed by date"
        notes.append(f"the {kind} {repository} lacks {missing} of {number} commits{by_date}: {remedy}")
    if uncertain:
        notes.append(
            f"the {kind} {repository} does not tell whether {uncertain} of {number} commits are on {branch}; they are "
            f"placed by date: {deeper}"
        )
    if lines:
        several = sum(len(line.commits) for line in lines)
        named = [f"{line.name} ({len(line.commits)})" for line in lines[:MOST_LINES]]
        more = f" and {len(lines) - MOST_LINES} more" if len(lines) > MOST_LINES else ""
        notes.append(
            f"{several} of {number} commits with results are not on the first-parent line of {branch}: "
            f"{', '.join(named)}{more}; they are shown apart, and in no series"
        )
    return tuple(notes)


def _ordered(commits: Iterable[Commit], rank: Mapping[str, int]) -> tuple[Commit, ...]:
    """The commits by their rank in history; one outside it goes before the first in history that is younger.

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


def _tags_shown(
    tagged: Iterable[tuple[str, str]], order: Sequence[Commit], rank: Mapping[str, int], lines: Sequence[Line]
) -> tuple[Tag, ...]:
    """Each tag at the first commit with results that is no older than it; one beyond the newest result has no place.

    Beside the branch only those are shown whose own commit has results.
    """
    shown = [*order, *(commit for line in lines for commit in line.commits)]
    index_of = {commit.hash: index for index, commit in enumerate(shown)}
    inside = sorted((rank[commit.hash], commit.hash) for commit in order if commit.hash in rank)
    tags = []
    for name, commit in tagged:
        if commit in index_of:
            tags.append(Tag(name, commit))
        elif commit in rank:
            following = bisect_left(inside, (rank[commit], ""))
            if following < len(inside):
                tags.append(Tag(name, inside[following][1], is_exact=False))
    return tuple(sorted(tags, key=lambda tag: (index_of[tag.commit], tag.name)))


def _ranks(history: Sequence[str]) -> Callable[[Commit], int]:
    rank = {name: index for index, name in enumerate(history)}
    return lambda commit: rank[commit.hash]
