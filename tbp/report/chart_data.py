"""The history chart of one benchmark as numbers, and the commits all charts share.

Takes histories, gives plain JSON values for ``static/numbers.js``, which makes values of them again; ``chart.js``
draws. A point costs about eight bytes: values are whole numbers of a small unit, written as differences from the one
before, quartiles are letters for parts of the value, and commits are written once for the whole site.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tbp.history.series import Better, Commit, History, Outcome, Point, Tag
from tbp.report import addresses, words
from tbp.report.commits import commit_order
from tbp.report.dimensions import Dimension
from tbp.report.model import ReportData
from tbp.report.strokes import BEYOND_NOISES, change_marks, levels, version_breaks

Json: TypeAlias = "dict[str, object]"

WIDE = 20.0
"""Largest over smallest value up to which a linear axis shows all. Beyond, series start as changes in per cent, so that
a change is seen whatever its series' size, and a single one on a logarithmic axis."""

SUBJECT_LENGTH = 60
"""Characters of a commit's subject in a hover and a table of data."""

UNIT_LENGTH = 30
"""Characters of a unit beside the axis, which is 400 pixels high."""

DIGITS = 5
"""Significant digits of a series' smallest value: a hundredth of the noise of the quietest series."""

LEAST_PART = 1e-10
"""Of a series' largest value, the smallest part that is told apart: a value near zero must not make numbers endless."""

# How far a quartile is from the value, in thousandths of it, is told by a letter: exactly up to 10, then to 5 %, up to
# ten times the value. Quartiles would be half of the data otherwise. The letters need no escape in JSON and in scripts.
LETTERS = "".join(chr(code) for code in range(33, 127) if chr(code) not in "\"\\<>&'~")
OFFSETS = tuple(range(11)) + tuple(round(10 * 1.1**power) for power in range(1, len(LETTERS) - 10))
UNKNOWN = "~"


@dataclass(frozen=True)
class Chart:
    """``payload`` is what ``static/chart.js`` draws."""

    payload: Json
    log_possible: bool


@dataclass(frozen=True)
class CommitList:
    """All commits of a site in order of history."""

    commits: tuple[Commit, ...]
    place: dict[str, int] = field(repr=False)  # by full hash


def commit_list(commits: Iterable[Commit]) -> CommitList:
    """``commits`` with the place of each."""
    order = tuple(commits)
    return CommitList(order, {commit.hash: place for place, commit in enumerate(order)})


def site_commits(data: ReportData) -> CommitList:
    """All commits of the site in order of history."""
    return commit_list(data.commits or commit_order(data.histories))


def commits_payload(commits: CommitList, commit_url: str) -> Json:
    """What every chart and table of data says of commits; dates are seconds since 1970, as differences."""
    seconds = [int(commit.date.timestamp()) for commit in commits.commits]
    return {
        "url": addresses.commit_prefix(commit_url),
        "hash": [words.visible(commit.hash) for commit in commits.commits],
        "date": differences(seconds),
        "subject": [words.visible(words.cut(commit.subject, SUBJECT_LENGTH)) for commit in commits.commits],
    }


def history_chart(
    histories: Sequence[History], dimensions: Sequence[Dimension], place: Mapping[str, int], tags: Sequence[Tag] = ()
) -> Chart:
    """Each series over all their commits: its points, its levels with their noise, its changes.

    ``place`` is that of each commit among the site's. Drawn at first are the first of ``histories``: worst first.
    """
    own = {point.commit.hash for history in histories for point in history.points}
    order = sorted(own, key=place.__getitem__)
    at = {name: index for index, name in enumerate(order)}
    values = [p.value for history in histories for p in history.points if math.isfinite(p.value)]
    unit = histories[0].unit
    is_positive = bool(values) and min(values) > 0
    is_wide = is_positive and max(values) / min(values) >= WIDE
    shared = _Shared()
    series = [_series(history, dimensions, at, shared) for history in histories]
    payload: Json = {
        "scales": [[size, words.visible(words.cut(name, UNIT_LENGTH))] for size, name in words.scales_of(unit)],
        "unit": words.visible(words.cut(unit, UNIT_LENGTH)),
        "better": 1 if histories[0].better is Better.LOWER else -1,
        "reach": round(BEYOND_NOISES, 4),
        "scale": ("relative" if len(histories) > 1 else "log") if is_wide else "linear",
        "commits": differences([place[name] for name in order]),
        "dimensions": [[one.shown_name, one.shown_values, one.is_place] for one in dimensions],
        "letters": LETTERS,
        "offsets": OFFSETS,
        "series": series,
        "xs": shared.xs,
        "remarks": shared.remarks,
    }
    if tagged := [[at[tag.commit], words.visible(tag.name), int(tag.is_exact)] for tag in tags if tag.commit in at]:
        payload["tags"] = tagged
    return Chart(payload, is_positive)


