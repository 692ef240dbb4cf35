"""The tables that a reader takes away whole: every series and every event with raw numbers.

Takes ``ReportData``, gives columns and rows. ``static/base/take.js`` loads them when a reader asks for them, keeps the
rows that fit the filter, and makes CSV, JSON and Markdown of them; docs/reference/report.md describes the columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tbp.history.ranges import Range
from tbp.model.changes import Change, History
from tbp.report.base.render import DataFile, packed_call
from tbp.report.base.report_data import ReportData
from tbp.report.parts import event_words
from tbp.report.parts.addresses import series_href
from tbp.report.parts.answer import answer
from tbp.report.parts.next_steps import next_steps
from tbp.report.parts.page_events import anchor_of
from tbp.report.parts.series_order import ranked
from tbp.report.parts.shown_change import told_change, told_step
from tbp.wording import verdicts, words

Cell: TypeAlias = "str | int | float | None"

SERIES = "benchmark", "parameters", "machine", "environment", "unit", "better"
CHANGE = "before", "after", "change", "low", "high", "p"
RANGE = "commit", "date", "subject", "author", "last_before", "commits"
SERIES_COLUMNS = (*SERIES, "state", "newest", *CHANGE, *RANGE, "page")
EVENT_COLUMNS = (*RANGE, "kind", "cause", "series", "suspects", "machines", *SERIES, *CHANGE, "next", "page")

DIGITS = 9
"""Significant digits, those of points.csv: a millionth of the noise of the calmest benchmark."""


def files_to_take(data: ReportData) -> Iterator[DataFile]:
    """Both tables, each in a file that no page loads by itself."""
    tables = {"table": (SERIES_COLUMNS, series_rows(data)), "event-table": (EVENT_COLUMNS, event_rows(data))}
    for name, (columns, rows) in tables.items():
        yield DataFile(f"data/{name}.js", (packed_call("tbp.taken", {"name": name, "columns": columns, "rows": rows}),))


def series_rows(data: ReportData) -> list[list[Cell]]:
    """Each series in the order of the index, with the step that it is listed for."""
    return [
        [
            *_series(history),
            history.state.value,
            _number(verdicts.newest_value(history)),
            *_change(told_step(history)),
            *_range_of(history, data),
            series_href(history),
        ]
        for history in ranked(data.histories)
    ]


def event_rows(data: ReportData) -> list[list[Cell]]:
    """Each event, newest first, with its largest change and the command to go on with."""
    standing = answer(data).worse_of
    rows = []
    for event in data.events:
        largest = event.members[0]
        worse = standing.get(id(event))
        rows.append([
            *_range(event.range, event_words.authors(event, data.in_ranges, data.in_order.hashes)),
            event.kind.value,
            words.visible(event.cause),
            len(event.changes),
            len(event.suspects),
            words.visible("; ".join(event.sightings.moved)),
            *_series(largest.history),
            *_change(largest.evidence.change),
            next_steps(worse).first if worse is not None else "",
            f"changes.html#{anchor_of(event)}",
        ])  # fmt: skip
    return rows


def _series(history: History) -> tuple[str, ...]:
    key = history.key
    texts = (key.benchmark, key.label, key.machine, key.environment, history.unit, history.better.value)
    return tuple(map(words.visible, texts))


def _change(change: Change | None) -> list[Cell]:
    """The change as a ratio of the level before, with the interval that holds it; None where it is not known."""
    if change is None:
        return [None] * len(CHANGE)
    numbers = (change.before, change.after, change.effect, change.low, change.high, change.p_value)
    return [_number(value) for value in numbers]


def _range_of(history: History, data: ReportData) -> list[Cell]:
    """The commits that may have made the change that the series is listed for, and their authors."""
    shown = told_change(history)
    if shown is None:
        return [None] * len(RANGE)
    event = data.event_of.get((history.key, shown.change.index))
    authors = event_words.authors(event, data.in_ranges, data.in_order.hashes) if event is not None else ()
    return _range(data.range_of(history, shown), authors)


def _range(between: Range | None, authors: Sequence[str]) -> list[Cell]:
    if between is None:
        return [None] * len(RANGE)
    first, before = between.first, between.last_before
    author = ", ".join(authors) or first.author
    texts = (first.hash, first.date.isoformat(), first.subject, author, before.hash if before is not None else "")
    return [*(words.visible(text) or None for text in texts), between.commits]


def _number(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
