"""The heatmap's page as data: what its table says without a script, and what moved on the newest commits.

Takes ``ReportData`` and the order of its commits; the runs themselves are packed by ``grid``.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.history.events import SeriesChange
from tbp.model import relevance
from tbp.model.changes import History, effect_size
from tbp.model.points import last_with_level
from tbp.model.series import Commit
from tbp.report.base.report_data import ReportData
from tbp.report.data.run_grid import columns_of, middle
from tbp.report.parts.change_sorts import GLYPHS, Sort, sort_of
from tbp.report.parts.commit_links import CommitLink, commit_link, span
from tbp.report.parts.places import Places, series_href
from tbp.report.parts.series_order import family_of
from tbp.wording import verdicts, words

DEFAULT_COMMITS = 50
"""Columns at first: what fits a desktop's width."""

CHOICES = (20, 50, 100, 200)

MOST_ROWS = 150
"""In the table without a script, 600 bytes each."""

NOISE_SIGMAS = 3.0
"""A cell is coloured from so many noises between runs on: of runs without a change 1 in 370 is, if noise is normal."""

STEPS = (0.05, 0.10, 0.25)
"""Where a stronger colour begins."""


class Moved(Struct, frozen=True):
    """A change of a series in the table."""

    glyph: str  # empty where no change was found, but the newest run is far from its level
    effect: str
    commit: CommitLink


class Row(Struct, frozen=True):
    benchmark: str
    parameters: str
    place: str
    href: str
    moved: tuple[Moved, ...]  # newest first


class HeatmapPage(Struct, frozen=True):
    verdict: str
    span: str
    rows: tuple[Row, ...]
    left_out: str
    choices: tuple[int, ...]  # numbers of commits, the one at first is DEFAULT_COMMITS or all
    default: int
    suites: tuple[str, ...]
    series: int
    least: str  # in words: below it nothing has a colour
    thresholds: str  # in words
    settings: str  # of the script, "0.02 3 0.05 0.1 0.25"


def heatmap_page(data: ReportData, order: Sequence[Commit]) -> HeatmapPage:
    """What moved on the newest DEFAULT_COMMITS commits, and how the page can be set."""
    columns = columns_of(order)
    newest = {commit.hash for commit in columns[-DEFAULT_COMMITS:]}
    places = Places.of(data.histories, data.faces)
    moved = [(history, changes) for history in data.histories if (changes := _moved(history, newest, data.commit_url))]
    choices = (*(choice for choice in CHOICES if choice < len(columns)), len(columns))
    said = words.count(len(newest), "newest commit")
    left = len(moved) - MOST_ROWS
    return HeatmapPage(
        verdict=f"{len(moved):,} of {words.count(len(data.histories), 'series', 'series')} moved on the {said}.",
        span=span(columns),
        rows=tuple(_row(history, changes, places) for history, changes in moved[:MOST_ROWS]),
        left_out=f"and {words.count(left, 'more series', 'more series')}" if left > 0 else "",
        choices=choices,
        default=min(DEFAULT_COMMITS, len(columns)),
        suites=tuple(sorted({family_of(history.key.benchmark) for history in data.histories})),
        series=len(data.histories),
        least=_percent(relevance.TWO_COMMITS),
        thresholds=", ".join(_percent(step) for step in (relevance.TWO_COMMITS, *STEPS)),
        settings=" ".join(f"{number:g}" for number in (relevance.TWO_COMMITS, NOISE_SIGMAS, *STEPS)),
    )


def _row(history: History, moved: tuple[Moved, ...], places: Places) -> Row:
    key = history.key
    return Row(key.benchmark, key.label, places.name(key.machine, key.environment), series_href(history), moved)


def _moved(history: History, newest: set[str], commit_url: str) -> tuple[Moved, ...]:
    found = []
    for evidence in reversed(history.changes):
        index = evidence.change.index
        if 0 <= index < len(history.points) and history.points[index].commit.hash in newest:
            sort = sort_of(SeriesChange(history, evidence))
            effect = verdicts.effect(evidence.change, history.unit, history.better)
            said = f"{effect} (suspect)" if sort is Sort.SUSPECT else effect
            found.append(Moved(GLYPHS[sort], said, commit_link(history.points[index].commit, commit_url)))
    return tuple(found) or _left(history, newest, commit_url)


def _left(history: History, newest: set[str], commit_url: str) -> tuple[Moved, ...]:
    """That the newest run is beyond the noise of its level, if it is: no change is found there, but it is no calm."""
    newest_run = last_with_level(history.points)
    level = next((one.change.after for one in reversed(history.changes) if one.change.confirmed), middle(history))
    if newest_run is None or newest_run.commit.hash not in newest or not level:
        return ()
    noise = NOISE_SIGMAS * history.noise_between
    if not abs(effect_size(level, newest_run.value)) >= max(relevance.TWO_COMMITS, noise):
        return ()
    size = words.signed_size(level, newest_run.value, history.unit)
    said = f"not confirmed: the newest run is {size} from its level"
    return (Moved("", said, commit_link(newest_run.commit, commit_url)),)


def _percent(ratio: float) -> str:
    return f"{ratio:.0%}".replace("%", " %")
