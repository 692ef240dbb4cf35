"""The one change that a series is listed for, where it happened, and how large it is."""

from __future__ import annotations

import math

from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.wording import verdicts

LARGEST = 1e6
"""The size of a change that scripts compare with."""


SIZE_DIGITS = 4  # 0.01 %


def shown_change(history: History) -> ChangeEvidence | None:
    """The change a series is in the table for: the standing one, if its state is one of change."""
    return history.standing if history.state in verdicts.STATES_OF_CHANGE else None


def told_change(history: History) -> ChangeEvidence | None:
    """The change that a series is listed for: the standing one, or the suspect one where it has no other."""
    return shown_change(history) or (history.suspect if history.state is State.SUSPECT else None)


def told_step(history: History) -> Change | None:
    """The one step for which the series is in the table: the balance of its changes, or the change that is shown."""
    if shown_change(history) is not None:
        return history.standing_change
    shown = told_change(history)
    return shown.change if shown is not None else None


def size(history: History) -> float:
    """How large the step is that the series is in the table for, suspect ones too; 0 without one."""
    shown = told_step(history)
    if shown is None:
        return 0.0
    relative = abs(shown.effect)
    # From zero there is no ratio; such a change goes first.
    return relative if math.isfinite(relative) else math.inf


def told_size(relative: float) -> float:
    """The size of a change as scripts compare it: without its sign, to 0.01 %; from zero, where it is infinite or
    nothing, as much as any, since JSON has no infinity."""
    return round(min(abs(relative), LARGEST), SIZE_DIGITS) if math.isfinite(relative) else LARGEST
