"""The history chart of one benchmark as numbers, and the commits all charts share.

Takes histories, gives plain JSON values for ``base/unpacking.js``, which makes values of them again; ``chart.js``
draws. A point costs about four bytes: values are whole numbers of a small unit, written as differences from the one
before in ``letters``, quartiles are a letter each for parts of the value, and commits are written once for the site.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from tbp.model.changes import History
from tbp.model.points import MEASURED, OUTCOMES, PointColumns, columns
from tbp.model.series import Commit, Outcome, Tag
from tbp.report.base.commit_order import commit_order
from tbp.report.base.report_data import ReportData
from tbp.report.data.chart_marks import BEYOND_NOISES, LESS_IS_BETTER, change_marks, levels, version_breaks
from tbp.report.parts import addresses
from tbp.report.parts.packing import GAP, LETTERS, MOST, packed, packed_series, ranges
from tbp.report.parts.series_names import Dimension
from tbp.wording import words

Json: TypeAlias = "dict[str, object]"

WIDE = 4.0
"""Largest over smallest value up to which a linear axis shows all: beyond, a step of 5 % of the smallest is a hundredth
of the height. Where one series is so wide the axis is logarithmic, where only series differ they start as changes."""

APART = 100.0
"""So far apart series have nothing in common but the page: a logarithmic axis would be as flat as a linear one."""

SUBJECT_LENGTH = 60
"""Characters of a commit's subject in a hover and a table of data."""

UNIT_LENGTH = 30
"""Characters of a unit beside the axis, which is 400 pixels high."""

FIRST = 8
"""Series drawn at first, as charts/chooser.js has it; the data of all others is loaded when a reader asks for it."""

NAMING = ("id", "in")
"""Of a series whose data comes later, what is told before."""

LEAST_APART = 1000
"""Runs in the data of the others (four kilobytes) from which on a file of their own is worth it."""

DIGITS = 5
"""Significant digits of a series' smallest value: a hundredth of the noise of the quietest series."""

NOISE_DIGITS = 5
"""Decimals of a series' noise between runs: 0.001 %."""

LEAST_PART = 1e-10
"""Of a series' largest value, the smallest part that is told apart: a value near zero must not make numbers endless."""

# How far a quartile is from the value, in thousandths of it, is told by a letter: exactly up to 10, then to 5 %, up to
# ten times the value. Quartiles would be half of the data otherwise.
OFFSETS = tuple(range(11)) + tuple(round(10 * 1.1**power) for power in range(1, len(LETTERS) - 10))
UNKNOWN = GAP

_BETWEEN = (np.array(OFFSETS[1:]) + np.array(OFFSETS[:-1])) / 2  # where the next letter is nearer
_CODES = np.frombuffer(LETTERS.encode(), np.uint8)


class Chart(Struct, frozen=True):
    """``payload`` is what ``charts/chart.js`` draws; ``more`` what it asks for later, empty where nothing is left."""

    payload: Json
    log_possible: bool
    more: Json = field(default_factory=dict)


class CommitList(Struct, frozen=True):
    """All commits of a site in order of history."""

    commits: tuple[Commit, ...]
    place: dict[str, int]  # by full hash


def commit_list(commits: Iterable[Commit]) -> CommitList:
    """``commits`` with the place of each."""
    order = tuple(commits)
    return CommitList(order, {commit.hash: place for place, commit in enumerate(order)})


def site_commits(data: ReportData) -> CommitList:
    """All commits of the site in order of history."""
    return commit_list(data.commits or commit_order(data.histories))


def commits_payload(commits: CommitList, commit_url: str) -> Json:
    """What every chart and table of data says of commits, and how numbers are written in them.

    Dates are seconds since 1970, as differences.
    """
    seconds = [int(commit.date.timestamp()) for commit in commits.commits]
    return {
        "letters": LETTERS,
        "offsets": OFFSETS,
        "url": addresses.commit_prefix(commit_url),
        "hash": [words.visible(commit.hash) for commit in commits.commits],
        "date": packed(np.diff(seconds, prepend=0)),
        "subject": [words.visible(words.cut(commit.subject, SUBJECT_LENGTH)) for commit in commits.commits],
    }


def history_chart(
    histories: Sequence[History], dimensions: Sequence[Dimension], place: Mapping[str, int], tags: Sequence[Tag] = ()
) -> Chart:
    """Each series over all their commits: its points, its levels with their noise, its changes.

    ``place`` is that of each commit among the site's. Drawn at first are the first of ``histories``: worst first.
    """
    runs = [columns(history.points) for history in histories]
    hashes = [tuple(own.order[at].hash for at in own.commit_index.tolist()) for own in runs]
    xs = {own: x for x, own in enumerate(dict.fromkeys(hashes))}  # most series were run at the same commits
    order = sorted({name for own in xs for name in own}, key=place.__getitem__)
    at = {name: index for index, name in enumerate(order)}
    values = np.concatenate([own.value[np.isfinite(own.value)] for own in runs])
    unit = histories[0].unit
    is_positive = bool(len(values)) and bool(values.min() > 0)
    remarks: dict[str, int] = {}
    series = [
        _series(history, dimensions, own, xs[names], remarks)
        for history, own, names in zip(histories, runs, hashes, strict=True)
    ]
    payload: Json = {
        "scales": [[size, words.visible(words.cut(name, UNIT_LENGTH))] for size, name in words.scales_of(unit)],
        "unit": words.visible(words.cut(unit, UNIT_LENGTH)),
        "better": LESS_IS_BETTER[histories[0].better],
        "reach": round(BEYOND_NOISES, 4),
        "scale": _scale([own.value[np.isfinite(own.value)] for own in runs[:FIRST]]) if is_positive else "linear",
        "commits": packed(ranges([place[name] for name in order])),
        "dimensions": [[one.shown_name, one.shown_values, one.is_place] for one in dimensions],
        "series": series,
        "xs": [packed(ranges([at[name] for name in own])) for own in xs],
        "remarks": list(remarks),
    }
    more: Json = {}
    if sum(len(own) for own in runs[FIRST:]) >= LEAST_APART:
        payload["series"] = series[:FIRST] + [{name: one[name] for name in NAMING} for one in series[FIRST:]]
        more["series"] = [{name: value for name, value in one.items() if name not in NAMING} for one in series[FIRST:]]
    if tagged := [[at[tag.commit], words.visible(tag.name), int(tag.is_exact)] for tag in tags if tag.commit in at]:
        payload["tags"] = tagged
    return Chart(payload, is_positive, more)


