"""The history chart of one benchmark as data for scripts, and the commits that all charts share.

Takes histories, gives plain values. The traces are those of ``tbp.figures.series_traces``, in plotly's own JSON. Beside
them is what the chooser, the cursors and the tables say. Commits are written once for the site.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from msgspec import Struct, field

from tbp.figures.history import UNIT_LENGTH, axis_scale, axis_unit
from tbp.figures.levels import version_breaks
from tbp.figures.look import look
from tbp.figures.series_traces import (
    CHANGES,
    OTHER_VERSION,
    POINTS,
    Trace,
    Unit,
    commit_numbers,
    drawn_changes,
    series_traces,
)
from tbp.model.changes import Change, History
from tbp.model.points import MEASURED, OUTCOMES, columns
from tbp.model.series import Commit, Outcome, Tag
from tbp.project.links import web_address
from tbp.report.base.packing import decimals, rounded
from tbp.report.parts import addresses
from tbp.report.parts.series_names import Dimension
from tbp.system.arrays import Indices
from tbp.wording import verdicts, words

Json: TypeAlias = "dict[str, object]"

SUBJECT_LENGTH = 60
"""Characters of a commit's subject in a hover and a table of data."""

FIRST = 8
"""Series drawn at first, as static/charts/chooser.js has it; the data of the rest is loaded when a reader asks."""

NAMING = ("id", "in")
"""Fields of a series that are shipped at once where its data comes later."""

LEAST_APART = 1000
"""Runs of the later series (five kilobytes) from which on a file for them is worth it."""

DIGITS = 5
"""Significant digits of a series' smallest value: a hundredth of the noise of the quietest series."""

QUARTILE_CUT = 1
"""Decimals fewer of how far the quartiles are from their run's median: a tenth of a per mille of it."""

NOISE_DIGITS = 5
"""Decimals of a series' noise between runs: 0.001 %."""

# Two runs of one level differ by √2 noises; this is Student's t at 99 % with as many degrees of freedom as
# ``two_runs`` grants (MOST_FREEDOM), so that a script's "beyond noise" asks for as much as `tbp compare`.
BEYOND_NOISES = math.sqrt(2) * 3.355


class Chart(Struct, frozen=True):
    """``payload`` is what ``static/charts/chart.js`` draws; ``more`` what it loads later, empty without any."""

    payload: Json
    log_possible: bool
    more: Json = field(default_factory=dict)


def commits_payload(commits: Sequence[Commit], commit_url: str) -> Json:
    """The commits that charts and tables of data name; dates are seconds since 1970."""
    return {
        "url": web_address(commit_url),
        "hash": [words.visible(commit.hash) for commit in commits],
        "date": [int(commit.date.timestamp()) for commit in commits],
        "subject": [words.visible(words.cut(commit.subject, SUBJECT_LENGTH)) for commit in commits],
    }


def history_chart(
    histories: Sequence[History],
    dimensions: Sequence[Dimension],
    site_number: Mapping[str, int],
    tags: Sequence[Tag] = (),
) -> Chart:
    """Each series over all their commits: its traces, and what is written beside the chart.

    ``site_number`` is that of each commit among the site's. Drawn at first are the first of ``histories``: worst first.
    """
    runs = [columns(history.points) for history in histories]
    hashes = {series.order[at].hash for series in runs for at in np.unique(series.commit_index).tolist()}
    order = sorted(hashes, key=site_number.__getitem__)
    number = {name: index for index, name in enumerate(order)}
    values = [series.value for series in runs]
    unit = axis_unit(histories)
    series = [
        _series(history, at, dimensions, commit_numbers(history, number), unit) for at, history in enumerate(histories)
    ]
    payload: Json = {
        "factor": unit.factor,
        "scales": [
            [size, words.visible(words.cut(name, UNIT_LENGTH))] for size, name in words.scales_of(histories[0].unit)
        ],
        "unit": words.visible(words.cut(histories[0].unit, UNIT_LENGTH)),
        "better": histories[0].better.worse,
        "reach": round(BEYOND_NOISES, 4),
        "scale": axis_scale(values[:FIRST]),
        "commits": [site_number[name] for name in order],
        "dimensions": [[each.shown_name, each.shown_values, each.is_place] for each in dimensions],
        "series": series,
    }
    more: Json = {}
    if sum(len(later) for later in runs[FIRST:]) >= LEAST_APART:
        payload["series"] = series[:FIRST] + [{name: each[name] for name in NAMING} for each in series[FIRST:]]
        more["series"] = [{k: value for k, value in each.items() if k not in NAMING} for each in series[FIRST:]]
    if known := [tag for tag in tags if tag.commit in number]:
        payload["tags"] = [[number[tag.commit], words.visible(tag.name), int(tag.is_exact)] for tag in known]
    is_positive = all(bool((finite > 0).all()) for finite in (series[np.isfinite(series)] for series in values))
    return Chart(payload, is_positive and any(np.isfinite(series).any() for series in values), more)


