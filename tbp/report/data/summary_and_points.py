"""The site's data for other programs: ``summary.json`` and ``points.csv``; docs/report.md describes both.

Takes ``ReportData``, gives bytes. The feed is in ``feed``.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import TypeAlias

import numpy as np
from msgspec import Struct

from tbp.history.events import Event, SeriesChange
from tbp.history.ranges import Range, range_of
from tbp.model.changes import CONFIDENCE, ChangeEvidence, History
from tbp.model.points import OUTCOMES, Floats, columns, commits
from tbp.model.series import Better, Commit, Line, Point, SeriesKey
from tbp.report.base.render import strict_json
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.notes import first
from tbp.report.parts import event_words, trace_words
from tbp.report.parts.places import series_href
from tbp.report.parts.series_order import ranked
from tbp.report.parts.shown_change import told_change
from tbp.report.parts.verdict_sentence import verdict
from tbp.system.parallel import batched
from tbp.wording import verdicts, words

Key: TypeAlias = tuple[SeriesKey, int]  # of a change: its series, and its index there
Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"

# The fields are documented in docs/report.md; to rename or remove one is another format.
# 1: the first.
FORMAT = 1

# What a spreadsheet takes for a formula at a cell's start, and the full-width forms that some turn into it.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
MOST_PLAIN = 250_000
"""Points in a plain file: some 50 MB. Ten times as many compress to a tenth."""

_BOOLEANS = ("false", "true")
_OUTCOMES = tuple(outcome.value for outcome in OUTCOMES)
BATCH_RUNS = 20_000  # written at a time, and packed as one piece: packing is no better for larger ones

COLUMNS = (
    "benchmark", "parameters", "machine", "environment", "commit", "date", "outcome", "value", "low", "high", "unit",
    "sessions", "comparable", "line",
)  # fmt: skip


def summary_json(data: ReportData) -> bytes:
    """Verdict, states, events, every series with its changes; strict JSON in ASCII, NaN and infinities as null."""
    histories = ranked(data.histories)
    content: dict[str, Value] = {
        "format": FORMAT,
        "project": data.project,
        "first": told_first.said if (told_first := first(data)) is not None else "",
        "verdict": verdict(histories, data),
        "branch": data.branch,
        "lines": [_line(line) for line in dict.fromkeys(own.line for own in data.beside)],
        "base": {"revision": data.base.revision, **_commit(data.base.commit)} if data.base else None,
        "newest": _commit(data.newest) if data.newest else None,
        "confidence": CONFIDENCE,
        "states": {state.value: number for state, number in verdicts.tally(histories).items()},
        "problems": list(data.problems),
    }
    # A line for each field and each series: thousands of series stay small, and two files can be compared.
    fields = [f"{json.dumps(name)}: {strict_json(value)}" for name, value in content.items()]
    event_of = {key: number for number, event in enumerate(data.events) for key in map(_key, event.members)}
    lists = {
        "events": [strict_json(_event(event, data.faces)) for event in data.events],
        "series": [strict_json(_series(history, data, event_of)) for history in histories],
    }
    fields += [f"{json.dumps(name)}: [\n" + ",\n".join(lines) + "\n]" for name, lines in lists.items()]
    return ("{" + ",\n".join(fields) + "}\n").encode("ascii")


def points_file(data: ReportData) -> str:
    """The name of the file of all points: compressed where plain it would be too much for a page's folder."""
    number = sum(len(own.points) for own in data.histories) + sum(len(own.points) for own in data.beside)
    return "points.csv" if number <= MOST_PLAIN else "points.csv.gz"


def points(data: ReportData) -> list[Callable[[], bytes]]:
    """What makes the content of ``points_file``, piece by piece: a large project has millions of points."""
    rows = packed_rows if points_file(data).endswith(".gz") else plain_rows
    asked = [Wanted(history.key, history.unit, history.points) for history in data.histories]
    asked += [Wanted(own.key, own.unit, own.points, own.line.name) for own in data.beside]
    batches = batched(asked, [len(own.points) for own in asked], BATCH_RUNS)
    return [partial(rows, batch, place == 0) for place, batch in enumerate(batches or [[]])]


class Wanted(Struct, frozen=True):
    """A series whose points are to be written."""

    key: SeriesKey
    unit: str
    points: Sequence[Point]
    line: str = ""  # that they are on; empty of the branch


def packed_rows(several: Sequence[Wanted], is_first: bool) -> bytes:
    """A piece of a gzip file, which is as many of them as one likes. The same bytes give the same bytes."""
    return gzip.compress(plain_rows(several, is_first), compresslevel=1, mtime=0)


def plain_rows(several: Sequence[Wanted], is_first: bool) -> bytes:
    """Every point of some series as lines of CSV; above the first ones the names of the columns."""
    dates: dict[Commit, str] = {}
    pieces = [",".join(COLUMNS) + "\r\n"] if is_first else []
    for own in several:
        texts = (own.key.benchmark, own.key.label, own.key.machine, own.key.environment)
        start, unit = ",".join(map(cell, texts)), cell(own.unit)
        lines, end = _lines(own.points, unit, dates), f",{cell(own.line)}\r\n"
        if len(own.points):
            pieces += [start, ",", f"{end}{start},".join(lines), end]
    return "".join(pieces).encode()


