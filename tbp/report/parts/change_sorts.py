"""The sorts of changes that pages tell apart: regression, improvement, recovered, explained and others."""

from __future__ import annotations

from enum import StrEnum

from tbp.history.events import SeriesChange
from tbp.model.changes import ChangeKind, State
from tbp.model.series import Better
from tbp.wording import verdicts


class Sort(StrEnum):
    """What a change point is said to be."""

    REGRESSION = "regression"
    CHANGED = "changed"  # nothing says whether it is for the worse
    IMPROVEMENT = "improvement"
    RECOVERED = "recovered"
    ACKNOWLEDGED = "acknowledged"  # for the worse, and the project accepts it
    EXPLAINED = "explained"  # by a change of dependencies, hardware or the harness
    SUSPECT = "suspect"


SOUGHT = (Sort.REGRESSION, Sort.IMPROVEMENT)
"""What a reader looks for first: its absence says something, too."""


GLYPHS = {
    Sort.REGRESSION: "✖",
    Sort.CHANGED: verdicts.GLYPHS[State.CHANGED],
    Sort.IMPROVEMENT: "✔",
    Sort.RECOVERED: "↺",
    Sort.ACKNOWLEDGED: verdicts.GLYPHS[State.ACKNOWLEDGED],
    Sort.EXPLAINED: "⇆",
    Sort.SUSPECT: verdicts.GLYPHS[State.SUSPECT],
}


WORDS = {
    Sort.REGRESSION: ("regression", "regressions"),
    Sort.CHANGED: verdicts.PLURALS[State.CHANGED],
    Sort.IMPROVEMENT: ("improvement", "improvements"),
    Sort.RECOVERED: ("recovered", "recovered"),
    Sort.ACKNOWLEDGED: verdicts.PLURALS[State.ACKNOWLEDGED],
    Sort.EXPLAINED: ("with another cause", "with other causes"),
    Sort.SUSPECT: ("suspect", "suspects"),
}


def sort_of(change: SeriesChange) -> Sort:
    """What the change is said to be."""
    own = change.evidence.change
    if not own.confirmed:
        return Sort.SUSPECT
    if own.kind is not ChangeKind.CODE:
        return Sort.EXPLAINED
    if own.is_recovery:
        return Sort.RECOVERED
    if change.history.better is Better.UNKNOWN:
        return Sort.CHANGED
    if not own.is_worse(change.history.better):
        return Sort.IMPROVEMENT
    return Sort.ACKNOWLEDGED if own.acknowledged else Sort.REGRESSION