@dataclass
class _Shared:
    """What many series have in common: written once, referred to by its place."""

    xs: list[object] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def x(self, places: Sequence[int]) -> int:
        return self._kept(self.xs, len(places) if list(places) == list(range(len(places))) else differences(places))

    def remark(self, text: str) -> int:
        return self._kept(self.remarks, text)

    def _kept(self, among: list[object] | list[str], one: object) -> int:
        if one not in among:
            among.append(one)  # type: ignore[arg-type]  # each list is only handed what it holds
        return among.index(one)  # type: ignore[arg-type]


def _series(history: History, dimensions: Sequence[Dimension], at: dict[str, int], shared: _Shared) -> Json:
    points = history.points
    step = unit_step([point.value for point in points])
    data: Json = {
        "id": addresses.anchor(history.key),
        "in": [one.place_of(history.key) for one in dimensions],
        "x": shared.x([at[point.commit.hash] for point in points]),
        "step": step,
        "v": differences([round(p.value / step) if math.isfinite(p.value) else None for p in points]),
        "levels": levels(history, step),
    }
    quartiles = [_quartiles(point) for point in points]
    optional: Json = {
        "low": "".join(low for low, _ in quartiles).rstrip(UNKNOWN),
        "high": "".join(high for _, high in quartiles).rstrip(UNKNOWN),
        "sessions": _sessions(points),
        "other": [index for index, point in enumerate(points) if not point.comparable],
        "remarks": [[index, shared.remark(text)] for index, text in _remarks(points)],
        "exact": int(history.noise_between == 0),  # its runs never differ by chance; 0 in ``levels`` may be unknown
        "changes": change_marks(history, step),
        "breaks": version_breaks(history),
    }
    return data | {name: value for name, value in optional.items() if value}


def differences(numbers: Sequence[int | None]) -> list[int | None]:
    """Each number less the one before it that is known, the first as it is: short where neighbours are alike."""
    found: list[int | None] = []
    last = 0
    for number in numbers:
        found.append(None if number is None else number - last)
        last = last if number is None else number
    return found


def unit_step(values: Iterable[float]) -> float:
    """The unit in which values are written as whole numbers: 1 where they are such, else small enough for DIGITS."""
    sizes = [abs(value) for value in values if math.isfinite(value)]
    if all(size == int(size) and size < 2**53 for size in sizes):
        return 1.0
    smallest = max(min(size for size in sizes if size), max(sizes) * LEAST_PART)
    return float(f"1e{math.floor(math.log10(smallest)) - (DIGITS - 1)}")


def _quartiles(point: Point) -> tuple[str, str]:
    """How far the quartiles are from the value, as letters."""
    if not point.value or not all(math.isfinite(one) for one in (point.value, point.low, point.high)):
        return UNKNOWN, UNKNOWN
    size = abs(point.value) / 1000
    return _letter((point.value - point.low) / size), _letter((point.high - point.value) / size)


def _letter(thousandths: float) -> str:
    """The letter of the nearest offset; a quartile on the wrong side of the value is taken to be at it."""
    above = bisect_left(OFFSETS, thousandths)
    if above in (0, len(OFFSETS)):
        return LETTERS[min(above, len(OFFSETS) - 1)]
    is_nearer_below = thousandths - OFFSETS[above - 1] < OFFSETS[above] - thousandths
    return LETTERS[above - is_nearer_below]


def _sessions(points: Sequence[Point]) -> int | list[int]:
    """How many processes each run had; one number where they all had as many."""
    numbers = [len(point.sessions) for point in points]
    return numbers[0] if len(set(numbers)) == 1 else numbers if numbers else 0


def _remarks(points: Sequence[Point]) -> list[tuple[int, str]]:
    """(place, words) of the points without a value."""
    return [
        (index, words.visible(f"{point.outcome.value} {words.first_line(point.reason)}".strip()))
        for index, point in enumerate(points)
        if point.outcome is not Outcome.MEASURED
    ]
