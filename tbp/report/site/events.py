"""The event or regression that `tbp ack` names: its range, and what it moved.

Takes an entry as the command line has it and the data of a report, gives the entry with the whole range.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tbp.errors import UsageError
from tbp.history.events import Event, SeriesChange
from tbp.history.triage import is_of_change, is_of_event
from tbp.project.acknowledgements import Ack, day_of, is_triable
from tbp.report.base.report_data import ReportData
from tbp.report.parts import event_words
from tbp.wording import words

MOST_NAMED = 3  # events that a message names where the wanted one has no regression


def event_to_accept(ack: Ack, data: ReportData) -> tuple[Ack, str]:
    """``ack`` with the range of its event, and its size in words: `` (14 series of 5 benchmarks on 3 machines)``.

    Raises:
        UsageError: no event of the code that made something worse has the commit; the message names the newest.
    """
    worse = [(event, _worse(event.changes, ack)) for event in data.events if event.is_verdict]
    several = [(event, changes) for event, changes in worse if changes and is_of_event(ack, event, data.in_order)]
    if not several:
        raise UsageError(_missing(ack, [event for event, changes in worse if changes]))
    changes = [change for _, moved in several for change in moved]
    if len(several) == 1:
        between = several[0][0].range
        before = between.last_before.hash if between.last_before is not None else ""
        ack = replace(ack, after=before, commit=between.first.hash)
    machines = {change.history.key.machine for change in changes}
    return ack, f" ({event_words.extent(changes)} on {words.count(len(machines), 'machine')})"


def require_unexpired(ack: Ack, data: ReportData) -> None:
    """Raises UsageError where the last day of ``ack`` is before the newest result, by which a report judges it."""
    newest = day_of(data.histories)
    if ack.is_expired(newest):
        raise UsageError(
            f"--until {ack.until} is before the newest result, of {newest}: the entry would accept nothing; "
            "name a later day"
        )


def require_regression(ack: Ack, data: ReportData) -> None:
    """Raises UsageError where ``ack`` names a benchmark and no regression of it; the message names what is near."""
    worse = [
        (history, evidence)
        for history in data.histories
        for evidence in history.changes
        if is_triable(history, evidence)
    ]
    if any(is_of_change(ack, history, evidence.change, data.in_order) for history, evidence in worse):
        return
    named = [
        (history.key.benchmark, history.points[evidence.change.index].commit, evidence.change.index)
        for history, evidence in worse
    ]
    of_benchmark = [each for each in named if ack.is_of(each[0])]
    at_commit = [each for each in named if each[1].hash.startswith(ack.commit)]
    near = of_benchmark or at_commit or sorted(named, key=lambda each: -each[2])
    known = words.named(list(dict.fromkeys(f"{name} {commit.short}" for name, commit, _ in near)), MOST_NAMED)
    raise UsageError(
        f"there is no regression of {ack.subject}; "
        + (f"write one of {known}" if known else "nothing became worse here")
    )


def _worse(changes: Iterable[SeriesChange], ack: Ack) -> list[SeriesChange]:
    return [
        change
        for change in changes
        if ack.is_of(change.history.key.benchmark) and is_triable(change.history, change.evidence)
    ]


def _missing(ack: Ack, events: list[Event]) -> str:
    known = words.named([event_words.between(event.range) for event in events[:MOST_NAMED]], MOST_NAMED)
    newest = f"the newest events that have are {known}: write one of them, or" if known else "nor did any other: write"
    return f"{ack.subject} made nothing worse here; {newest} a benchmark before the commit"
