"""The changes that stand, by event: the one definition of what every page, file and line counts.

Takes histories and events, gives for each event the changes that series are in their states for. A series may have
several regressions that stand; a change that was undone, or that a later one outweighs, stands for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from tbp.history.events import Event, SeriesChange
from tbp.model.changes import ChangeEvidence, History, State
from tbp.model.series import SeriesKey
from tbp.report.parts.shown_change import shown_change

WORSE = (State.REGRESSION, State.CHANGED)
"""States that a reader must look into: a change of unknown merit may be for the worse."""

BETTER = (State.IMPROVEMENT, State.RECOVERED)


class StandingEvent(Struct, frozen=True):
    """An event with the changes of it that stand, regressions first, then by size."""

    event: Event
    changes: tuple[SeriesChange, ...]

    def of(self, *states: State) -> tuple[SeriesChange, ...]:
        """The changes of series in one of ``states``."""
        return tuple(change for change in self.changes if change.history.state in states)

    @property
    def leading(self) -> tuple[SeriesChange, ...]:
        """The changes that the event is about: its regressions, else all."""
        return self.of(State.REGRESSION) or self.changes


def standing_changes(history: History) -> tuple[ChangeEvidence, ...]:
    """All regressions of a series that stand; else the change that it is in the table for."""
    shown, balance = shown_change(history), history.balance
    if shown is None or balance is None:
        return ()
    if history.state is not State.REGRESSION:
        return (shown,)
    return tuple(history.changes[number] for number in balance.regressions)


def standing_events(
    histories: Iterable[History], event_of: Mapping[tuple[SeriesKey, int], Event], *states: State
) -> tuple[StandingEvent, ...]:
    """The events with changes that stand and make their series one of ``states``.

    The newest day is first, of a day the event with most regressions, then with most series, then the largest.
    """
    by_event: dict[int, tuple[Event, list[SeriesChange]]] = {}  # by identity: an event holds whole histories
    for history in (history for history in histories if history.state in states):
        for evidence in standing_changes(history):
            event = event_of.get((history.key, evidence.change.index))
            if event is not None:
                by_event.setdefault(id(event), (event, []))[1].append(SeriesChange(history, evidence))
    standing = [StandingEvent(event, tuple(sorted(several, key=_order))) for event, several in by_event.values()]
    return tuple(sorted(standing, key=_newest_then_largest))


def series_in(events: Iterable[StandingEvent], *states: State) -> int:
    """The number of series in one of ``states`` that the events made so; one that moved twice counts once."""
    return len({change.history.key for event in events for change in event.of(*states)})


def _order(change: SeriesChange) -> tuple[object, ...]:
    return change.history.state is not State.REGRESSION, -abs(change.worsening), change.history.key


def _newest_then_largest(standing: StandingEvent) -> tuple[object, ...]:
    first = standing.event.range.first
    largest = max(abs(change.worsening) for change in standing.changes)
    regressions = len(standing.of(State.REGRESSION))
    return -first.date.toordinal(), -regressions, -len(standing.changes), -largest, first.hash