def cell(text: str) -> str:
    """A foreign text as a cell of a CSV file that no spreadsheet takes for a formula (RFC 4180)."""
    text = words.visible(text)
    if text.startswith(_FORMULA):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _lines(points: Sequence[Point], unit: str, dates: dict[Commit, str]) -> Iterator[str]:
    """The columns from the commit on; ``dates`` keeps what many points share. Makes no object for each point."""
    own = columns(points)
    value, low, high = (_numbers(column) for column in (own.value, own.low, own.high))
    said = [dates.get(commit) or dates.setdefault(commit, _said(commit)) for commit in commits(points)]
    what = map(_OUTCOMES.__getitem__, own.outcome.tolist())
    sessions: Iterable[str] = repeat("0")
    if own.sessions:
        sessions = [str(len(own.sessions.get(place, ()))) for place in range(len(own))]
    comparable = map(_BOOLEANS.__getitem__, own.comparable.tolist())
    return map(",".join, zip(said, what, value, low, high, repeat(unit), sessions, comparable))


def _said(commit: Commit) -> str:
    return f"{cell(commit.hash)},{commit.date.isoformat()}"


def _numbers(values: Floats) -> Iterable[str]:
    """Nine significant digits: a millionth of the noise of the calmest benchmark. Empty where there is no number."""
    is_known = np.isfinite(values)
    if not is_known.any():
        return repeat("")
    own = values.tolist()
    if is_known.all():
        return map("{:.9g}".format, own)
    return [f"{value:.9g}" if known else "" for value, known in zip(own, is_known.tolist(), strict=True)]


def _series(history: History, data: ReportData, event_of: Mapping[Key, int]) -> dict[str, Value]:
    key, last = history.key, history.points[-1].commit if history.points else None
    return {
        "benchmark": key.benchmark,
        "parameters": [[name, value] for name, value in key.parameters],
        "machine": key.machine,
        "environment": key.environment,
        "state": history.state.value,
        "finding": verdicts.finding(history),
        "page": series_href(history),
        "unit": history.unit,
        "better": history.better.value,
        "better_by": history.better_by,
        "value": verdicts.newest_value(history),
        "noise_within": history.noise_within,
        "noise_between": history.noise_between,
        "runs": verdicts.measured_runs(history),
        "last_run": _commit(last) if last else None,
        "change": _standing(history),
        "balance": _balance(history),
        "changes": [_change(history, what, data, event_of) for what in history.changes],
    }


def _standing(history: History) -> int | None:
    """Place in ``changes`` of the one that the state is for."""
    shown = told_change(history)
    return next((place for place, what in enumerate(history.changes) if what is shown), None)


def _balance(history: History) -> Value:
    """The sum of the confirmed changes; None without one of the code, or of what is gone."""
    balance = history.balance
    if balance is None or history.state not in verdicts.STATES_OF_CHANGE:
        return None
    reference, level = balance.reference, balance.level
    return {
        "reference": reference,
        "level": level,
        "effect": (level - reference) / abs(reference) if reference else math.nan,
        "parts": list(balance.parts),
        "regressions": list(balance.regressions),
        "accepted": list(balance.accepted),
        "first": balance.first,
    }


def _change(history: History, what: ChangeEvidence, data: ReportData, event_of: Mapping[Key, int]) -> dict[str, Value]:
    change = what.change
    operators: list[Value] = list(trace_words.causes(what, history.unit))
    return {
        **_range(range_of(history.points, change.index, data.in_order)),
        "event": event_of.get((history.key, change.index)),
        "before": change.before,
        "after": change.after,
        "effect": change.effect,
        "low": change.low,
        "high": change.high,
        "p_value": change.p_value,
        "confirmed": change.confirmed,
        "kind": change.kind.value,
        "what": change.explanation,
        "is_worse": None if history.better is Better.UNKNOWN else change.is_worse(history.better),
        "is_recovery": change.is_recovery,
        "doubt": change.doubt,
        "acknowledged": change.acknowledged,
        "counted": change.index >= history.since,
        "operators": operators,
    }


def _line(line: Line) -> dict[str, Value]:
    return {
        "name": line.name,
        "fork": line.fork,
        "origin": _commit(line.origin) if line.origin else None,
        "commits": [_commit(commit) for commit in line.commits],
    }


def _range(between: Range | None) -> dict[str, Value]:
    if between is None:
        return {"first": None, "last_before": None, "commits": None}
    before = between.last_before
    return {
        "first": _commit(between.first),
        "last_before": _commit(before) if before else None,
        "commits": between.commits,
    }


def _event(event: Event, faces: Mapping[str, str]) -> dict[str, Value]:
    seen = event.sightings
    changes: list[Value] = [_member(change) for change in event.members]
    touching: list[Value] = [{"commit": commit.commit, "files": list[Value](commit.files)} for commit in event.touching]
    return {
        **_range(event.range),
        "kind": event.kind.value,
        "what": event.cause,
        "series": len(event.changes),
        "suspects": len(event.suspects),
        "benchmarks": len({change.history.key.benchmark for change in event.members}),
        "changes": changes,
        "machines": {
            "moved": list[Value](seen.moved),
            "suspect": list[Value](seen.suspect),
            "still": list[Value](seen.still),
            "excluding": list[Value](seen.firm),
        },
        "is_one_machine": seen.is_alone,
        "seen": event_words.seen_by(seen, faces),
        "touching": touching,
    }


def _member(member: SeriesChange) -> dict[str, Value]:
    key, change = member.history.key, member.evidence.change
    return {
        "benchmark": key.benchmark,
        "parameters": [[name, value] for name, value in key.parameters],
        "machine": key.machine,
        "environment": key.environment,
        "effect": change.effect,
        "is_worse": None if member.history.better is Better.UNKNOWN else change.is_worse(member.history.better),
        "confirmed": change.confirmed,
        "commits": member.range.commits if member.range is not None else None,
    }


def _key(member: SeriesChange) -> Key:
    return member.history.key, member.evidence.change.index


def _commit(commit: Commit) -> dict[str, Value]:
    return {"commit": commit.hash, "date": commit.date.isoformat(), "subject": commit.subject}
