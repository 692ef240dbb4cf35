"""The lines of commits beside the branch: maintenance branches, side branches, what was merged.

Takes the commits with results that are not on the branch, and their first parents; gives each of them to one line.
Also tells which commits' runs belong to the comparison of two. Asks git nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from tbp.model.series import Commit, Line


class Beside(NamedTuple):
    """The lines of commits that are not on the branch, and the commits that lead nowhere."""

    lines: tuple[Line, ...]  # the longest first, each named by the hash of its newest commit
    lost: frozenset[str]  # hashes whose first parents end before they reach the branch


class _Step(Struct, frozen=True):
    """From a commit along first parents to the next one with results."""

    before: str  # hash of that one; empty where there is none
    fork: str  # hash of the commit of the branch where it was reached before any other of a line; else empty
    is_lost: bool = False  # neither was reached


def lines_beside(commits: Sequence[Commit], parents: Mapping[str, str], history: Sequence[str],
                 measured: Sequence[Commit]) -> Beside:  # fmt: skip
    """The lines of ``commits``.

    ``parents`` has the first parent of each of them and of all before them, ``history`` the hashes of the branch and
    ``measured`` its commits with results, both oldest first.
    """
    rank = {name: index for index, name in enumerate(history)}
    known = {commit.hash: commit for commit in (*commits, *measured)}
    places = [rank[commit.hash] for commit in measured]
    aside = {commit.hash for commit in commits}
    steps: dict[str, _Step] = {}
    for name in aside:
        at = parents.get(name, "")
        while at and at not in aside and at not in rank:
            at = parents.get(at, "")
        if at in rank:
            before = bisect_right(places, rank[at])
            steps[name] = _Step(measured[before - 1].hash if before else "", at)
        else:
            steps[name] = _Step(at, "", is_lost=not at)
    paths = {name: _path(name, steps) for name in aside - {step.before for step in steps.values()}}
    lines: list[Line] = []
    given: set[str] = set()
    for tip, path in sorted(paths.items(), key=lambda item: (-len(item[1]), item[0])):
        names = [name for name in path if name not in given]
        given |= set(names)
        origin = steps[names[0]].before
        line = tuple(known[name] for name in names)
        lines.append(Line(tip[:8], line, steps[path[0]].fork, known[origin] if origin else None))
    lost = frozenset(name for tip, path in paths.items() if steps[path[0]].is_lost for name in path)
    return Beside(tuple(lines), lost)


def _path(name: str, steps: Mapping[str, _Step]) -> list[str]:
    """Its commits with results beside the branch, oldest first."""
    path = [name]
    while (before := steps[path[-1]].before) in steps:
        path.append(before)
    return path[::-1]


def path_to(commit: str, order: Sequence[Commit], lines: Sequence[Line]) -> tuple[Commit, ...]:
    """The commits with results along the first parents of ``commit``, itself last; ``order`` is the branch."""
    path: list[Commit] = []
    at: str | None = commit
    while at is not None:
        line = next((line for line in lines if any(member.hash == at for member in line.commits)), None)
        commits = order if line is None else line.commits
        hashes = [member.hash for member in commits]
        path = [*commits[: hashes.index(at) + 1], *path]
        at = line.origin.hash if line is not None and line.origin is not None else None
    return tuple(path)


def after(commit: str, order: Sequence[Commit], lines: Sequence[Line]) -> tuple[Commit, ...]:
    """The commits after ``commit`` on its own line, oldest first."""
    for commits in (order, *(line.commits for line in lines)):
        hashes = [member.hash for member in commits]
        if commit in hashes:
            return tuple(commits[hashes.index(commit) + 1 :])
    return ()


def compared(baseline: str, contender: str, order: Sequence[Commit], lines: Sequence[Line]) -> tuple[Commit, ...]:
    """The commits whose runs tell what two of them say: of one line, in its order.

    Of two lines those before the baseline, then the contender and those after it: nothing lies between the two. A side
    without such runs has the others of its own line, the nearest next to it.
    """
    to_old, to_new = path_to(baseline, order, lines), path_to(contender, order, lines)
    for path, other in ((to_new, baseline), (to_old, contender)):
        if any(commit.hash == other for commit in path):
            return (*path, *after(path[-1].hash, order, lines))
    past = {commit.hash for commit in to_old} & {commit.hash for commit in to_new}
    old_side = to_old if len(to_old) > 1 else (*reversed(after(baseline, order, lines)), *to_old)
    behind = after(contender, order, lines) or tuple(commit for commit in to_new[-2::-1] if commit.hash not in past)
    return (*old_side, to_new[-1], *behind)
