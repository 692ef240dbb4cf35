"""One order of commits for several series that each know a part of it.

Takes histories, gives each commit its place on a shared axis. Where the series come from belongs to the readers.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from tbp.model.changes import History
from tbp.model.series import Commit


def commit_order(histories: Sequence[History]) -> tuple[Commit, ...]:
    """All commits, in an order no series contradicts; where none tells, by date, then by hash.

    The date alone would not do: after a rebase a commit's date can lie before its parent's. Series that contradict
    each other (from different branches) fall back to the date for the commits concerned.
    """
    commits: dict[str, Commit] = {}
    later: dict[str, set[str]] = defaultdict(set)
    orders = dict.fromkeys(tuple(point.commit for point in history.points) for history in histories)
    for order in orders:  # most series of a project were measured at the same commits
        hashes = list(dict.fromkeys(commit.hash for commit in order))
        for commit in order:
            commits.setdefault(commit.hash, commit)
        for earlier, following in pairwise(hashes):
            later[earlier].add(following)
    waiting_for = dict.fromkeys(commits, 0)
    for followers in later.values():
        for follower in followers:
            waiting_for[follower] += 1
    return tuple(commits[hash_] for hash_ in _sorted(commits, later, waiting_for))


def _sorted(commits: dict[str, Commit], later: dict[str, set[str]], waiting_for: dict[str, int]) -> list[str]:
    """Kahn's topological sort with the earliest date first; a cycle is cut at its earliest commit."""
    by_date = sorted(commits, key=lambda hash_: (commits[hash_].date, hash_))
    rank = {hash_: index for index, hash_ in enumerate(by_date)}
    ready = [rank[hash_] for hash_, number in waiting_for.items() if number == 0]
    heapq.heapify(ready)
    done: list[str] = []
    placed: set[str] = set()
    unplaced = iter(by_date)
    while len(done) < len(commits):
        hash_ = by_date[heapq.heappop(ready)] if ready else next(h for h in unplaced if h not in placed)
        if hash_ in placed:
            continue
        placed.add(hash_)
        done.append(hash_)
        for follower in later.get(hash_, ()):
            waiting_for[follower] -= 1
            if waiting_for[follower] == 0 and follower not in placed:
                heapq.heappush(ready, rank[follower])
    return done
