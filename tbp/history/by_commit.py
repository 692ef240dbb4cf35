"""Which commit moved what: the changes of all series, by commit.

Takes histories, gives one ``CommitChanges`` for each first commit with a new level. Saying it is left to the report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from tbp.history.points import known_commits
from tbp.history.series import Change, ChangeEvidence, Commit, History


class SeriesChange(Struct, frozen=True):
    """One change, and whose it is."""

    history: History
    evidence: ChangeEvidence

    @property
    def worsening(self) -> float:
        """Size of the effect relative to the level before: positive for the worse; infinite from a level of zero."""
        change = self.evidence.change
        size = abs(change.after - change.before) / abs(change.before) if change.before else math.inf
        return size if change.is_worse(self.history.better) else -size


class CommitChanges(Struct, frozen=True):
    """What moved between the last good commit and ``commit``."""

    commit: Commit  # the first one measured at the new level
    last_good: Commit | None  # the last one measured at the old level; of several series the newest
    unmeasured: int  # commits between the two: the cause may be any of them, or ``commit``
    changes: tuple[SeriesChange, ...]  # worst first

    @property
    def worst(self) -> float:
        """The largest worsening; negative where everything became better."""
        return self.changes[0].worsening


def changes_by_commit(histories: Sequence[History], order: Sequence[str] = ()) -> tuple[CommitChanges, ...]:
    """The confirmed changes of the code in all ``histories``, the commit with the worst one first.

    ``order`` has the hashes of the project's history, oldest first, to count unmeasured commits by; without it, only
    commits that other series were measured at are known. Changes put down to something else are not among them.
    """
    place = places_in_history(histories, order)
    found = _groups(histories, place, lambda change: change.is_verdict)
    return tuple(sorted(found, key=lambda group: (-group.worst, place.get(group.commit.hash, 0), group.commit.hash)))


def every_change_by_commit(histories: Sequence[History], order: Sequence[str]) -> tuple[CommitChanges, ...]:
    """All change points, also suspects and those put down to something else, the newest commit first.

    Not those of counters that are certain and too small to matter. ``order`` as in ``changes_by_commit``.
    """
    place = {name: i for i, name in enumerate(order)}
    found = _groups(histories, place, lambda change: change.matters)
    return tuple(sorted(found, key=lambda group: (-place.get(group.commit.hash, 0), group.commit.hash)))


def _groups(
    histories: Sequence[History], place: Mapping[str, int], is_wanted: Callable[[Change], bool]
) -> list[CommitChanges]:
    groups: dict[str, list[SeriesChange]] = {}
    for history in histories:
        for evidence in history.changes:
            if is_wanted(evidence.change) and 0 <= evidence.change.index < len(history.points):
                commit = history.points[evidence.change.index].commit
                groups.setdefault(commit.hash, []).append(SeriesChange(history, evidence))
    return [_group(own, place) for own in groups.values()]


def _group(changes: Sequence[SeriesChange], place: Mapping[str, int]) -> CommitChanges:
    first = changes[0]
    commit = first.history.points[first.evidence.change.index].commit
    known = [good for change in changes if (good := _last_good(change)) is not None]
    last_good = max(known, key=lambda good: (place.get(good.hash, -1), good.date), default=None)
    between = 0
    if last_good is not None and last_good.hash in place and commit.hash in place:
        between = max(0, place[commit.hash] - place[last_good.hash] - 1)
    worst_first = sorted(changes, key=lambda change: (-change.worsening, change.history.key))
    return CommitChanges(commit, last_good, between, tuple(worst_first))


def _last_good(change: SeriesChange) -> Commit | None:
    points = change.history.points
    before = (points[index] for index in range(change.evidence.change.index - 1, -1, -1))
    return next((point.commit for point in before if point.has_level), None)


def places_in_history(histories: Sequence[History], order: Sequence[str]) -> dict[str, int]:
    """The place of each commit (by hash) in ``order``; where that is empty, by date among those that are known."""
    known = order or [commit.hash for commit in known_commits(history.points for history in histories)]
    return {name: place for place, name in enumerate(known)}
