"""The events that a target was not told of yet: confirmed, standing, and none of those that its note has.

Takes the data of a report and the note, gives events, and the note as it is once they are told. Only regressions that
stand and that nobody accepted are news, and with ``is_better`` the improvements: suspects never are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.nightly.told import (
    NIGHT,
    Fate,
    ToldEvent,
    ToldNote,
    event_id,
    fate,
    moved,
    reported,
    series_digest,
    told_before,
)
from tbp.nightly.told_file import open_note
from tbp.report.base.report_data import ReportData
from tbp.report.parts.standing import StandingEvent, standing_events


def standing(data: ReportData, is_better: bool = False) -> tuple[StandingEvent, ...]:
    """The confirmed events of the code with regressions that stand, or with improvements; the oldest first."""
    state = State.IMPROVEMENT if is_better else State.REGRESSION
    several = standing_events(data.histories, data.event_of, state)
    return tuple(event for event in reversed(several) if event.event.is_verdict)


def by_digest(histories: Iterable[History]) -> Mapping[str, History]:
    """The histories by the digits that stand for them in a note."""
    return {series_digest(history.key): history for history in histories}


def news(events: Iterable[StandingEvent], note: ToldNote, target: str, is_better: bool = False) -> list[StandingEvent]:
    """The ``events`` that ``target`` was not told of, or whose acknowledgement has ended since."""
    return [event for event in events if _is_news(told_before(event.event, note, is_better), target)]


def noted(note: ToldNote, event: StandingEvent, target: str = "", is_better: bool = False, number: int = 0) -> ToldNote:
    """The note after ``target`` was told of ``event``; without a target the changes that have joined it since."""
    known = told_before(event.event, note, is_better)
    if not known:
        if not target:
            return note
        known = (ToldEvent(event_id(event.event, is_better), frozenset(), {}, is_better),)
    changes = reported(moved(event.event, is_better))
    grown = [replace(each, changes=each.changes | changes) for each in known]
    if target:
        grown = [each.with_delivery(target, Fate.STANDS, number) for each in grown]
    return note.with_events(grown, *filter(None, [target]))


def brought_up_to_date(
    note: ToldNote,
    target: str,
    events: Sequence[StandingEvent],
    histories: Mapping[str, History],
    is_better: bool = False,
) -> ToldNote:
    """The note with what joined known ``events``, and with those of ``target`` that are accepted by now."""
    for event in events:
        note = noted(note, event, is_better=is_better)
    accepted = [
        event.with_delivery(target, Fate.ACCEPTED, event.to[target].number)
        for event in note.events.values()
        if target in event.to and fate(event, histories) is Fate.ACCEPTED
    ]
    return note.with_events(accepted)


def first_told(data: ReportData, results_dir: Path) -> list[StandingEvent]:
    """The events that no night told of before, which are noted as told by this one.

    They need not be of tonight's commits: later runs often confirm a level first, and an interrupted night tells
    nothing. A second call gives none. Raises OSError when the note cannot be written.
    """
    events = standing(data)
    with open_note(results_dir) as opened:
        note = brought_up_to_date(opened.note, NIGHT, events, by_digest(data.histories))
        fresh = news(events, note, NIGHT)
        for event in fresh:
            note = noted(note, event, NIGHT)
        opened.write(note.with_events((), NIGHT))
    return fresh


def _is_news(known: Iterable[ToldEvent], target: str) -> bool:
    deliveries = [event.to[target] for event in known if target in event.to]
    return all(delivery.fate is Fate.ACCEPTED for delivery in deliveries)
