"""The sorts of changes that pages tell apart: regression, improvement, recovered, explained and others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from tbp.history.events import SeriesChange
from tbp.model.changes import ChangeKind, State
from tbp.model.series import Better
from tbp.report.parts.shown_change import told_change
from tbp.report.parts.standing import standing_changes
from tbp.wording import verdicts


class Sort(StrEnum):
    """The sort of a change point."""

    REGRESSION = "regression"
    CHANGED = "changed"  # nothing says whether it is for the worse
    IMPROVEMENT = "improvement"
    RECOVERED = "recovered"
    ACKNOWLEDGED = "acknowledged"  # for the worse, and the project accepts it
    EXPLAINED = "explained"  # by a change of dependencies, hardware or the harness
    SUSPECT = "suspect"
    EARLIER = "earlier"  # its series is listed for another change: it was undone, or outweighed since


SOUGHT = (Sort.REGRESSION, Sort.IMPROVEMENT)
"""The sorts that a reader looks for first: their absence says something, too."""


# All but two are called as the states of series are.
_OF_STATES = {sort: State(sort.value) for sort in Sort if sort not in (Sort.EXPLAINED, Sort.EARLIER)}

GLYPHS = {sort: verdicts.GLYPHS[state] for sort, state in _OF_STATES.items()} | {Sort.EXPLAINED: "⇆", Sort.EARLIER: "·"}

WORDS = {sort: verdicts.PLURALS[state] for sort, state in _OF_STATES.items()} | {
    Sort.EXPLAINED: ("with another cause", "with other causes"),
    Sort.SUSPECT: ("suspect", "suspects"),
    Sort.EARLIER: ("with earlier changes", "with earlier changes"),
}


def counted(changes: Iterable[SeriesChange]) -> str:
    """``2 regressions, 1 improvement``: how many there are of each sort."""
    numbers = Counter(map(sort_of, changes))
    return ", ".join(f"{numbers[sort]:,} {WORDS[sort][numbers[sort] != 1]}" for sort in Sort if numbers[sort])


def counted_sort(change: SeriesChange) -> Sort:
    """The sort by which a change is counted: as the summary counts its series, else as an earlier change.

    The newest change of a series is suspect also where the series is listed for another one.
    """
    sort, history = sort_of(change), change.history
    listed = (*standing_changes(history), told_change(history), history.suspect)
    is_listed = any(evidence is change.evidence for evidence in listed)
    return sort if is_listed or sort is Sort.EXPLAINED else Sort.EARLIER


def sort_of(change: SeriesChange) -> Sort:
    """The sort of a change, by its kind and its merit."""
    shown = change.evidence.change
    if not shown.confirmed:
        return Sort.SUSPECT
    if shown.kind is not ChangeKind.CODE:
        return Sort.EXPLAINED
    if shown.is_recovery:
        return Sort.RECOVERED
    if change.history.better is Better.UNKNOWN:
        return Sort.CHANGED
    if not shown.is_worse(change.history.better):
        return Sort.IMPROVEMENT
    return Sort.ACKNOWLEDGED if shown.acknowledged else Sort.REGRESSION
