"""A benchmark's page as data: a finding, how to draw its chart, and one section for each series.

Takes the histories of one benchmark, gives words, rows and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tbp.history.series import History, SeriesKey, State
from tbp.report import addresses, evidence, words
from tbp.report.change_blocks import ChangeBlock, change_blocks
from tbp.report.chart_data import Chart, history_chart, site_commits
from tbp.report.dimensions import dimensions, series_name
from tbp.report.model import ReportData
from tbp.report.rates import Rate, rates_of_all
from tbp.report.rows import CommitLink, commit_link, shown_change
from tbp.report.scaling import Scaling, scalings
from tbp.report.summary import Tile, family_of, ranked, tiles

if TYPE_CHECKING:
    from tbp.report.flame import Flame

BREAKS = 5
"""Breaks listed of a series: a hosted runner may change its processor with every run."""


@dataclass(frozen=True)
class BreakRow:
    """Something else than the code that changed in a series."""

    kind: str
    what: str
    commit: CommitLink
    consequence: str


@dataclass(frozen=True)
class Section:
    """One series of the benchmark."""

    anchor: str
    name: str
    place: str
    state: State
    glyph: str
    badge: str
    finding: str
    unfolded: bool
    noise_within: str
    noise_between: str
    changes: tuple[ChangeBlock, ...]  # newest first
    earlier: tuple[ChangeBlock, ...]  # still older ones, told in a line each
    breaks: tuple[BreakRow, ...]
    more_breaks: int  # that are not shown
    rates: tuple[Rate, ...]
    hotspots: evidence.Hotspots | None
    hotspots_commit: CommitLink | None
    reason: str  # in full, of the newest run without a value
    runs: int
    command: str  # measures the newest commit, of a series that failed there
    flame: Flame | None = None  # of the same traces as the hotspots

    @property
    def flames(self) -> tuple[Flame | None, ...]:
        return self.flame, *(change.flame for change in self.changes)


@dataclass(frozen=True)
class BenchmarkPage:
    name: str
    family: str
    file: str
    data_file: str
    finding: str
    tiles: tuple[Tile, ...]
    chart: Chart
    scalings: tuple[Scaling, ...]
    sections: tuple[Section, ...]
    command: str  # measures all series at the newest commit
    has_commit_links: bool


def benchmark_page(
    benchmark: str,
    data: ReportData,
    place: Mapping[str, int] | None = None,
    known: Mapping[SeriesKey, Sequence[Rate]] | None = None,
) -> BenchmarkPage:
    """The page of all series of ``benchmark`` in ``data``, worst first.

    ``place`` is that of each commit of theirs among the site's, ``known`` what the other benchmarks of the suite say of
    them: both are found in ``data`` where they are not given, which then has to hold the whole site.
    """
    histories = ranked(data.by_benchmark[benchmark])
    differ = dimensions([history.key for history in histories])
    names = [series_name(history.key, differ) for history in histories]
    place = site_commits(data).place if place is None else place
    known = rates_of_all(data.histories) if known is None else known
    grown = scalings(histories, differ)
    chart = history_chart(histories, differ, place, data.tags)
    if charted := [one.payload for one in grown if one.is_charted]:
        chart.payload["scalings"] = charted
    return BenchmarkPage(
        name=benchmark,
        family=family_of(benchmark),
        file=addresses.page_file(benchmark),
        data_file=addresses.data_file(benchmark),
        finding=_finding(histories, names),
        tiles=tiles(histories, occurring=True),
        chart=chart,
        scalings=grown,
        sections=tuple(
            _section(history, name, data, known.get(history.key, ()))
            for history, name in zip(histories, names, strict=True)
        ),
        command=_command(benchmark, histories, place),
        has_commit_links=bool(addresses.commit_prefix(data.commit_url)),
    )


def _command(benchmark: str, histories: Sequence[History], place: Mapping[str, int]) -> str:
    """What measures the whole benchmark at the newest commit that it has."""
    ends = [history.points[-1].commit for history in histories if len(history.points)]
    newest = max(ends, key=lambda commit: place[commit.hash], default=None)
    return addresses.reproduction(SeriesKey(benchmark, (), "", ""), newest) if newest else ""


def _finding(histories: Sequence[History], names: Sequence[str]) -> str:
    """The verdict on the benchmark, and where the time of its worst series went."""
    said = words.finding(histories[0]) if len(histories) == 1 else words.verdict(histories, names[0])
    standing = shown_change(histories[0])
    causes = evidence.causes(standing.difference) if standing and standing.difference is not None else ()
    return f"{said.removesuffix('.')}; {'; '.join(causes)}." if causes else said


def _section(history: History, name: str, data: ReportData, known: Sequence[Rate]) -> Section:
    standing = shown_change(history)
    commit = history.operators_commit
    table = history.operators
    unfinished = history.state in (State.FAILED, State.SKIPPED)
    changes, earlier = change_blocks(history, data.commit_url)
    return Section(
        anchor=addresses.anchor(history.key),
        name=name or "the only series",
        place=" · ".join(filter(None, [history.key.machine, history.key.environment])),
        state=history.state,
        glyph="" if standing else words.GLYPHS[history.state],
        badge=words.effect(standing.change, history.unit, history.better)
        if standing
        else words.PLURALS[history.state][0],
        finding=words.finding(history),
        unfolded=standing is not None,
        noise_within=words.percent(history.noise_within),
        noise_between=words.percent(history.noise_between),
        changes=changes,
        earlier=earlier,
        breaks=_breaks(history, data),
        more_breaks=max(0, len(history.breaks) - BREAKS),
        rates=tuple(known),
        hotspots=evidence.hotspots(table) if table is not None else None,
        hotspots_commit=commit_link(commit, data.commit_url) if commit else None,
        reason=words.newest_reason(history) if unfinished else "",
        runs=len(history.points),
        command=addresses.reproduction(history.key, history.points[-1].commit) if unfinished else "",
        flame=_newest_flame(history) if history.frames is not None else None,
    )


def _newest_flame(history: History) -> Flame | None:
    from tbp.report.flame import newest_flame  # brings pandas, as the frames did

    return newest_flame(history)


def _breaks(history: History, data: ReportData) -> tuple[BreakRow, ...]:
    """The newest breaks, those that nothing may be compared across first."""
    order = sorted(history.breaks, key=lambda one: (one.comparable, -one.index))[:BREAKS]
    return tuple(
        BreakRow(
            kind=one.kind.value,
            what=one.what,
            commit=commit_link(history.points[one.index].commit, data.commit_url),
            consequence="" if one.comparable else "values before and after it are not comparable",
        )
        for one in order
        if 0 <= one.index < len(history.points)
    )
