"""The lines of commits beside the branch: maintenance branches, side branches, what was merged.

Takes the commits with results that are not on the branch, and their first parents; assigns each commit to one line.
Also lists the commits whose runs belong to the comparison of two commits. Runs no git.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tbp.model.series import Commit, Line, short_hash


class Beside(Struct, frozen=True):
    """The lines of the commits that are not on the branch, and the commits whose history is incomplete."""

    lines: tuple[Line, ...]  # the longest first, each named by the hash of its newest commit
    lost: frozenset[str]  # hashes whose first parents end before they reach the branch


class _Step(Struct, frozen=True):
    """The way from a commit along first parents to the next commit with results."""

    before: str  # hash of that next commit; empty where there is none
    fork: str  # hash of the branch's commit, where the branch was reached first; else empty
    is_lost: bool = False  # neither the branch nor another line was reached


def lines_beside(commits: Sequence[Commit], parents: Mapping[str, str], history: Sequence[str],
                 measured: Sequence[Commit]) -> Beside:  # fmt: skip
    """The lines that ``commits`` make.

    ``parents`` has the first parent of each commit and of all its ancestors. ``history`` has the hashes of the branch,
    ``measured`` its commits with results, both oldest first.
    """
    rank = {name: index for index, name in enumerate(history)}
    known = {commit.hash: commit for commit in (*commits, *measured)}
    measured_ranks = [rank[commit.hash] for commit in measured]
    aside = {commit.hash for commit in commits}
    steps: dict[str, _Step] = {}
    for name in aside:
        ancestor = parents.get(name, "")
        while ancestor and ancestor not in aside and ancestor not in rank:
            ancestor = parents.get(ancestor, "")
        if ancestor in rank:
            before = bisect_right(measured_ranks, rank[ancestor])
            steps[name] = _Step(measured[before - 1].hash if before else "", ancestor)
        else:
            steps[name] = _Step(ancestor, "", is_lost=not ancestor)
    paths = {name: _path(name, steps) for name in aside - {step.before for step in steps.values()}}
    lines: list[Line] = []
    given: set[str] = set()
    for tip, path in sorted(paths.items(), key=lambda item: (-len(item[1]), item[0])):
        names = [name for name in path if name not in given]
        given |= set(names)
        origin = steps[names[0]].before
        line = tuple(known[name] for name in names)
        lines.append(Line(short_hash(tip), line, steps[path[0]].fork, known[origin] if origin else None))
    lost = frozenset(name for tip, path in paths.items() if steps[path[0]].is_lost for name in path)
    return Beside(tuple(lines), lost)


def _path(name: str, steps: Mapping[str, _Step]) -> list[str]:
    """The commits with results from the branch to the commit ``name``, without the branch's own; oldest first."""
    path = [name]
    while (before := steps[path[-1]].before) in steps:
        path.append(before)
    return path[::-1]


def path_to(commit: str, order: Sequence[Commit], lines: Sequence[Line]) -> tuple[Commit, ...]:
    """The commits with results along the first parents of ``commit``, which is last; ``order`` is the branch."""
    path: list[Commit] = []
    tip: str | None = commit
    while tip is not None:
        line = next((line for line in lines if any(member.hash == tip for member in line.commits)), None)
        commits = order if line is None else line.commits
        hashes = [member.hash for member in commits]
        path = [*commits[: hashes.index(tip) + 1], *path]
        tip = line.origin.hash if line is not None and line.origin is not None else None
    return tuple(path)


def after(commit: str, order: Sequence[Commit], lines: Sequence[Line]) -> tuple[Commit, ...]:
    """The commits after ``commit`` on its own line, oldest first."""
    for commits in (order, *(line.commits for line in lines)):
        hashes = [member.hash for member in commits]
        if commit in hashes:
            return tuple(commits[hashes.index(commit) + 1 :])
    return ()


def compared(baseline: str, contender: str, order: Sequence[Commit], lines: Sequence[Line]) -> tuple[Commit, ...]:
    """The commits whose runs decide the comparison of two commits, in the order of the history that they make.

    On one line, this is its order. On two lines it is the commits up to the baseline, then the contender and the
    commits after it. Where a side has no such neighbours, the other commits of its line stand in, the nearest ones next
    to it.
    """
    to_old, to_new = path_to(baseline, order, lines), path_to(contender, order, lines)
    for path, other in ((to_new, baseline), (to_old, contender)):
        if any(commit.hash == other for commit in path):
            return (*path, *after(path[-1].hash, order, lines))
    past = {commit.hash for commit in to_old} & {commit.hash for commit in to_new}
    old_side = to_old if len(to_old) > 1 else (*reversed(after(baseline, order, lines)), *to_old)
    behind = after(contender, order, lines) or tuple(commit for commit in to_new[-2::-1] if commit.hash not in past)
    return (*old_side, to_new[-1], *behind)
