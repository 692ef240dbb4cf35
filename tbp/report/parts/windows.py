"""The times that a reader may ask for news of: the last night, the newest week or month of the results, a revision.

Takes ``ReportData``, gives moments and words. The clock is that of the results: the same results give the same answer.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from msgspec import Struct

from tbp.history.events import Event
from tbp.history.machine_wide_changes import NIGHT_GAP
from tbp.report.base.report_data import ReportData

WEEK, MONTH = 7, 30
"""Days: a lead looks once a week, and releases are planned by the month."""

EVER = datetime.min.replace(tzinfo=UTC)


class NewsWindow(Struct, frozen=True):
    """A stretch of the results whose changes are called new: all commits after ``since``."""

    name: str  # in the address
    label: str  # on its button
    words: str  # "in the 7 days to 2026-05-05"; empty for everything
    since: datetime

    def has(self, event: Event) -> bool:
        """True where the event's newest commit is after ``since``."""
        return event.range.first.date > self.since


def windows(data: ReportData) -> tuple[NewsWindow, ...]:
    """The windows that a reader may choose, that of ``--since`` first where there is one."""
    if data.newest is None:
        return ()
    newest = data.newest.date
    several = [
        NewsWindow("night", "Last night", "in the last night", _before_last_night(data)),
        *(_days(f"{days}", days, newest) for days in (WEEK, MONTH)),
        NewsWindow("all", "Everything", "", EVER),
    ]
    return (*([asked_for(data)] if data.since is not None else []), *several)


def usual(data: ReportData) -> NewsWindow | None:
    """The window of ``--since``, else the newest week of the results; None without any."""
    if data.newest is None:
        return None
    return asked_for(data) if data.since is not None else _days(str(WEEK), WEEK, data.newest.date)


def asked_for(data: ReportData) -> NewsWindow:
    """The window of ``--since``, which there must be."""
    if data.since is None or data.newest is None:
        raise ValueError("nobody asked for a time")
    since = data.since
    if since.days:
        return _days("since", since.days, data.newest.date)
    return NewsWindow("since", f"Since {since.text}", f"since {since.text}", since.moment)


def days_before(moment: datetime, days: int) -> datetime:
    """``moment`` without ``days``; a date of a result may be as old as there are dates."""
    return moment - min(timedelta(days=days), moment - EVER)


def _days(name: str, days: int, newest: datetime) -> NewsWindow:
    label = f"{days:,} day{'' if days == 1 else 's'}"
    return NewsWindow(name, label, f"in the {label} to {newest.astimezone(UTC).date()}", days_before(newest, days))


def _before_last_night(data: ReportData) -> datetime:
    """The date of the newest commit that was measured before the last night.

    Where no night was before, or nobody recorded when anything was measured, it is a day before the newest commit.
    """
    started = sorted(run.started for run in data.runs if run.started is not None)
    nights = [later for earlier, later in pairwise(started) if later - earlier >= NIGHT_GAP]
    earlier = [run.commit.date for run in data.runs if nights and run.started is not None and run.started < nights[-1]]
    newest = data.newest.date if data.newest is not None else EVER
    return max(earlier, default=days_before(newest, 1))
