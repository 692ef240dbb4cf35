"""The heatmap's page as data: what its table says without a script, and what moved on the newest commits.

Takes ``ReportData``; the runs themselves are packed by ``grid``.
"""

from __future__ import annotations

from msgspec import Struct

from tbp.history.events import SeriesChange
from tbp.model import relevance
from tbp.model.changes import History
from tbp.model.effects import effect_size
from tbp.model.points import last_with_level
from tbp.report.base.report_data import ReportData
from tbp.report.data.run_grid import columns_of, middle
from tbp.report.parts.addresses import series_href
from tbp.report.parts.change_sorts import GLYPHS, Sort, sort_of
from tbp.report.parts.commit_links import CommitLink, commit_link, span
from tbp.report.parts.facets import Facets, facets
from tbp.report.parts.series_names import SetupNames
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
"""The effect sizes from which on colours are stronger."""


class NewestChange(Struct, frozen=True):
    """A change of a series in the table."""

    glyph: str  # empty where no change was found, but the newest run is far from its level
    effect: str
    commit: CommitLink


class HeatmapRow(Struct, frozen=True):
    benchmark: str
    parameters: str
    setup_name: str
    href: str
    moved: tuple[NewestChange, ...]  # newest first


class HeatmapPage(Struct, frozen=True):
    verdict: str
    newest: str  # in words: the commits that are shown at first
    span: str
    rows: tuple[HeatmapRow, ...]
    left_out: str
    choices: tuple[int, ...]  # numbers of commits, the one at first is DEFAULT_COMMITS or all
    default: int
    suites: tuple[str, ...]
    facets: Facets
    series: int
    least: str  # in words: below it nothing has a colour
    thresholds: str  # in words
    settings: str  # of the script, "0.02 3 0.05 0.1 0.25"


def heatmap_page(data: ReportData) -> HeatmapPage:
    """The series that moved on the newest DEFAULT_COMMITS commits, and the settings of the page."""
    columns = columns_of(data.commits)
    newest = {commit.hash for commit in columns[-DEFAULT_COMMITS:]}
    setup_names = SetupNames.of(data.histories, data.faces)
    moved = [(history, changes) for history in data.histories if (changes := _moved(history, newest, data.commit_url))]
    choices = (*(choice for choice in CHOICES if choice < len(columns)), len(columns))
    shown_commits = "newest commit" if len(newest) == 1 else f"{len(newest):,} newest commits"
    series = words.count(len(data.histories), "series", "series")
    left = len(moved) - MOST_ROWS
    return HeatmapPage(
        verdict=f"{len(moved):,} of {series} moved at the {shown_commits}.",
        newest=shown_commits,
        span=span(columns),
        rows=tuple(_row(history, changes, setup_names) for history, changes in moved[:MOST_ROWS]),
        left_out=f"and {words.count(left, 'more series', 'more series')}" if left > 0 else "",
        choices=choices,
        default=min(DEFAULT_COMMITS, len(columns)),
        suites=tuple(sorted({family_of(history.key.benchmark) for history in data.histories})),
        facets=facets(data),
        series=len(data.histories),
        least=_percent(relevance.TWO_COMMITS),
        thresholds=", ".join(_percent(step) for step in (relevance.TWO_COMMITS, *STEPS)),
        settings=" ".join(f"{number:g}" for number in (relevance.TWO_COMMITS, NOISE_SIGMAS, *STEPS)),
    )


def _row(history: History, moved: tuple[NewestChange, ...], setup_names: SetupNames) -> HeatmapRow:
    key = history.key
    return HeatmapRow(key.benchmark, key.label, setup_names.name(key.setup), series_href(history), moved)


def _moved(history: History, newest: set[str], commit_url: str) -> tuple[NewestChange, ...]:
    newest_changes = []
    for evidence in reversed(history.changes):
        commit = history.commit_at(evidence.change.index)
        if commit is not None and commit.hash in newest:
            sort = sort_of(SeriesChange(history, evidence))
            effect = verdicts.effect(evidence.change, history.unit, history.better)
            text = f"{effect} (suspect)" if sort is Sort.SUSPECT else effect
            newest_changes.append(NewestChange(GLYPHS[sort], text, commit_link(commit, commit_url)))
    return tuple(newest_changes) or _left(history, newest, commit_url)


def _left(history: History, newest: set[str], commit_url: str) -> tuple[NewestChange, ...]:
    """That the newest run is beyond the noise of its level, if it is: no change is found there, but it is no calm."""
    newest_run = last_with_level(history.points)
    level = next(
        (evidence.change.after for evidence in reversed(history.changes) if evidence.change.confirmed), middle(history)
    )
    if newest_run is None or newest_run.commit.hash not in newest or not level:
        return ()
    noise = NOISE_SIGMAS * history.noise_between
    if not abs(effect_size(level, newest_run.value)) >= max(relevance.TWO_COMMITS, noise):
        return ()
    size = words.signed_size(level, newest_run.value, history.unit)
    text = f"not confirmed: the newest run is {size} against the level before it"
    return (NewestChange("", text, commit_link(newest_run.commit, commit_url)),)


def _percent(ratio: float) -> str:
    return f"{ratio:.0%}".replace("%", " %")