def _scale(drawn: Sequence[NDArray[np.float64]]) -> str:
    """The axis at first, for the positive values of each series drawn."""
    drawn = [own for own in drawn if len(own)]
    middles = [float(np.sort(own)[len(own) // 2]) for own in drawn]
    apart = max(middles) / min(middles) if middles else 1.0
    if apart < APART and any(float(own.max()) / float(own.min()) >= WIDE for own in drawn):
        return "log"
    return "relative" if apart >= WIDE else "linear"


def _series(
    history: History, dimensions: Sequence[Dimension], own: PointColumns, x: int, remarks: dict[str, int]
) -> Json:
    """``x`` is the place of its commits in the chart; ``remarks`` has the place of each, and gets new ones."""
    step = unit_step(own.value)
    data: Json = {
        "id": addresses.anchor(history.key),
        "in": [one.place_of(history.key) for one in dimensions],
        "x": x,
        "step": step,
        "v": packed_series(np.rint(own.value / step)),
        "levels": levels(history, step),
    }
    if math.isfinite(history.noise_between):
        data["noise"] = round(history.noise_between, NOISE_DIGITS)
    optional: Json = {
        "low": _quartiles(own.value, own.low, -1).rstrip(UNKNOWN),
        "high": _quartiles(own.value, own.high, 1).rstrip(UNKNOWN),
        "sessions": _sessions(own),
        "other": packed(ranges(np.flatnonzero(~own.comparable))),
        "remarks": packed(_remarks(own, remarks)),
        "changes": change_marks(history, step),
        "breaks": version_breaks(history),
    }
    return data | {name: value for name, value in optional.items() if value}


def unit_step(values: Sequence[float] | NDArray[np.float64]) -> float:
    """The unit in which values are written as whole numbers: 1 where they are such, else small enough for DIGITS."""
    own = np.asarray(values, dtype=np.float64)
    sizes = np.abs(own[np.isfinite(own)])
    if bool(np.all((sizes == np.trunc(sizes)) & (sizes < MOST))):
        return 1.0
    smallest = max(float(sizes[sizes > 0].min()), float(sizes.max()) * LEAST_PART)
    # What is smaller than a normal number has no reciprocal: it is drawn at 0.
    return max(float(f"1e{math.floor(math.log10(smallest)) - (DIGITS - 1)}"), sys.float_info.min)


def _quartiles(values: NDArray[np.float64], quartiles: NDArray[np.float64], side: int) -> str:
    """How far each quartile is above (side 1) or below (−1) its value, as letters; one on the other side is at it."""
    known = np.isfinite(values) & np.isfinite(quartiles) & (values != 0)
    own = values[known]
    with np.errstate(over="ignore"):  # the farthest letter is for anything farther
        thousandths = side * 1000 * ((quartiles[known] - own) / np.abs(own))
    letters = np.full(len(values), ord(UNKNOWN), np.uint8)
    letters[known] = _CODES[np.searchsorted(_BETWEEN, thousandths, side="right")]
    return letters.tobytes().decode("ascii")


def _sessions(own: PointColumns) -> int | str:
    """How many processes each run had; one number where they all had as many."""
    numbers = np.zeros(len(own), np.int64)
    for index, sessions in own.sessions.items():
        numbers[index] = len(sessions)
    if not len(own) or (numbers == numbers[0]).all():
        return int(numbers[0]) if len(own) else 0
    return packed(numbers)


def _remarks(own: PointColumns, remarks: dict[str, int]) -> list[int]:
    """Of the runs without a value: how many are left out, how many follow each other, which words they have."""
    found: list[int] = []
    free = 0  # behind the last stretch
    for index in np.flatnonzero(own.outcome != MEASURED).tolist():
        said = _remark(OUTCOMES[own.outcome[index]], own.reasons.get(index, ""))
        remark = remarks.setdefault(said, len(remarks))
        if found and index == free and remark == found[-1]:
            found[-2] += 1
        else:
            found += [index - free, 1, remark]
        free = index + 1
    return found


@lru_cache(256)  # what fails fails alike in many runs
def _remark(outcome: Outcome, reason: str) -> str:
    return words.visible(f"{outcome.value} {words.first_line(reason)}".strip())