def _series(history: History, number: int, dimensions: Sequence[Dimension], xs: Indices, unit: Unit) -> Json:
    """One series; ``xs`` is the number of the commit of each run among the chart's."""
    data: Json = {
        "id": addresses.anchor(history.key),
        "in": [each.place_of(history.key) for each in dimensions],
        "traces": [_shipped(trace, history) for trace in series_traces(history, xs, unit, look(number))],
        "sessions": _sessions(history),
    }
    if math.isfinite(history.noise_between):
        data["noise"] = round(history.noise_between, NOISE_DIGITS)
    if remarks := _remarks(history, xs):
        data["remarks"] = remarks
    if breaks := version_breaks(history):
        data["breaks"] = [int(xs[index]) for index in breaks]
    return data


def _shipped(trace: Trace, history: History) -> Json:
    """The trace as plotly.js takes it, with as many digits as are seen, and what scripts say of changes."""
    shipped = dict(trace)
    if shipped["meta"] in (POINTS, OTHER_VERSION):
        to = decimals(shipped["y"], DIGITS)
        shipped["y"] = rounded(shipped["y"], to)
        if "error_y" in shipped:
            to = None if to is None else to - QUARTILE_CUT
            bars = {side: rounded(shipped["error_y"][side], to) for side in ("array", "arrayminus")}
            shipped["error_y"] = {**shipped["error_y"], **bars}
        shipped["steps"] = np.diff(shipped.pop("x"), prepend=0)  # mostly ones, which pack to next to nothing
    if shipped["meta"] == CHANGES:
        changes = [evidence.change for evidence in drawn_changes(history)]
        shipped["customdata"] = [_change(change, history) for change in changes]
    return shipped


def _change(change: Change, history: History) -> list[object]:
    """``[before, after, merit, is confirmed, "▲ +12 %", "slower"]``, levels in the series' unit."""
    move = verdicts.move(change, history.unit)
    effect = verdicts.effect(change, history.unit, history.better).removeprefix(move).strip()
    levels = [float(f"{level:.{DIGITS}g}") for level in (change.before, change.after)]
    judged = [change.merit(history.better), int(change.confirmed)]
    return [*levels, *judged, words.visible(move), words.visible(effect)]


def _sessions(history: History) -> int | list[int]:
    """How many processes each run had; one number where all of them had as many."""
    runs = columns(history.points)
    numbers = [len(runs.sessions.get(index, ())) for index in range(len(runs))]
    return numbers if len(set(numbers)) > 1 else next(iter(numbers), 0)


def _remarks(history: History, xs: Indices) -> dict[str, list[int]]:
    """The runs without a value, by what became of them: the numbers of their commits."""
    runs = columns(history.points)
    remarks: dict[str, list[int]] = {}
    for index in np.flatnonzero(runs.outcome != MEASURED).tolist():
        remark = _remark(OUTCOMES[runs.outcome[index]], runs.reasons.get(index, ""))
        remarks.setdefault(remark, []).append(int(xs[index]))
    return remarks


@lru_cache(256)  # what fails fails alike in many runs
def _remark(outcome: Outcome, reason: str) -> str:
    return words.visible(f"{outcome.value} {words.first_line(reason)}".strip())
