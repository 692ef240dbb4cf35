"""The data of a report as pandas frames, for scripts and notebooks: what ``summary.json`` says, as tables.

Takes ``ReportData``, gives frames with settled columns; docs/reference/data-files.md describes the fields, which are
those of ``summary.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd
from msgspec import Struct

from tbp.report.base.report_data import ReportData
from tbp.report.data.summary_json import summary_json
from tbp.wording import words
from tbp.wording.notebook import notebook_html

Row: TypeAlias = dict[str, Any]

KEY = ("benchmark", "parameters", "machine", "environment")
TRIAGE = ("status", "owner", "link")
_COMMIT = ("commit", "date", "subject")

# The order of columns; the ones that begin with "last_before" are of the newest commit before the change.
SERIES_COLUMNS = (
    *KEY, "state", "finding", "unit", "better", "value", "before", "after", "effect", "noise_within", "noise_between",
    "runs", *_COMMIT, "page",
)  # fmt: skip
CHANGE_COLUMNS = (
    *KEY, *_COMMIT, "last_before", "commits", "event", "before", "after", "effect", "low", "high", "p_value",
    "confirmed", "doubt", "kind", "what", "is_worse", "is_recovery", "counted", "acknowledged", *TRIAGE, "operators",
)  # fmt: skip
EVENT_COLUMNS = (
    *_COMMIT, "last_before", "commits", "kind", "what", "series", "suspects", "benchmarks", "machines", "least_effect",
    "most_effect",
    "seen", *TRIAGE,
)  # fmt: skip
_NUMBERS = (
    "value", "before", "after", "effect", "noise_within", "noise_between", "low", "high", "p_value", "least_effect",
    "most_effect",
)  # fmt: skip


class ReportFrames(Struct, frozen=True, eq=False):
    """The data of a report. Times are seconds per call, effects relative: 0.1 is 10 % larger."""

    project: str
    verdict: str  # the sentence that the report opens with
    series: pd.DataFrame  # SERIES_COLUMNS, a row for each series, worst first
    changes: pd.DataFrame  # CHANGE_COLUMNS, a row for each change of a series, in the order of ``series``
    events: pd.DataFrame  # EVENT_COLUMNS, a row for each event, newest first; its index is ``changes["event"]``
    problems: tuple[str, ...]  # sentences on input that could not be used

    def __repr__(self) -> str:
        counts = f"{words.count(len(self.changes), 'change')}, {words.count(len(self.events), 'event')}"
        return words.one_line(f"<tbp.ReportFrames of {self.project}: {self.verdict} {counts}>")

    def _repr_html_(self) -> str:
        return notebook_html([self.verdict, *self.problems], self.events.drop(columns="last_before"))


def report_frames(data: ReportData) -> ReportFrames:
    """The frames of ``data``."""
    summary = json.loads(summary_json(data))
    changes = [{**_key(series), **_change(change)} for series in summary["series"] for change in series["changes"]]
    return ReportFrames(
        project=summary["project"],
        verdict=summary["verdict"],
        series=_frame([_series(series) for series in summary["series"]], SERIES_COLUMNS),
        changes=_frame(changes, CHANGE_COLUMNS),
        events=_frame([_event(event) for event in summary["events"]], EVENT_COLUMNS),
        problems=tuple(summary["problems"]),
    )


def _frame(rows: Sequence[Row], columns: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    for name in {*_NUMBERS} & {*columns}:
        frame[name] = frame[name].astype("float64")
    frame["date"] = pd.to_datetime(frame["date"], utc=True, format="ISO8601").astype("datetime64[ms, UTC]")
    if "event" in frame:  # it and the direction may be missing
        frame["event"] = frame["event"].astype("Int64")
        frame["is_worse"] = frame["is_worse"].astype("boolean")
    return frame


def _series(series: Row) -> Row:
    balance = series["balance"] or {}
    return {
        **series,
        **_key(series),
        **_commit(series["last_run"]),
        "before": balance.get("reference"),
        "after": balance.get("level"),
        "effect": balance.get("effect"),
    }


def _change(change: Row) -> Row:
    triage = change["triage"] or {}
    return {**change, **_range(change), **{name: triage.get(name, "") for name in TRIAGE}}


def _event(event: Row) -> Row:
    effects = [change["effect"] for change in event["changes"] if change["effect"] is not None]
    return {
        **event,
        **_range(event),
        "machines": len(event["machines"]["moved"]),
        "least_effect": min(effects, default=None),
        "most_effect": max(effects, default=None),
        **{name: "; ".join(dict.fromkeys(triage[name] for triage in event["triage"])) for name in TRIAGE},
    }


def _range(row: Row) -> Row:
    before = row["last_before"]
    return {**_commit(row["first"]), "last_before": before["commit"] if before else ""}


def _key(series: Row) -> Row:
    return {**{name: series[name] for name in KEY}, "parameters": tuple(map(tuple, series["parameters"]))}


def _commit(commit: Mapping[str, str] | None) -> Row:
    return {name: commit.get(name, "") for name in _COMMIT} if commit else dict.fromkeys(_COMMIT)
